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

BUCKETS, CLOSED = 5, 20
WATCHED = ("TcpExtTCPTimeWaitOverflow", "TcpOutRsts")


@dataclass(frozen=True)
class Overflow:
    """Twenty connections that `side` closed first."""

    made: list[Attempt]
    in_time_wait: int
    moved: dict[str, int]  # counters of that side


def lab_of(name: str) -> dict[str, object]:
    return {"SYSCTL": name, "CLIENT_SYSCTL": name, "SERVER_MODE": "greeting", "CLIENTS": 1, "CONNLIMIT": 1000}


@recording(few=lab_of("few-tw-buckets"), many=lab_of("rfc1337"))
def overflow(lab: Lab, keep: Keep) -> dict[str, Overflow]:
    def by_server() -> list[Attempt]:
        """The server closes; its clients notice, and take their time to close too."""
        made = []
        for _ in range(CLOSED):
            made += agent.open(1, gap_ms=0)
            agent.send("bye", conns=[made[-1].conn])
        until(
            lambda: not states(lab.server)["FIN-WAIT-1"],
            "every client has acknowledged the server's FIN",
            within=10,
        )
        agent.close()
        return made

    def by_client() -> list[Attempt]:
        return agent.churn(CLOSED, gap_ms=1).attempts

    with Agent(lab.clients[0]) as agent:
        found = {"server": watched(lab.server, by_server), "client": watched(lab.clients[0], by_client)}
    keep("overflow", found)
    return found


def watched(host: Host, close: Callable[[], list[Attempt]]) -> Overflow:
    before = snapshot.read_counters(host.run)
    made = close()
    until(lambda: not states(host)["FIN-WAIT-2"], "the other side has closed too", within=10)
    after = snapshot.read_counters(host.run)
    return Overflow(made, states(host)["TIME-WAIT"], {name: after[name] - before[name] for name in WATCHED})


def states(host: Host) -> Counter[str]:
    return Counter(socket.state for socket in snapshot.read_sockets(host.run))


@pytest.mark.claim("buckets-server")
def test_a_server_that_runs_out_of_buckets_forgets_and_resets(overflow: Recordings, verdict) -> None:
    """Whatever is over the five is gone before its client has closed, whose FIN is answered with an RST (T14)."""
    few, many = overflow["few"]["server"], overflow["many"]["server"]
    over = CLOSED - BUCKETS

    assert tally(few.made) == tally(many.made) == {Outcome.ESTABLISHED: CLOSED}
    assert (many.in_time_wait, many.moved["TcpExtTCPTimeWaitOverflow"], many.moved["TcpOutRsts"]) == (
        CLOSED,
        0,
        0,
    )
    assert (few.in_time_wait, few.moved["TcpExtTCPTimeWaitOverflow"]) == (BUCKETS, over)
    assert few.moved["TcpOutRsts"] == over
    verdict(
        Verdict.REFUTED,
        f"of {CLOSED} connections {few.in_time_wait} are in TIME_WAIT, and {few.moved['TcpOutRsts']} clients had their"
        f" FIN answered with an RST (without the setting: {many.in_time_wait} and {many.moved['TcpOutRsts']})",
    )


@pytest.mark.claim("buckets-client")
def test_a_client_that_runs_out_of_buckets_forgets(overflow: Recordings, verdict) -> None:
    """Its ports are free at once, without the minute in which old segments die out."""
    few, many = overflow["few"]["client"], overflow["many"]["client"]
    assert (many.in_time_wait, many.moved["TcpExtTCPTimeWaitOverflow"]) == (CLOSED, 0)
    assert (few.in_time_wait, few.moved["TcpExtTCPTimeWaitOverflow"]) == (BUCKETS, CLOSED - BUCKETS)
    verdict(
        Verdict.DEPENDS,
        f"of {CLOSED} connections {few.in_time_wait} wait a minute, {few.moved['TcpExtTCPTimeWaitOverflow']} ports are"
        " free at once, though a late segment of the old connection may still come",
    )
