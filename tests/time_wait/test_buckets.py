"""tcp_max_tw_buckets: what happens to the sockets that find no place in TIME_WAIT.

client-1 ── twenty connections, closed first by the one side, then by the other ──> server
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from connlab.agent.session import Agent
from connlab.base.model import Attempt, Outcome, Verdict, tally
from connlab.base.wait import until
from connlab.cluster.host import Host
from connlab.kernel import snapshot
from tests.support.laboratory import Lab
from tests.support.recordings import Keep, Recordings, recording
from tests.time_wait.greeting import greeting_lab

BUCKETS, CONNECTIONS = 5, 20
COUNTERS = ("TcpExtTCPTimeWaitOverflow", "TcpOutRsts")


@dataclass(frozen=True)
class Overflow:
    """Twenty connections that one side closed first."""

    attempts: list[Attempt]
    in_time_wait: int
    counters: dict[str, int]  # of that side: by how much they rose


@recording(few=greeting_lab("few-tw-buckets"), many=greeting_lab("rfc1337"))
def overflow(lab: Lab, keep: Keep) -> dict[str, Overflow]:
    def by_server() -> list[Attempt]:
        """Have the server close; its clients notice, and take their time to close too."""
        attempts = []
        for _ in range(CONNECTIONS):
            attempts += agent.open(1, gap_ms=0)
            agent.send("bye", conns=[attempts[-1].conn])
        # What the server has not read yet would be closed by its client first.
        until(lambda: not_yet_closed(lab.server) == 0, "the server has closed all, acknowledged", within=10)
        agent.close()
        return attempts

    def by_client() -> list[Attempt]:
        return agent.churn(CONNECTIONS, gap_ms=1).attempts

    with Agent(lab.clients[0]) as agent:
        overflows = {
            "server": record_overflow(lab.server, by_server),
            "client": record_overflow(lab.clients[0], by_client),
        }
    keep("overflow", overflows)
    return overflows


def record_overflow(host: Host, close: Callable[[], list[Attempt]]) -> Overflow:
    """Have this host close first, and return what is in TIME_WAIT, and how far its counters moved."""
    before = snapshot.read_counters(host.run)
    attempts = close()
    until(lambda: not states(host)["FIN-WAIT-2"], "the other side has closed too", within=10)
    after = snapshot.read_counters(host.run)
    return Overflow(
        attempts, in_time_wait(host, attempts), {name: after[name] - before[name] for name in COUNTERS}
    )


def in_time_wait(host: Host, attempts: list[Attempt]) -> int:
    """Count a host's sockets in TIME_WAIT of these connections, whose ports no other has."""
    ports = {attempt.source_port for attempt in attempts}
    sockets = snapshot.read_sockets(host.run)
    return sum(s.state == "TIME-WAIT" and not ports.isdisjoint({s.local_port, s.peer_port}) for s in sockets)


def states(host: Host) -> Counter[str]:
    """Count a host's sockets by state."""
    return Counter(socket.state for socket in snapshot.read_sockets(host.run))


def not_yet_closed(host: Host) -> int:
    """Count a host's connections that it has not closed, or whose FIN nobody has acknowledged."""
    now = states(host)
    return now.total() - now["LISTEN"] - now["FIN-WAIT-2"] - now["TIME-WAIT"]


@pytest.mark.claim("buckets-server")
def test_a_server_that_runs_out_of_buckets_forgets_and_resets(overflow: Recordings, verdict) -> None:
    """Whatever is over the five is gone before its client has closed, whose FIN is answered with an RST (T14)."""
    few, many = overflow["few"]["server"], overflow["many"]["server"]
    over = CONNECTIONS - BUCKETS

    assert tally(few.attempts) == tally(many.attempts) == {Outcome.ESTABLISHED: CONNECTIONS}
    assert (many.in_time_wait, *many.counters.values()) == (CONNECTIONS, 0, 0)
    assert (few.in_time_wait, *few.counters.values()) == (BUCKETS, over, over)
    verdict(
        Verdict.REFUTED,
        f"of {CONNECTIONS} connections {few.in_time_wait} are in TIME_WAIT, and {few.counters['TcpOutRsts']} clients"
        " had their FIN answered with an RST (without the setting:"
        f" {many.in_time_wait} and {many.counters['TcpOutRsts']})",
    )


@pytest.mark.claim("buckets-client")
def test_a_client_that_runs_out_of_buckets_forgets(overflow: Recordings, verdict) -> None:
    """Its ports are free at once, without the minute in which old segments die out."""
    few, many = overflow["few"]["client"], overflow["many"]["client"]
    assert (many.in_time_wait, many.counters["TcpExtTCPTimeWaitOverflow"]) == (CONNECTIONS, 0)
    assert (few.in_time_wait, few.counters["TcpExtTCPTimeWaitOverflow"]) == (BUCKETS, CONNECTIONS - BUCKETS)
    verdict(
        Verdict.DEPENDS,
        f"of {CONNECTIONS} connections {few.in_time_wait} wait a minute, {few.counters['TcpExtTCPTimeWaitOverflow']}"
        " ports are free at once, though a late segment of the old connection may still come",
    )
