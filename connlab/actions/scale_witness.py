"""The second witness of the big run: what the server's kernel counted, and has in its tables, by source."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connlab.actions.scale_plan import LIMIT
from connlab.base import probes
from connlab.base.wait import until
from connlab.cluster.host import Host
from connlab.kernel import snapshot
from connlab.kernel.tables import COUNTED

EMPTIED = 60.0  # seconds for the server to close what its clients have closed
REFUSING = r"^\[(\d+):\d+\] -A INPUT .*--connlimit-above .* -j REJECT "
# Counters of the server's kernel that say why a table is wrong, where they move.
TELLING = (
    "TcpExtListenOverflows", "TcpExtListenDrops", "TcpExtTCPReqQFullDrop", "TcpExtTCPReqQFullDoCookies",
    "TcpExtTCPTimeWaitOverflow", "TcpExtTCPMemoryPressures", "TcpExtTCPBacklogDrop",
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """Connections to the port by source: those that have a socket, and those that the limit counts; and the rest."""

    sockets: Mapping[str, int]
    counted: Mapping[str, int]
    socket_states: Mapping[str, int]
    tracked_states: Mapping[str, int]

    def sums(self) -> dict[str, Any]:
        """Return them as the answer has them."""
        return {
            "sockets": sum(self.sockets.values()),
            "counted": sum(self.counted.values()),
            "socket_states": dict(self.socket_states),
            "tracked_states": dict(self.tracked_states),
        }


def look(server: Host, port: int) -> Tables:
    """Read both tables of the server's kernel, counted on the host itself."""
    found = json.loads(server.run(probes.argv("connection_tables", port)))
    sockets, tracked = found["sockets"], found["tracked"]
    return Tables(
        sockets=_add(counts for state, counts in sockets.items() if state not in ("LISTEN", "TIME-WAIT")),
        counted=_add(counts for state, counts in tracked.items() if state in COUNTED),
        socket_states={state: sum(counts.values()) for state, counts in sorted(sockets.items())},
        tracked_states={state: sum(counts.values()) for state, counts in sorted(tracked.items())},
    )


def wrong(found: Tables, expected: Sequence[str]) -> list[dict[str, Any]]:
    """List the sources that a table does not have exactly LIMIT times."""
    addresses = [*expected, *sorted((found.sockets.keys() | found.counted.keys()) - set(expected))]
    rows = [
        {
            "source": address,
            "sockets": found.sockets.get(address, 0),
            "counted": found.counted.get(address, 0),
        }
        for address in addresses
    ]
    right = set(expected)
    return [row for row in rows if row["source"] not in right or {row["sockets"], row["counted"]} != {LIMIT}]


def emptied(server: Host, port: int) -> Tables:
    """Wait until no connection to the port has a socket or is counted. Raises `GaveUp` with what is left."""

    def is_empty() -> Tables | None:
        found = look(server, port)
        return None if found.sockets or found.counted else found

    return until(is_empty, "the server's tables are empty again", EMPTIED, every=0.2)


def refused_packets(server: Host) -> int:
    """Return the packets that the refusing rule matched since it was loaded, by its own counter.

    Whether the policy is as it was loaded is not asked, which would list each connection (server/policy_report.py).
    """
    saved = server.run(["iptables-save", "-c", "-t", "filter"])
    return sum(int(packets) for packets in re.findall(REFUSING, saved, re.MULTILINE))


def counters(server: Host) -> dict[str, int]:
    """Read the counters of TELLING."""
    found = snapshot.read_counters(server.run)
    return {name: found.get(name, 0) for name in TELLING}


def _add(parts: Any) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in parts:
        total.update(counts)
    return total
