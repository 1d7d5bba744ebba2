"""listen(2)'s backlog: how many connections wait for accept(2), and what becomes of the others.

client-2 ── dials ──> client-1   listens, and never accepts
"""

from __future__ import annotations

from collections import Counter

import pytest

from connlab.agent.session import Agent
from connlab.base.model import Attempt, Outcome, Verdict, tally
from connlab.cluster.host import Host
from connlab.kernel.snapshot import read_counters
from tests.experiments.accept_queue import fill, listener, stall
from tests.support.laboratory import Lab

ESTABLISHED, TIMED_OUT = Outcome.ESTABLISHED, Outcome.TIMED_OUT
LAST_ACKS = ("-p", "tcp", "--dport", "12345", "--tcp-flags", "SYN,ACK", "ACK", "-j", "DROP")
STALLED = {"SERVER_MODE": "greeting", "CONNLIMIT": 1000}
NOBODY_HOME = 300  # ms that a dial waits; the kernel would repeat its SYN after 1,000


@pytest.mark.parametrize("backlog", [0, 1, 5, 128])
def test_the_queue_holds_one_more_than_the_backlog(crowd: Lab, keep, backlog: int) -> None:
    """One more than the backlog complete and wait; every further SYN is dropped, none is refused (B01, B03)."""
    with crowd.agents.on_each(crowd.clients[:2]) as (listening, dialling):
        port = listening.listen(backlog=backlog).port
        attempts = fill(dialling, backlog + 1, listening.host, port)
        before = dropped_syns(listening.host)
        attempts += dialling.open(
            4, host=listening.host.address, port=port, in_flight=4, timeout_ms=NOBODY_HOME
        )
        dropped = dropped_syns(listening.host) - before
        queue = listener(listening.host, port)

    keep("attempts", attempts)
    assert tally(attempts) == {ESTABLISHED: backlog + 1, TIMED_OUT: 4}
    assert (queue.receive_queue, queue.send_queue) == (backlog + 1, backlog)
    assert dropped == 4


def test_a_backlog_above_somaxconn_is_clamped(crowd: Lab) -> None:
    """listen(100000) is listen(somaxconn), silently (B02)."""
    with crowd.agents.on(crowd.clients[0]) as agent:
        port = agent.listen(backlog=100_000).port
        somaxconn = agent.facts(["net.core.somaxconn"]).sysctls["net.core.somaxconn"]
        assert listener(agent.host, port).send_queue == int(somaxconn)


@pytest.fixture
def stalled(one_at_a_time) -> Lab:
    """Return a lab whose server greets one client at a time and never limits; nobody waits in its queue."""
    return one_at_a_time(**STALLED, SYSCTL="stock")


@pytest.mark.xdist_group("one at a time")
@pytest.mark.claim("backlog-limits-connections")
def test_listen_5_does_not_limit_connections(one_at_a_time, watch, verdict) -> None:
    """Nobody is refused: six wait, the SYNs of others are dropped; and with accept(2), there is no limit at all.

    The server is stalled: it has greeted its first client, which says nothing. Before that the same backlog of 5
    in a server that accepts.
    """
    accepting = one_at_a_time(SERVER_MODE="threading", BACKLOG=5, CONNLIMIT=1000)
    with accepting.agents.on(accepting.clients[0]) as agent, watch(accepting.server) as accepting_diff:
        served = tally(agent.open(100))
    stalled = one_at_a_time(**STALLED, SYSCTL="stock")
    with stalled.agents.on(stalled.clients[0]) as agent, watch(stalled.server) as stalled_diff:
        waiting = tally(stall(stalled, agent, waiting=6) + dial_and_give_up(agent, 13))

    assert waiting == {ESTABLISHED: 7, TIMED_OUT: 13}
    assert stalled_diff.counter("TcpExtListenOverflows") == stalled_diff.counter("TcpExtListenDrops") == 13
    assert (stalled_diff.refused, stalled_diff.reported("accepted")) == (0, 1)
    assert served == {ESTABLISHED: 100}
    assert accepting_diff.reported("accepted") == 100
    verdict(
        Verdict.REFUTED,
        f"listen(5), of 20 dials to a stalled server 1 is served, 6 wait, {waiting[TIMED_OUT]} SYNs are dropped and"
        f" {waiting[Outcome.REFUSED]} refused; a server that accepts holds {served[ESTABLISHED]}",
    )


