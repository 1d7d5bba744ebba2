"""An agent asked over its stream: nothing unknown or late is taken for an answer."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest

from client import answers as said
from client import messages
from client.attempts import Attempts
from connlab.agent import dialler
from connlab.agent.answers import Accepted, Churn, Closed, Facts, Listener, Received, Resolution, Sent, Talked
from connlab.agent.channel import AgentFailed
from connlab.agent.requests import allowance
from connlab.agent.session import PACE_MS, Agent, agents
from connlab.base.errors import GaveUp
from connlab.base.model import Attempt
from connlab.cluster.host import Host
from connlab.cluster.stream import Stream, StreamClosed
from connlab.kernels.guest_host import GuestHost
from tests.support.frames import frame

SOON, AT_ONCE = 10.0, 0.01  # seconds
HELLO = {"agent": "connlab", "schema": 1, "host": "client-1", "address": "172.18.0.3", "monotonic_ns": 1}


def made() -> Attempts:
    """Return 1,500 attempts as the agent's own code notes them: one established, one refused, others out of reach."""
    attempts = Attempts(("172.18.0.2", 12345), 1500)
    for row, number in enumerate((0, 111)):
        attempts.start_ns[row], attempts.source[row], attempts.source_port[row] = (
            row + 1,
            "172.18.0.3",
            50001 + row,
        )
        attempts.end(row, number)
    for row in range(2, 1500):
        attempts.end(row, 113)
    attempts.conn[0] = 7
    return attempts


MADE = made()
DIALLED = MADE.record(0)._asdict()
TOLD = [Attempt.from_agent(attempt._asdict()) for attempt in MADE.records()]
COLUMNS = [{"id": 1, "ok": True, "partial": True, "columns": columns} for columns in MADE.columns()]

FACTS = {
    "monotonic_ns": 1, "address": "172.18.0.3", "host": "client-1", "pid": 1, "uid": 10001, "held": 0, "ended": 0,
    "sysctls": {}, "counters": {},
}  # fmt: skip


def agent_of(*answers: object) -> tuple[SimpleNamespace, socket.socket]:
    """Return a host whose agent has already said hello and then `answers`, and the engine's end."""
    ours, engine = socket.socketpair()
    engine.sendall(b"".join(frame(json.dumps(answer).encode() + b"\n") for answer in (HELLO, *answers)))
    return played_host(Stream(ours, "client-1: agent")), engine


def played_host(stream: Stream, patience: float = Host.patience) -> SimpleNamespace:
    """Return a host whose agent is at the other end of this stream."""
    return SimpleNamespace(name="client-1", patience=patience, stream=lambda _: stream)


def test_an_agent_dials_and_tells():
    """The control: the request goes out as docs/agent.md has it, the answer becomes attempts."""
    host, engine = agent_of(*COLUMNS, {"id": 1, "ok": True, "tally": {}})
    with engine, Agent(host) as agent:
        assert agent.hello == HELLO
        assert [attempt.source_port for attempt in agent.open(1)][:3] == [50001, 50002, None]
        request = json.loads(engine.recv(4096))
        assert (request["id"], request["verb"], request["count"]) == (1, "open", 1)


@pytest.mark.parametrize("goes_on", [True, False], ids=["it dials on", "it is gone"])
def test_dials_that_ended_before_an_interrupt_are_told(goes_on, monkeypatch):
    """Who is interrupted after the first ends the agent, and has what it said until then."""
    monkeypatch.setattr(dialler, "LAST_WITHIN", 0.05)
    dials = [{"id": 1, "ok": True, "partial": True, "attempt": DIALLED} for _ in range(3)]
    host, engine = agent_of(*dials)
    with engine, Agent(host) as agent:
        interrupted = agent.dials(20_000)
        assert next(interrupted) == TOLD[0]
        interrupted.close()
        if not goes_on:
            engine.shutdown(socket.SHUT_WR)
        assert list(agent.ended_dials()) == [TOLD[0]] * 2
        engine.settimeout(5)
        while engine.recv(4096):
            pass  # to the end of its input


def test_a_refused_request_is_the_agent_s_own_words():
    """`"ok": false` is an error here too; the stream is still good."""
    refusal = {"id": 1, "ok": False, "error": "count: expected a whole number, got 0"}
    host, engine = agent_of(refusal, {"id": 2, "ok": True, **FACTS})
    with engine, Agent(host) as agent:
        with pytest.raises(AgentFailed, match="client-1: count: expected a whole number, got 0"):
            agent.open(0)
        assert agent.facts().held == 0


LISTENER = Listener(conn=4, address="0.0.0.0", port=5001)


