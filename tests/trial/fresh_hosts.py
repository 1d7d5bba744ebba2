"""Counts the servers of scenarios whose address of IPv6 has its route when their hosts are handed out.

`python3 fresh_hosts.py TIMES` in a sandbox (namespaces/): `{"ready": true}`, then an object, `local` and `times`. Links
of other namespaces come and go meanwhile: the kernel's worker, which gives the route, has to wait for the lock of all
links (rtnl_lock), as it does while other scenarios begin.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys

from namespaces import rtnetlink
from namespaces.hosts import hosts
from namespaces.root import become_root

LINK, SERVER, OTHERS = "eth0", "2001:db8:ffff::a", 12


async def is_local() -> bool:
    async with hosts([LINK], LINK, [SERVER]) as pair:
        return rtnetlink.is_local(pair.server, SERVER, pair.server.index(LINK))


@contextlib.contextmanager
def other_scenarios():
    """Have processes make hosts and take them away, until the block ends."""
    processes = []
    for _ in range(OTHERS):
        if not (process := os.fork()):
            while True:
                asyncio.run(is_local())
        processes.append(process)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def main(times: int) -> None:
    become_root()
    print('{"ready": true}', flush=True)
    with other_scenarios():
        local = sum(asyncio.run(is_local()) for _ in range(times))
    print(json.dumps({"local": local, "times": times}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