@pytest.mark.xdist_group("one at a time")
def test_a_handshake_that_overflows_at_its_last_ack_is_left_hanging(stalled: Lab) -> None:
    """tcp_abort_on_overflow=0: connected for the client, unknown to the server (B04)."""
    assert _overflow_at_the_last_ack(stalled) == {"EAGAIN": 5}


def _overflow_at_the_last_ack(lab: Lab) -> Counter[str]:
    """Count what five clients read whose last ACK came late, three of which found a place in the queue.

    To hold the last ACKs back, the server drops them for a moment. A SYN that finds the queue full is dropped silently
    with both settings.
    """
    with lab.agents.on(lab.clients[0]) as agent:
        stall(lab, agent, waiting=3)
        lab.server.run(["iptables", "-I", "INPUT", *LAST_ACKS])
        # 50 ms apart, else two CPUs may each add the last one that fits: a queue of 7 (seen once).
        late = agent.open(5, in_flight=5, gap_ms=50, timeout_ms=NOBODY_HOME)
        lab.server.run(["iptables", "-D", "INPUT", *LAST_ACKS])
        # The server repeats its SYN/ACK after a second; three of the five then find a place.
        ends = agent.recv(conns=[attempt.conn for attempt in late], timeout_ms=4000)
        queued = listener(lab.server, 12345).receive_queue
        silent = agent.open(1, timeout_ms=NOBODY_HOME)

    assert tally(late) == {ESTABLISHED: 5}, "connected, as far as the client can tell"
    assert queued == 6
    assert tally(silent) == {TIMED_OUT: 1}
    return Counter(str(end.errno) for end in ends)


@pytest.mark.xdist_group("one at a time")
def test_syns_that_come_together_are_answered_with_cookies(stalled: Lab, watch) -> None:
    """Clients are connected of which the server knows nothing, and never will: not 7 and 8, but 15 (B10).

    The queue of open handshakes is as long as the backlog. Here the server drops their last ACKs for a moment; on a
    busy machine it is enough that they are late.
    """
    # The last test of this server: what it leaves half open takes a minute to go.
    with stalled.agents.on(stalled.clients[0]) as agent:
        stalled.server.run(["iptables", "-I", "INPUT", *LAST_ACKS])
        with watch(stalled.server) as diff:
            attempts = dial_and_give_up(agent, 15)
        half_open = [s for s in diff.after.sockets if s.state == "SYN-RECV"]

    assert tally(attempts) == {ESTABLISHED: 15}, "connected, as far as the client can tell"
    cookies = diff.counter("TcpExtSyncookiesSent")
    assert len(half_open) in (5, 6), "as many as the backlog; Linux 6.18 takes one more"
    assert cookies == diff.counter("TcpExtTCPReqQFullDoCookies") == 15 - len(half_open)
    assert diff.reported("accepted") == 0
    assert diff.counter("TcpExtListenOverflows") == 0


@pytest.mark.xdist_group("one at a time")
def test_abort_on_overflow_resets_only_what_overflows_at_the_last_ack(one_at_a_time) -> None:
    """tcp_abort_on_overflow=1: a handshake that finds the queue full at its last ACK is reset (B05)."""
    assert _overflow_at_the_last_ack(one_at_a_time(**STALLED, SYSCTL="abort-on-overflow"))["ECONNRESET"] == 2


def dial_and_give_up(agent: Agent, count: int) -> list[Attempt]:
    """Dial `count` times, all in flight, and give up on each long before its SYN is repeated."""
    return agent.open(count, in_flight=count, gap_ms=0, timeout_ms=NOBODY_HOME)


def dropped_syns(host: Host) -> int:
    """Return how many SYNs a full accept queue of this host has dropped."""
    return read_counters(host.run)["TcpExtListenOverflows"]
