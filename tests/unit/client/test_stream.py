"""The agent's stream: what it answers to garbage, and that its end is everything's."""

import os
import signal

import pytest

from tests.unit.client.processes import WITHIN, accept, listening, logged, outcomes


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "one JSON object"),
        (b"{", "one JSON object"),
        (b"[1]", "one JSON object"),
        (b"\xff\x00\xfe", "one JSON object"),
        (b"[" * 100_000, "one JSON object"),
        (b'{"verb": "facts"' + b" " * 2**20 + b"}", "one JSON object"),
        (b"{}", "one of open, close, send, recv, churn, listen, accept, resolve, facts, quit, got None"),
        (b'{"verb": ["open"]}', "one of open"),
        (b'{"verb": "open", "count": "3"}', "count: expected a whole number from 1 to 20000, got '3'"),
        (b'{"verb": "open", "count": true}', "count: expected"),
        (b'{"verb": "open", "count": 20001}', "count: expected"),
        (b'{"verb": "open", "cuont": 3}', "open takes no field 'cuont'; it takes: host"),
        (b'{"verb": "open", "source": "1.2.3"}', "source: expected an IPv4 address, or null"),
        (b'{"verb": "open", "host": "no\\u0000where"}', "host: expected a host name"),
        (b'{"verb": "send", "text": "\\ud800"}', "text: expected a string"),
        (b'{"verb": "close", "conns": [7]}', "conns: 7 is not held; held are: none"),
        (b'{"verb": "close", "conns": 7}', "conns: expected a list"),
        (b'{"verb": "close", "how": "gently"}', "how: expected one of fin, rst, half, drop, got 'gently'"),
        (b'{"verb": "facts", "sysctls": ["../../etc/passwd"]}', "sysctls: expected a list, each item a key"),
        (b'{"verb": "quit", "now": 1}', "quit takes no field 'now'"),
    ],
)
def test_garbage_is_answered(agent, line, complaint):
    """A bad request says what is wrong, and the next one works."""
    client = agent()
    client.process.stdin.write(line + b"\n")
    answer = next(client.answers)
    assert (answer["id"], answer["ok"]) == (None, False)
    assert complaint in answer["error"]
    assert client.ask("facts")["ok"]


def test_a_long_answer_arrives_whole(agent):
    """An answer larger than a pipe's buffer is one line."""
    client = agent()
    with listening(backlog=500) as (_, port):
        answer = client.ask("open", host="127.0.0.1", port=port, count=500)
    assert outcomes(answer) == [("established", None)] * 500


def test_hello_and_facts(agent):
    """Who the agent is, and what its kernel is set to."""
    client = agent()
    assert (client.hello["agent"], client.hello["schema"]) == ("connlab", 1)
    facts = client.ask("facts", sysctls=["net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_tw_recycle"])
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
                client.tell(verb="quit")
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
    told = ["agent", "attempt", "attempt", "tally", "held", "released", "agent"]
    log = logged(client.process)
    assert [event["event"] for event in log] == told
    assert (log[-2]["how"], log[-1]["state"]) == ("exit", "closed")


def test_a_closed_stream_ends_a_busy_agent(agent):
    """A request that would last for half an hour does not outlive the stream by more than the grace."""
    client = agent("-c", "from client import agent; agent._GRACE_S = 0; agent.main()")
    with listening(backlog=0) as (listener, port):
        client.tell(verb="open", host="127.0.0.1", port=port, count=1000)
        with accept(listener):
            client.process.stdin.close()
            assert client.process.wait(WITHIN) == 0
