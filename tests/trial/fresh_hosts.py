"""How many hosts of scenarios take in their address of IPv6 from the first moment on.

`python3 fresh_hosts.py TIMES` in a sandbox (namespaces/): `{"ready": true}`, then an object, `taken_in` and `times`.
"""

import asyncio
import json
import sys

from namespaces import rtnetlink
from namespaces.hosts import hosts
from namespaces.root import become_root

LINK, SERVER = "eth0", "2001:db8:ffff::a"


async def is_taken_in() -> bool:
    async with hosts([LINK], LINK, [SERVER]) as pair:
        return rtnetlink.is_own(pair.server, SERVER, pair.server.index(LINK))


def main(times: int) -> None:
    become_root()
    print('{"ready": true}', flush=True)
    taken_in = sum(asyncio.run(is_taken_in()) for _ in range(times))
    print(json.dumps({"taken_in": taken_in, "times": times}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
