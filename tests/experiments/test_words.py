"""Smaller sentences of the article, each with its line of evidence from real hosts."""

from __future__ import annotations

import pytest

from connlab.agent.answers import Listener
from connlab.agent.channel import AgentFailed
from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.model import Outcome, Verdict, tally
from tests.support.laboratory import Lab
from tests.support.sockets import tcp_sockets

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
DEALT = 24  # connections to a port of two processes: one in eight million times one of them gets all


@pytest.mark.claim("errno-tells-who-refused")
def test_errno_does_not_tell_who_refused(crowd: Lab, watch, verdict) -> None:
    """Over the limit, or a port that nobody listens on: ECONNREFUSED both times. The rule's counter tells."""
    port = crowd.settings.port
    with crowd.agents.on(crowd.clients[0]) as agent:
        agent.open(15)
        with watch(crowd.server) as policy:
            by_policy = agent.open(1)[0]
        with watch(crowd.server) as closed:
            by_nobody = agent.open(1, port=port + 1)[0]

    assert by_policy.outcome == by_nobody.outcome == REFUSED
    assert by_policy.errno == by_nobody.errno == "ECONNREFUSED"
    assert (policy.refused, closed.refused) == (1, 0)
    assert (policy.reported("refused"), closed.reported("refused")) == (1, 0)
    counts = f"{policy.refused} and {closed.refused}"
    verdict(Verdict.REFUTED, f"{by_policy.errno} for both; the rule counted {counts}")


@pytest.mark.claim("connect-takes-no-name")
def test_connect_takes_a_name(crowd: Lab, verdict) -> None:
    """Python resolves it first; a name that does not exist costs the resolver's time-out, not an attempt."""
    with crowd.agents.on(crowd.clients[0]) as agent:
        (attempt,) = agent.open(1, host="server")
        with pytest.raises(AgentFailed, match="cannot resolve 'no-such-host'") as unknown:
            agent.open(1, host="no-such-host")

    assert (attempt.outcome, attempt.target) == (ESTABLISHED, crowd.server.address)
    verdict(Verdict.REFUTED, f"`server` became {attempt.target} and was connected; {unknown.value}")


@pytest.mark.claim("three-families")
def test_there_are_more_families_than_three(crowd: Lab, verdict) -> None:
    """Every AF_ constant of Python tried with socket(2): a family that this kernel lacks says EAFNOSUPPORT."""
    families = set(crowd.clients[0].run(probes.argv("socket_families")).split())

    assert families > {"AF_UNIX", "AF_INET", "AF_INET6"}
    assert "AF_NETLINK" in families, "the server's own log of refusals comes through one"
    verdict(Verdict.REFUTED, f"this kernel has {len(families)}: {', '.join(sorted(families))}")


@pytest.mark.claim("type-five")
def test_type_five_is_seqpacket(crowd: Lab, verdict) -> None:
    """Its number and its name on this system, and that the kernel opens one."""
    script = (
        "import socket; t = socket.SocketKind(5); socket.socket(socket.AF_UNIX, t).close(); print(t.name)"
    )
    name = crowd.clients[0].run(["python3", "-S", "-c", script]).strip()

    assert name == "SOCK_SEQPACKET"
    verdict(Verdict.REFUTED, f"type 5 is {name}, and AF_UNIX opens one")


@pytest.mark.claim("client-address-is-bound")
def test_client_address_is_the_clients(crowd: Lab, watch, verdict) -> None:
    """What accept(2) returns is the far end: the client's address and port, not what the server is bound to."""
    with crowd.agents.on(crowd.clients[0]) as agent, watch(crowd.server) as diff:
        (attempt,) = agent.open(1)

    assert diff.reported("accepted", attempt.source) == 1
    peer = (attempt.source, attempt.source_port)
    (connection,) = [s for s in diff.after.sockets if (s.peer, s.peer_port) == peer]
    assert attempt.source == agent.host.address != crowd.server.address
    verdict(
        Verdict.REFUTED,
        f"accept(2) gave {connection.peer}:{connection.peer_port}, the server is bound to {connection.local_port}",
    )


