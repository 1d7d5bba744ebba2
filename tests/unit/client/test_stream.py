"""The agent's stream: what it answers to garbage, and that its end is everything's."""

import json
import os
import signal

import pytest

from tests.unit.client.processes import WITHIN, accept, lines, listening, log_events, outcomes_of

COUNTERS = ("TcpActiveOpens", "TcpExtTCPSynRetrans")  # of both tables
GARBAGE = [
    (b"", "one JSON object"),
    (b"{", "one JSON object"),
    (b"[1]", "one JSON object"),
    (b"\xff\x00\xfe", "one JSON object"),
    (b"[" * 100_000, "one JSON object"),
    (b'{"verb": "facts"' + b" " * 2**20 + b"}", "one JSON object"),
    (
        b"{}",
        "one of open, salvo, close, send, recv, talk, churn, listen, accept, resolve, facts, quit, got None",
    ),
    (b'{"verb": ["open"]}', "one of open"),
    (b'{"verb": "open", "count": "3"}', "count: expected a whole number from 1 to 100000, got '3'"),
    (b'{"verb": "open", "count": true}', "count: expected"),
    (b'{"verb": "open", "count": 100001}', "count: expected"),
    (b'{"verb": "open", "in_flight": 20001}', "in_flight: expected"),
    (b'{"verb": "open", "count": 20001}', "count: more than 20000 attempts are told in columns"),
    (b'{"verb": "churn", "count": 20001, "detail": true}', "count: more than 20000 attempts"),
    (b'{"verb": "open", "partial": true, "columns": true}', "partial and columns: give one of them"),
    (b'{"verb": "open", "cuont": 3}', "open takes no field 'cuont'; it takes: host"),
    (b'{"verb": "open", "source": "1.2.3"}', "source: expected an IPv4 address, or null"),
    (b'{"verb": "open", "host": "no\\u0000where"}', "host: expected a host name"),
    (b'{"verb": "send", "text": "\\ud800"}', "text: expected a string"),
    (b'{"verb": "close", "conns": [7]}', "conns: 7 is not held; held are: none"),
    (b'{"verb": "close", "conns": 7}', "conns: expected a list"),
    (b'{"verb": "close", "how": "gently"}', "how: expected one of fin, rst, half, drop, got 'gently'"),
    (b'{"verb": "facts", "sysctls": ["../../etc/passwd"]}', "sysctls: expected a list, each item a key"),
    (b'{"verb": "facts", "counters": ["TcpExt/x"]}', "counters: expected a list, each item a name like Tcp"),
    (b'{"verb": "accept"}', "accept needs a field 'conn'"),
    (b'{"verb": "accept", "conn": 7}', "conn: 7 is no listener"),
    (b'{"verb": "quit", "now": 1}', "quit takes no field 'now'"),
    (b'{"verb": "facts", "id": NaN}', "one JSON object"),
    (b'{"verb": "facts", "id": -Infinity}', "one JSON object"),
    (b'{"verb": "open", "gap_ms": Infinity}', "one JSON object"),
    (
        b'{"verb": "facts", "id": 1e999}',
        "id: expected a string, a whole number up to 9007199254740992 or null",
    ),
    (b'{"verb": "facts", "id": 1.5}', "id: expected a string"),
    (b'{"verb": "facts", "id": true}', "id: expected a string"),
    (b'{"verb": "facts", "id": ' + b"[" * 900 + b"]" * 900 + b"}", "id: expected a string"),
    (b'{"verb": "facts", "id": 9007199254740993}', "id: expected a string"),
    (b'{"verb": "facts", "id": -' + b"9" * 4000 + b"}", "id: expected a string"),
    (b'{"verb": "facts", "id": ' + b"9" * 5000 + b"}", "one JSON object"),
]


def test_garbage_is_answered(agent):
    """A bad request says what is wrong, and the next one works; all of them to one agent."""
    client = agent()
    for line, complaint in GARBAGE:
        client.process.stdin.write(line + b"\n")
        answer = next(client.answers)
        assert (answer["id"], answer["ok"]) == (None, False), line[:99]
        assert complaint in answer["error"], line[:99]
        assert client.ask("facts")["ok"], line[:99]


def test_an_answer_has_its_request_s_id(agent):
    """A whole number, a string or null comes back as it is."""
    client = agent()
    for number in (0, -3, 2**53, "seven", "", None):
        client.send(id=number, verb="facts")
        assert next(client.answers)["id"] == number


def test_partial_answers_come_as_attempts_end(agent):
    """The dial that hangs is started first and told last; the answer has the sums."""
    client = agent()
    port = client.ask("listen", backlog=0, address="127.0.0.1")["port"]
    target = {"host": "127.0.0.1", "port": port, "timeout_ms": 300}
    client.ask("open", **target)
    client.send(id=7, verb="open", **target, count=3, in_flight=3, gap_ms=50, partial=True)
    partial_answers = [next(client.answers) for _ in range(3)]
    last = next(client.answers)
    assert [answer["partial"] for answer in partial_answers] == [True] * 3
    assert [(answer["id"], answer["ok"]) for answer in (*partial_answers, last)] == [(7, True)] * 4
    assert [answer["attempt"]["number"] for answer in partial_answers] == [1, 2, 3]
    assert (last["tally"], "partial" in last, "attempts" in last) == ({"timed_out": 3}, False, False)


