"""What rules cost a dial: the time of connect(2) over a veth pair, while the same source holds so many connections.

The whole handshake is within it, and with it what the rules do with the SYN: a packet that comes over veth is worked on
by who sent it (net/core/dev.c, the backlog of the processor). Nothing is traced.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any

from namespaces import loading, sysctls
from namespaces.dial import RESET
from namespaces.dialling import MONOTONIC_COARSE
from namespaces.hosts import LINK4, Hosts, hosts

VIA = "eth0"
BIND_ADDRESS_NO_PORT = 24  # linux/in.h: connect(2) looks for the port, as for who binds nothing
PATIENCE = struct.pack("@ll", 5, 0)  # struct timeval: how long connect(2) waits
LONG_QUEUES = {"net/core/somaxconn": "65535", "net/ipv4/tcp_max_syn_backlog": "65535"}
LOOK, ARRIVES = 0.0002, 0.2  # seconds


async def cost(request: dict[str, Any]) -> dict[str, Any]:
    """Load rules, hold ever more connections of one source (`held`, ascending), and time dials at each number.

    `alone` are the nanoseconds of each of `dials` dials, one in a tick of the kernel's clock; `row` those of ten times
    as many, one right after another. Each is closed by a reset before the next. Nobody accepts: the queue has room.
    `open` is how many connections the server's kernel had before them. Raises OSError for a dial that is refused.
    """
    rows = []
    async with hosts([VIA], VIA, []) as pair:
        sysctls.write_all(pair.server, LONG_QUEUES)
        await loading.must_load(pair.server, request["texts"])
        with pair.server.entered():
            listener = socket.create_server((LINK4[0], request["port"]), backlog=65_535)
        mine: list[socket.socket] = []
        try:
            for held in request["held"]:
                with pair.client.entered():
                    mine += [_dial(request["port"])[0] for _ in range(held - len(mine))]
                rows.append({
                    "held": held, "open": await _open(pair, held),
                    "alone": _timed(pair, request["port"], request["dials"], apart=True),
                    "row": _timed(pair, request["port"], 10 * request["dials"], apart=False),
                })  # fmt: skip
        finally:
            for sock in (listener, *mine):
                sock.close()
    return {"rows": rows}


def _dial(port: int) -> tuple[socket.socket, int]:
    """Dial from where the thread is; the socket, which resets when it is closed, and how long connect(2) took."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, PATIENCE)
    sock.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
    sock.bind((LINK4[1], 0))
    began = time.perf_counter_ns()
    try:
        sock.connect((LINK4[0], port))
    except OSError:
        sock.close()
        raise
    return sock, time.perf_counter_ns() - began


def _timed(pair: Hosts, port: int, count: int, *, apart: bool) -> Sequence[int]:
    """Dial so many times, and close each at once; how long each took, in nanoseconds."""
    times = []
    with pair.client.entered():
        for _ in _ticks(count) if apart else range(count):
            sock, took = _dial(port)
            sock.close()
            times.append(took)
    return times


def _ticks(count: int) -> Iterator[float]:
    """Yield so often, each time in another tick: connlimit looks through what it holds once in each."""
    last = time.clock_gettime(MONOTONIC_COARSE)
    for _ in range(count):
        while (now := time.clock_gettime(MONOTONIC_COARSE)) == last:
            time.sleep(LOOK)
        yield now
        last = time.clock_gettime(MONOTONIC_COARSE)


async def _open(pair: Hosts, held: int) -> int:
    """Count the connections of the server, by its kernel's own table, once the last reset has arrived.

    More than are held where rules drop resets (docs/kernel.md C34).
    """
    ends = time.monotonic() + ARRIVES
    while True:
        count = len((await pair.server.must(["ss", "-Htn", "state", "established"])).splitlines())
        if count == held or time.monotonic() > ends:
            return count