@pytest.mark.claim("triple-identifies")
def test_the_four_tuple_identifies_a_connection(crowd: Lab, watch, verdict) -> None:
    """Fifteen connections share protocol, address and port of the server; the client's port tells them apart."""
    with crowd.agents.on(crowd.clients[0]) as agent, watch(crowd.server) as diff:
        assert tally(agent.open(15)) == {ESTABLISHED: 15}

    ours = [s for s in diff.after.sockets if s.state == "ESTAB" and s.local_port == crowd.settings.port]
    triples = {(s.local, s.local_port) for s in ours}
    tuples = {(s.local, s.local_port, s.peer, s.peer_port) for s in ours}
    assert (len(ours), len(triples), len(tuples)) == (15, 1, 15)
    verdict(Verdict.REFUTED, f"{len(ours)} connections, {len(triples)} triple, {len(tuples)} four-tuples")


@pytest.mark.claim("port-is-one-process")
def test_a_port_can_belong_to_several_processes(crowd: Lab, verdict) -> None:
    """Two processes that both ask for SO_REUSEPORT listen on one port at once, and both are served."""
    host = crowd.clients[0]
    with Agent(host) as one, Agent(host) as other, Agent(crowd.clients[1]) as peer:
        # However the kernel deals them, no queue is full: whose SYN it drops hangs.
        first = one.listen(port=23456, reuse_port=True, backlog=DEALT)
        second = other.listen(port=23456, reuse_port=True, backlog=DEALT)
        listeners = tcp_sockets(host, 23456, "LISTEN")
        attempts = peer.open(DEALT, host=host.address, port=23456)
        served = [len(_accept_all(agent, listening)) for agent, listening in ((one, first), (other, second))]

    assert len(listeners) == 2
    assert tally(attempts) == {ESTABLISHED: DEALT}
    assert sum(served) == DEALT
    assert all(served), served
    verdict(
        Verdict.REFUTED,
        f"2 processes listen on one port; the kernel gave them {served[0]} and {served[1]} connections",
    )


@pytest.mark.claim("send-sends-all")
def test_send_sends_what_fits(crowd: Lab, verdict) -> None:
    """send(2) on a non-blocking socket takes what the buffers hold, and says so; sendall goes on until all is gone."""
    size = 16 << 20
    with crowd.agents.on_each(crowd.clients[:2]) as (receiver, sender):
        listening = receiver.listen()
        host, port = receiver.host.address, listening.port
        (attempt,) = sender.open(1, host=host, port=port)
        receiver.accept(listening)
        (sent,) = sender.send(conns=[attempt.conn], size=size)

        whole = 8 * sent.bytes  # of which that socket would have taken an eighth
        with sender.host.stream(probes.argv("send_all", host, port, whole)) as sending:
            arrived = _count_received(receiver, receiver.accept(listening).conn)
            returned = sending.read_line(within=10)

    assert 0 < sent.bytes < size
    assert sent.errno == "EAGAIN"
    assert (arrived, returned) == (whole, "None")
    verdict(
        Verdict.DEPENDS,
        f"of {size:,} bytes to a peer that does not read, a non-blocking send took {sent.bytes:,}, then"
        f" {sent.errno}; sendall to one that reads delivered {arrived:,} of {whole:,}",
    )


def _count_received(agent: Agent, conn: int) -> int:
    total, is_end = 0, False
    while not is_end:
        (received,) = agent.recv(conns=[conn], most=1 << 20)
        total, is_end = total + received.bytes, received.eof
    return total


def _accept_all(agent: Agent, listener: Listener) -> list[int]:
    conns = []
    while True:
        try:
            conns.append(agent.accept(listener, timeout_ms=100).conn)
        except AgentFailed:
            return conns