def test_a_partial_answer_does_not_wait_for_the_rest(agent):
    """What is established is told, and held, while the request still has ten minutes to go."""
    client = agent()
    port = client.ask("listen", backlog=0, address="127.0.0.1")["port"]
    target = {"host": "127.0.0.1", "port": port, "timeout_ms": 600_000}
    client.send(id=1, verb="open", **target, count=2, partial=True)
    first = next(client.answers)
    assert (first["attempt"]["outcome"], first["attempt"]["conn"]) == ("established", 2)


def test_a_bad_request_has_no_partial_answer(agent):
    """One answer, and the stream is good."""
    client = agent()
    for options in ({"count": 0, "partial": True}, {"partial": 1}, {"partial": "yes"}):
        assert not client.ask("open", **options)["ok"], options
        assert client.ask("facts")["ok"], options


def test_a_long_answer_arrives_whole(agent):
    """An answer larger than a pipe's buffer is one line."""
    client = agent()
    with listening(backlog=500) as (_, port):
        answer = client.ask("open", host="127.0.0.1", port=port, count=500)
    assert outcomes_of(answer) == [("established", None)] * 500


def test_hello_and_facts(agent):
    """Who the agent is, and what its kernel is set to."""
    client = agent()
    assert (client.hello["agent"], client.hello["schema"]) == ("connlab", 1)
    with listening() as (_, port):  # nothing but connections of this machine moves the counter on
        before = client.ask("facts", counters=["TcpActiveOpens"])["counters"]
        client.ask("open", host="127.0.0.1", port=port, count=3)
    facts = client.ask(
        "facts",
        sysctls=["net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_tw_recycle"],
        counters=[*COUNTERS, "NoSuch"],
    )
    assert facts["counters"]["TcpActiveOpens"] >= before["TcpActiveOpens"] + 3
    assert (facts["counters"].pop("NoSuch"), set(facts["counters"])) == (None, set(COUNTERS))
    assert all(type(number) is int for number in facts["counters"].values())
    assert facts["sysctls"]["net.ipv4.tcp_fin_timeout"].isdigit()
    assert facts["sysctls"]["net.ipv4.tcp_tw_recycle"] is None
    assert (facts["pid"], facts["uid"]) == (client.process.pid, os.getuid())


@pytest.mark.parametrize("end", ["eof", "kill", "term", "quit"])
def test_the_end_of_the_agent_releases_everything(agent, end):
    """However it ends, the server sees the end of each connection."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port, count=3)
        accepted = [accept(listener) for _ in range(3)]
        match end:
            case "eof":
                client.process.stdin.close()
            case "kill":
                client.process.kill()
            case "term":
                client.process.terminate()
            case "quit":
                client.send(verb="quit")
        for connection in accepted:
            with connection:
                assert connection.recv(1) == b""
    assert client.process.wait(WITHIN) == (-signal.SIGKILL if end == "kill" else 0)


def test_the_log_tells_what_the_agent_did(agent, echo):
    """Opened, each attempt, the tally, held, released, closed."""
    client = agent()
    client.ask("open", host="127.0.0.1", port=echo, count=2)
    client.process.stdin.close()
    client.process.wait(WITHIN)
    names = ["agent", "attempt", "attempt", "tally", "held", "released", "agent"]
    log = log_events(client.process)
    assert [event["event"] for event in log] == names
    assert (log[-2]["how"], log[-1]["state"]) == ("exit", "closed")


@pytest.mark.parametrize("partial", [True, False])
def test_a_closed_stream_stops_the_lab_s_agent_at_once(agent, partial):
    """With --stop-at-close: not one of the 600 s is waited for, and what was established is closed."""
    patience = "from client import agent; agent._GRACE_S = 600; agent.main(['--stop-at-close'])"
    client = agent("-c", patience)
    with listening(backlog=0) as (listener, port):
        target = {"host": "127.0.0.1", "port": port, "timeout_ms": 600_000}
        client.send(verb="open", **target, count=100, partial=partial)
        with accept(listener) as connection:
            client.process.stdin.close()
            assert client.process.wait(WITHIN) == 0
            assert connection.recv(1) == b""
    assert agent_states(client) == ["opened", "closed"]


@pytest.mark.parametrize("argv", [(), ("--stop-at-close",)])
def test_a_piped_script_gets_its_answers(run, echo, argv):
    """Its input ends before it is answered: without the flag it gets all, with it what was done by then, whole."""
    process = run("-m", "client.agent", *argv)
    ask = {"verb": "open", "host": "127.0.0.1", "port": echo, "count": 5, "gap_ms": 20}
    process.stdin.write(b"".join(json.dumps({"id": n, **ask}).encode() + b"\n" for n in range(3)))
    process.stdin.close()
    answers = [answer["id"] for answer in lines(process.stdout) if "id" in answer]
    assert process.wait(WITHIN) == 0
    assert answers == [0, 1, 2][: len(answers)]
    assert len(answers) == 3 or argv


def test_a_closed_stream_ends_a_busy_agent(agent):
    """A request that would last for half an hour does not outlive the stream by more than the grace."""
    client = agent("-c", "from client import agent; agent._GRACE_S = 0; agent.main([])")
    with listening(backlog=0) as (listener, port):
        client.send(verb="open", host="127.0.0.1", port=port, count=1000)
        with accept(listener):
            client.process.stdin.close()
            assert client.process.wait(WITHIN) == 0


def agent_states(client):
    """Return the states that the agent's own events have."""
    log = [line for line in client.process.log.read_text().splitlines() if line.startswith("{")]
    return [event["state"] for event in map(json.loads, log) if event["event"] == "agent"]