@pytest.mark.parametrize(
    ("call", "request_", "answer", "record"),
    [
        (lambda a: a.open(2), {"verb": "open", "count": 2, "gap_ms": PACE_MS},
         said.Opened(MADE, MADE.tally()), TOLD),
        (lambda a: a.salvo(2), {"verb": "salvo", "count": 2}, said.Opened(MADE, MADE.tally()), TOLD),
        (lambda a: a.churn(9, how="rst"), {"verb": "churn", "count": 9, "how": "rst", "detail": True},
         said.Churned(MADE.tally(), 0.5, MADE), Churn(TOLD, 0.5)),
        (lambda a: a.listen(5001, 9), {"verb": "listen", "port": 5001, "backlog": 9, "reuse_port": False},
         said.Listener(4, "0.0.0.0", 5001), LISTENER),
        (lambda a: a.accept(LISTENER), {"verb": "accept", "conn": 4},
         said.Accepted(5, "172.18.0.4", 40001), Accepted(5, "172.18.0.4", 40001)),
        (lambda a: a.send("bye", [5]), {"verb": "send", "text": "bye", "conns": [5]},
         [said.Sent(5, 3, None)], [Sent(5, 3, None)]),
        (lambda a: a.send(size=9), {"verb": "send", "bytes": 9},
         [said.Sent(5, 0, "EAGAIN")], [Sent(5, 0, "EAGAIN")]),
        (lambda a: a.talk(rate=9, duration_ms=50), {"verb": "talk", "count": None, "rate": 9, "duration_ms": 50},
         said.Talked(1, 0, 2, [{"conn": 5, "why": "reset"}], 0.5, None, []),
         Talked(1, 0, 2, [{"conn": 5, "why": "reset"}], 0.5, None, [])),
        (lambda a: a.recv(most=1), {"verb": "recv", "max": 1},
         [said.Received(5, 0, "", True, None)], [Received(5, 0, "", True, None)]),
        (lambda a: a.close([5], "rst"), {"verb": "close", "conns": [5], "how": "rst"},
         [said.Closed(5, "none", 0)], [Closed(5, "none", 0)]),
        (lambda a: a.resolve("server"), {"verb": "resolve", "host": "server"},
         said.Resolution(True, "172.18.0.2", None, None, 80), Resolution(True, "172.18.0.2", None, None, 80)),
        (lambda a: a.facts(["net.core.somaxconn"], ["TcpActiveOpens"]),
         {"verb": "facts", "sysctls": ["net.core.somaxconn"], "counters": ["TcpActiveOpens"]},
         said.HostFacts(**FACTS), Facts(**FACTS)),
    ],
)  # fmt: skip
def test_each_verb_is_a_method(call, request_, answer, record):
    """The agent's own code takes what is asked, and what it answers is a record."""
    columns = {"columns": True} if request_["verb"] in ("open", "salvo", "churn") else {}
    asked = messages.read_request({**request_, **columns}, {"port": 12345})
    host, engine = agent_of(*messages.answer_lines(1, asked, answer))
    with engine, Agent(host) as agent:
        assert call(agent) == record
        request = json.loads(engine.recv(4096))
        assert request.items() >= {**request_, **columns}.items()
        assert isinstance(messages.read_request(request, {"port": 12345}), type(asked))


@pytest.mark.parametrize("outcome", ["vanished", "", None, "ESTABLISHED"])
def test_an_unknown_outcome_is_loud(outcome):
    """An agent of another version does not make an experiment green."""
    columns = {**COLUMNS[0]["columns"], "outcome": outcome}
    host, engine = agent_of({**COLUMNS[0], "columns": columns})
    with engine, Agent(host) as agent, pytest.raises(ValueError, match="is not a valid Outcome"):
        agent.open(1)


def test_an_agent_that_does_not_answer_is_given_up():
    """Silence ends with the name of the host."""
    host, engine = agent_of()
    with engine, Agent(host) as agent, pytest.raises(GaveUp, match="client-1"):
        agent.facts(within=AT_ONCE)


def test_a_late_answer_is_not_taken_for_the_next_one():
    """After giving up on request 1, its answer comes: it is not the answer to request 2."""
    host, engine = agent_of()
    with engine, Agent(host) as agent:
        with pytest.raises(GaveUp):
            agent.facts(within=AT_ONCE)
        for number in (1, 2):
            engine.sendall(
                frame(json.dumps({"id": number, "ok": True, **FACTS, "pid": number}).encode() + b"\n")
            )
        assert agent.facts(within=SOON).pid == 2


