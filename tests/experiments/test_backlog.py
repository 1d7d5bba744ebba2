"""listen(2)'s backlog: how many connections wait for accept(2), and what becomes of the others.

client-2 ── dials ──> client-1   listens, and never accepts
"""

from __future__ import annotations

import pytest

from lab.hosts import Host
from lab.model import Attempt, Outcome, Verdict, tally
from lab.observe import Socket, connections, counters
from lab.traffic import Agent, agents
from lab.wait import until
from tests.laboratory import Lab, laboratory

ESTABLISHED, TIMED_OUT = Outcome.ESTABLISHED, Outcome.TIMED_OUT
NOBODY_HOME = 300  # ms that a dial waits; the kernel would repeat its SYN after 1,000


@pytest.mark.parametrize("backlog", [0, 1, 5, 128])
def test_the_queue_holds_one_more_than_the_backlog(crowd: Lab, keep, backlog: int) -> None:
    """backlog + 1 connections complete and wait; every further SYN is dropped, none is refused (B01, B03)."""
    with agents(crowd.clients[:2]) as (listening, dialling):
        port = listening.ask("listen", backlog=backlog)["port"]
        before = overflows(listening.host)
        made = dialling.open(backlog + 5, host=listening.host.address, port=port, in_flight=8, gap_ms=1,
                             timeout_ms=NOBODY_HOME)  # fmt: skip
        dropped = overflows(listening.host) - before
        queue = listener(listening.host, port)

    keep("attempts", made)
    assert tally(made) == {ESTABLISHED: backlog + 1, TIMED_OUT: 4}
    assert (queue.receive_queue, queue.send_queue) == (backlog + 1, backlog)
    assert dropped == 4


def test_a_backlog_above_somaxconn_is_clamped(crowd: Lab) -> None:
    """listen(100000) is listen(somaxconn), silently (B02)."""
    with Agent(crowd.clients[0]) as agent:
        port = agent.ask("listen", backlog=100_000)["port"]
        somaxconn = agent.ask("facts", sysctls=["net.core.somaxconn"])["sysctls"]["net.core.somaxconn"]
        assert listener(agent.host, port).send_queue == int(somaxconn)


@pytest.mark.claim("backlog-limits-connections")
def test_listen_5_does_not_limit_connections(watch, keep, verdict) -> None:
    """Nobody is refused: six wait, the SYNs of others are dropped; and with accept(2), there is no limit at all.

    The server is stalled: it has greeted its first client, which says nothing. Then the same backlog of 5
    in a server that accepts.
    """
    stalled_server = {"SERVER_MODE": "greeting", "CONNLIMIT": 1000, "CLIENTS": 1}
    with laboratory(**stalled_server) as lab, Agent(lab.clients[0]) as agent, watch(lab.server) as stalled:
        waiting = tally(first(agent, 1) + first(agent, 19))
    accepts = {"SERVER_MODE": "threading", "BACKLOG": 5, "CONNLIMIT": 1000, "CLIENTS": 1}
    with laboratory(**accepts) as lab, Agent(lab.clients[0]) as agent, watch(lab.server) as accepting:
        served = tally(agent.open(100))

    assert waiting == {ESTABLISHED: 7, TIMED_OUT: 13}
    assert stalled.counter("TcpExtListenOverflows") == stalled.counter("TcpExtListenDrops") == 13
    assert (stalled.refused, stalled.told("accepted")) == (0, 1)
    assert served == {ESTABLISHED: 100}
    assert accepting.told("accepted") == 100
    verdict(
        Verdict.REFUTED,
        f"listen(5), of 20 dials to a stalled server 1 is served, 6 wait, {waiting[TIMED_OUT]} SYNs are dropped and"
        f" {waiting[Outcome.REFUSED]} refused; a server that accepts holds {served[ESTABLISHED]}",
    )


@pytest.mark.parametrize(("sysctl", "errno"), [("stock", "EAGAIN"), ("abort-on-overflow", "ECONNRESET")])
def test_abort_on_overflow_resets_only_what_overflows_at_the_last_ack(watch, sysctl: str, errno: str) -> None:
    """tcp_abort_on_overflow=1: a handshake that finds the queue full at its last ACK is reset (B05).

    With 0 it is left hanging: connected for the client, unknown to the server (B04). A SYN that finds the
    queue full is dropped silently with both. To hold the last ACKs back, the server drops them for a moment.
    """
    hold = ["-p", "tcp", "--dport", "12345", "--tcp-flags", "SYN,ACK", "ACK", "-j", "DROP"]
    options = {"SERVER_MODE": "greeting", "CONNLIMIT": 1000, "SYSCTL": sysctl, "CLIENTS": 1}
    with laboratory(**options) as lab, Agent(lab.clients[0]) as agent:
        first(agent, 4)  # one is served, three wait
        lab.server.run(["iptables", "-I", "INPUT", *hold])
        # 50 ms apart, else two CPUs may each add the last one that fits: a queue of 7 (seen once).
        late = agent.open(5, in_flight=5, gap_ms=50, timeout_ms=NOBODY_HOME)
        lab.server.run(["iptables", "-D", "INPUT", *hold])
        # The server repeats its SYN/ACK after a second; three of the five then find a place.
        ends = agent.ask("recv", conns=[attempt.conn for attempt in late], timeout_ms=4000)["received"]
        queued = listener(lab.server, 12345).receive_queue
        silent = agent.open(1, timeout_ms=NOBODY_HOME)

    assert tally(late) == {ESTABLISHED: 5}, "connected, as far as the client can tell"
    assert queued == 6
    assert [end["errno"] for end in ends].count(errno) == (5 if errno == "EAGAIN" else 2)
    assert tally(silent) == {TIMED_OUT: 1}


def first(agent: Agent, count: int) -> list[Attempt]:
    """Dial `count` times, all in flight, and give up on each long before its SYN is repeated."""
    return agent.open(count, in_flight=count, timeout_ms=NOBODY_HOME)


def listener(host: Host, port: int) -> Socket:
    """The listening socket of a port: Recv-Q is how many wait, Send-Q the backlog in force (ss(8))."""

    def found() -> Socket | None:
        return next((s for s in connections(host.run) if (s.state, s.local_port) == ("LISTEN", port)), None)

    return until(found, f"ss shows the listener on port {port}", within=5)


def overflows(host: Host) -> int:
    """SYNs that a full accept queue dropped on this host so far."""
    return counters(host.run)["TcpExtListenOverflows"]
