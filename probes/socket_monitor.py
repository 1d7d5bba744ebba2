"""A census of this host's TCP sockets, taken again and again: what has changed since the last one.

`python3 socket_monitor.py PERIOD_MS` prints a JSON line for each look that shows a change, and one a second: `ns`, when
the look before began, when this one began, and when it ended (CLOCK_MONOTONIC; the table is not read in one
moment), and `changes`, each [local, port, peer, port, state, timer]. `state` is as ss(8) writes it, null once the
socket is gone; `timer` is what the kernel will still wait, in seconds, for a socket in TIME_WAIT or an orphan in
FIN_WAIT_2. It ends with its standard input.

It imports nothing of this package, so that its text can be run on any host; and it reads /proc/net/tcp
(proc_pid_net(5)) itself, because ten processes of ss(8) a second on a dozen hosts are what is to be measured.
"""

import json
import os
import select
import sys
import time
from collections.abc import Iterator

# (local address and port, peer's): (state, timer)
Table = dict[tuple[str, str], tuple[str, float | None]]
# linux/net/tcp_states.h, in ss's spelling.
STATES = (
    "", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE", "CLOSE-WAIT",
    "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV",
)  # fmt: skip
KEEPALIVE, TIME_WAIT = "02", "03"  # what a socket's timer is for (get_tcp4_sock(), get_timewait4_sock())
TICKS = 100  # a second, in /proc: USER_HZ
HEARTBEAT_NS = 1_000_000_000
PAGE, LINE = os.sysconf("SC_PAGE_SIZE"), 150  # bytes: of a read, and of a line (tcp4_seq_show())
PATIENCE = 100  # a change is known to a hundredth of the time that nothing had changed; a look takes 4 ms


def look(table: int) -> Table:
    """Return {(local address and port, peer's): (state, timer)} of every socket but listeners."""
    found = {}
    for line in read(table).decode().splitlines()[1:]:
        _, local, peer, state, _, timer, *_ = line.split()
        if state != "0A":
            what, _, ticks = timer.partition(":")
            waits = int(ticks, 16) / TICKS if what in (KEEPALIVE, TIME_WAIT) else None
            found[local, peer] = STATES[int(state, 16)], waits
    return found


def read(table: int) -> bytes:
    """Read all of the table, whose lines are of one length.

    The kernel walks its whole hash to find that there is no further line, 2 ms, and would once more to say so in
    a read of nothing. It fills a page as far as lines go into it: one that has room for another is the last.
    """
    data = part = os.pread(table, PAGE, 0)
    while PAGE - len(part) < LINE:
        part = os.pread(table, PAGE, len(data))
        data += part
    return data


def address(text: str) -> tuple[str, int]:
    """Return address and port of `0200A8C0:3039`: the address is in the machine's byte order, the port is not."""
    number, _, port = text.partition(":")
    raw = int(number, 16).to_bytes(4, sys.byteorder)
    return ".".join(map(str, raw)), int(port, 16)


def changes(before: Table, after: Table) -> Iterator[list[object]]:
    """Yield the sockets that are new, gone or in another state, as the line of output has them."""
    for key in before.keys() | after.keys():
        state, timer = after.get(key, (None, None))
        if state != before.get(key, (None,))[0]:
            yield [*address(key[0]), *address(key[1]), state, timer]


def main(period_ms: int) -> None:
    hangup = select.poll()
    hangup.register(0, select.POLLRDHUP)
    before: Table = {}
    last, told, changed = 0, 0, time.monotonic_ns()
    table = os.open("/proc/net/tcp", os.O_RDONLY)
    while True:
        began = time.monotonic_ns()
        after = look(table)
        ended = time.monotonic_ns()
        new = list(changes(before, after))
        if new or ended - told >= HEARTBEAT_NS:
            print(json.dumps({"ns": [last, began, ended], "changes": new}), flush=True)
            told = ended
            changed = ended if new else changed
        before, last = after, began
        if hangup.poll(max(period_ms, (ended - changed) // 1_000_000 // PATIENCE)):
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