def test_attempts_come_one_by_one():
    """Each partial answer is yielded before the next one is there; the answer without `partial` ends them."""
    host, engine = agent_of({"id": 1, "ok": True, "partial": True, "attempt": {**DIALLED, "number": 2}})
    with engine, Agent(host) as agent:
        dials = agent.dials(2)
        assert next(dials).number == 2
        assert json.loads(engine.recv(4096))["partial"]
        for answer in ({"partial": True, "attempt": {**DIALLED, "number": 1}}, {"tally": {"established": 2}}):
            engine.sendall(frame(json.dumps({"id": 1, "ok": True, **answer}).encode() + b"\n"))
        assert [attempt.number for attempt in dials] == [1]


def test_a_refusal_ends_the_attempts():
    """In the middle too: the agent's own words, after what there was."""
    part = {"id": 1, "ok": True, "partial": True, "attempt": DIALLED}
    host, engine = agent_of(part, {"id": 1, "ok": False, "error": "no more descriptors"})
    with engine, Agent(host) as agent:
        dials = agent.dials(2)
        next(dials)
        with pytest.raises(AgentFailed, match="no more descriptors"):
            next(dials)


def test_waiting_notices_the_end():
    """Time passes while the agent says nothing, and is cut short when it goes away."""
    host, engine = agent_of()
    with engine, Agent(host) as agent:
        agent.wait(AT_ONCE)
        engine.shutdown(socket.SHUT_WR)
        with pytest.raises(StreamClosed):
            agent.wait(600)


@pytest.mark.parametrize("patience", [Host.patience, GuestHost.patience])
def test_an_agent_that_does_not_begin_is_explained(patience):
    """The host's own workload may be in the middle of a round; the stream is closed. A guest's has longer."""
    asked = []
    ours, engine = socket.socketpair()
    stream = Stream(ours, "client-1: agent")
    stream.read_line = lambda within: asked.append(within) or (_ for _ in ()).throw(GaveUp("late"))
    with engine, pytest.raises(GaveUp, match=f"client-1: no agent within {patience:g} s; it waits for"):
        Agent(played_host(stream, patience))
    assert (asked, ours.fileno()) == ([patience], -1)


def test_an_emulated_host_has_longer_for_each_answer():
    """Beside other work a guest's agent took more than the 30 s that a container's has, to start and to answer."""
    ours, engine = socket.socketpair()
    stream, asked, lines = (
        Stream(ours, "client-1: agent"), [], [json.dumps(HELLO), json.dumps({"id": 1, "ok": True, **FACTS})],
    )  # fmt: skip
    stream.read_line = lambda within: asked.append(within) or lines.pop(0)
    with engine, Agent(played_host(stream, GuestHost.patience)) as agent:
        agent.facts()
    assert asked == [GuestHost.patience] * 2


@pytest.mark.parametrize(
    ("verb", "fields", "seconds"),
    [
        ("facts", {}, 0),
        ("open", {}, 4),
        ("open", {"count": 3000, "gap_ms": 12}, 3000 * (0.012 + 2) + 2),
        ("open", {"count": 3000, "gap_ms": 12, "in_flight": 256}, 36 + 12 * 2 + 2),
        ("open", {"timeout_ms": 600_000}, 1200),
        ("open", {"at_ns": 1}, 64),
        ("churn", {"count": 10, "gap_ms": 1000}, 70),
        ("close", {"timeout_ms": 5000}, 5),
        ("recv", {}, 2),
        ("talk", {}, 2),
        ("talk", {"duration_ms": 500, "count": 9}, 2.5),
        ("talk", {"count": 100, "rate": 50}, 202),
    ],
)
def test_a_deadline_follows_from_what_was_asked(verb, fields, seconds):
    """The longest that the agent can take by its own page."""
    assert allowance(verb, fields) == pytest.approx(seconds)


def test_closing_an_agent_ends_its_command():
    """The engine's end reads the end of the stream, and with it the agent releases what it held."""
    host, engine = agent_of()
    with engine:
        with Agent(host):
            pass
        assert engine.recv(1) == b""


def test_agents_are_closed_whatever_happens():
    """Also when the experiment fails halfway."""
    hosts, engines = zip(*(agent_of() for _ in range(3)), strict=True)
    with pytest.raises(ZeroDivisionError), agents(hosts) as opened:
        raise ZeroDivisionError(len(opened))
    assert [engine.recv(1) for engine in engines] == [b""] * 3
    for engine in engines:
        engine.close()


@pytest.mark.parametrize("hello", [True, False])
def test_words_of_the_engine_are_no_answer(hello):
    """It writes them where the agent would, if the host goes away while a command starts there."""
    ours, engine = socket.socketpair()
    said = frame(json.dumps(HELLO).encode() + b"\n") if hello else b""
    engine.sendall(said + frame(b"OCI runtime exec failed: container is not running\r\n"))
    host = played_host(Stream(ours, "client-1: agent"))
    with engine, pytest.raises(AgentFailed, match="no agent answers there: OCI runtime exec failed"):
        Agent(host).open(1)
