"""A client host as real processes on loopback: the agent, the workloads, and how they take turns.

workload or agent ── 127.0.0.1 ── a server in this test
"""

import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab import topology
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
WITHIN = 20


def lines(stream):
    """The JSON lines of a pipe, each within the deadline, until its end."""
    buffer = b""
    while True:
        while b"\n" not in buffer:
            assert select.select([stream], [], [], WITHIN)[0], f"no line within {WITHIN} s"
            part = os.read(stream.fileno(), 65_536)
            if not part:
                return
            buffer += part
        line, _, buffer = buffer.partition(b"\n")
        yield json.loads(line)


def logged(process):
    """What an agent has written to the log of its host so far; without a PID 1 of ours that is stderr."""
    return [json.loads(line) for line in process.log.read_text().splitlines()]


def first(events, name):
    """The next event of this name; those before it are skipped."""
    return next(event for event in events if event["event"] == name)


@pytest.fixture
def run(tmp_path):
    """Start `python3 -S -E ...` as a client process of one host; killed at the end if it still runs."""
    started = []

    def start(*argv, **knobs):
        environ = {"CONNLAB_TURN": str(tmp_path / "turn"), "CONNLAB_SERVER": "127.0.0.1", **knobs}
        command = [sys.executable, "-S", "-E", *argv]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
        log = tmp_path / f"stderr-{len(started)}"
        with log.open("wb") as stderr:
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=stderr, **pipes)
        process.log = log
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def agent(run):
    """Open an agent; `ask` sends a request and returns the answer."""

    def open_agent(*argv, **knobs):
        process = run(*(argv or ("-m", "client.agent")), **knobs)
        answers = lines(process.stdout)

        def tell(**request):
            process.stdin.write(json.dumps(request).encode() + b"\n")

        def ask(verb, **fields):
            tell(id=verb, verb=verb, **fields)
            answer = next(answers)
            assert answer["id"] == verb
            return answer

        hello = next(answers)
        return SimpleNamespace(process=process, ask=ask, tell=tell, hello=hello, answers=answers)

    return open_agent


@contextmanager
def listening(backlog=16):
    """A listener on a free port of loopback, with a deadline on everything."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        listener.settimeout(WITHIN)
        yield listener, listener.getsockname()[1]


def accept(listener):
    connection, _ = listener.accept()
    connection.settimeout(WITHIN)
    return connection


@pytest.fixture
def echo():
    """The port of a server that greets and then echoes, each connection in a thread."""

    def talk(connection):
        with connection:
            connection.sendall(b"welcome\n")
            with suppress(ConnectionError):
                while data := connection.recv(65_536):
                    connection.sendall(data)

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def outcomes(answer):
    return [(attempt["outcome"], attempt["errno"]) for attempt in answer["attempts"]]


# What becomes of an attempt


def test_a_name_is_asked_for_and_nothing_is_dialled(agent):
    """`resolve`: an address, or the resolver's own error as an answer; no attempt in the log."""
    client = agent()
    found = client.ask("resolve", host="localhost")
    assert (found["resolved"], found["address"], found["errno"]) == (True, "127.0.0.1", None)
    unknown = client.ask("resolve", host="no-such-name.invalid")
    assert (unknown["ok"], unknown["resolved"], unknown["address"]) == (True, False, None)
    assert unknown["errno"].startswith("EAI_")
    assert unknown["reason"]
    assert [event["event"] for event in logged(client.process)] == ["agent"]


def test_established_and_refused(agent, echo):
    """A listener's port is established and held; a port that nobody listens on is refused at once."""
    client = agent()
    opened = client.ask("open", host="127.0.0.1", port=echo, count=3)
    refused = client.ask("open", host="127.0.0.1", port=free_port(), count=2)
    assert outcomes(opened) == [("established", None)] * 3
    assert [attempt["conn"] for attempt in opened["attempts"]] == [1, 2, 3]
    assert outcomes(refused) == [("refused", "ECONNREFUSED")] * 2
    assert all(attempt["source"] == "127.0.0.1" and attempt["source_port"] for attempt in refused["attempts"])
    assert client.ask("facts")["held"] == 3


@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_full_accept_queue_times_out(agent, in_flight):
    """listen(0) admits one connection; later SYNs are dropped, and the deadline of each dial ends it."""
    client = agent()
    port = client.ask("listen", backlog=0, address="127.0.0.1")["port"]
    target = {"host": "127.0.0.1", "port": port, "timeout_ms": 100}
    assert outcomes(client.ask("open", **target)) == [("established", None)]
    answer = client.ask("open", **target, count=4, in_flight=in_flight)
    assert outcomes(answer) == [("timed_out", None)] * 4


def test_a_taken_four_tuple_is_no_port(agent, echo):
    """The same source port to the same destination again: connect(2) has none to give (kernel.md T13)."""
    client, port = agent(), free_port()
    target = {"host": "127.0.0.1", "port": echo, "source_port": port}
    assert outcomes(client.ask("open", **target)) == [("established", None)]
    assert outcomes(client.ask("open", **target)) == [("no_port", "EADDRNOTAVAIL")]


def test_a_foreign_source_is_our_own_mistake(agent, echo):
    """The same errno from bind(2) is a harness_error: the address is not this host's."""
    answer = agent().ask("open", host="127.0.0.1", port=echo, source="192.0.2.1")
    assert outcomes(answer) == [("harness_error", "EADDRNOTAVAIL")]


def test_attempts_come_in_order_of_dialling(agent, echo):
    """However many are in flight."""
    attempts = agent().ask("open", host="127.0.0.1", port=echo, count=50, in_flight=16)["attempts"]
    stamps = [attempt["start_ns"] for attempt in attempts]
    assert len(stamps) == 50
    assert stamps == sorted(stamps)


def test_a_gap_parts_the_dials(agent, echo):
    """With gap_ms a dial starts no sooner than that after the end of the one before."""
    attempts = agent().ask("open", host="127.0.0.1", port=echo, count=3, gap_ms=20)["attempts"]
    ends = [attempt["start_ns"] // 1000 + attempt["us"] for attempt in attempts]
    starts = [attempt["start_ns"] // 1000 for attempt in attempts]
    assert all(start - end >= 20_000 - 1 for end, start in zip(ends, starts[1:], strict=False))


def test_a_barrier_is_never_early(agent, echo):
    """Two agents dial at the moment both were given, not before."""
    one, two = agent(), agent()
    at_ns = time.monotonic_ns() + 200_000_000
    for client in (one, two):
        client.tell(verb="open", host="127.0.0.1", port=echo, at_ns=at_ns)
    starts = [next(client.answers)["attempts"][0]["start_ns"] for client in (one, two)]
    assert min(starts) >= at_ns
    assert "60 s ahead" in one.ask("open", at_ns=time.monotonic_ns() + 61 * 10**9)["error"]


# How a connection ends


def test_fin_is_answered(agent):
    """`fin` waits for the server's FIN, and says when it did not come."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port, count=2)
        with accept(listener) as polite, accept(listener) as silent:
            client.tell(verb="close", timeout_ms=300)
            assert (polite.recv(1), silent.recv(1)) == (b"", b"")
            polite.close()
            assert [end["peer"] for end in next(client.answers)["closed"]] == ["fin", "timeout"]
    assert client.ask("facts")["held"] == 0


def test_rst_is_a_reset(agent):
    """`rst`: the server's recv(2) fails with ECONNRESET (kernel.md O07)."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port)
        with accept(listener) as connection:
            assert client.ask("close", how="rst")["closed"] == [{"conn": 1, "peer": "none", "us": 0}]
            with pytest.raises(ConnectionResetError):
                connection.recv(1)


def test_half_closed_still_listens(agent):
    """`half`: the server reads the end, but what it sends then still arrives."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port)
        with accept(listener) as connection:
            assert client.ask("close", how="half")["closed"][0]["peer"] == "none"
            assert connection.recv(1) == b""
            connection.sendall(b"after\x00all")
            connection.shutdown(socket.SHUT_WR)
            received = client.ask("recv")["received"][0]
            assert (received["text"], received["bytes"]) == ("after\\x00all", 9)
        assert client.ask("close")["closed"][0]["peer"] == "fin"


@pytest.mark.parametrize("unread", [b"", b"never read"])
def test_dropped_is_left_to_the_kernel(agent, unread):
    """`drop`: FIN, though the server has not closed; but an RST if there was something to read (kernel.md T15)."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port)
        with accept(listener) as connection:
            connection.sendall(unread)
            assert client.ask("close", how="drop")["closed"] == [{"conn": 1, "peer": "none", "us": 0}]
            assert client.ask("facts")["held"] == 0
            if unread:
                with pytest.raises(ConnectionResetError):
                    connection.recv(1)
            else:
                assert connection.recv(1) == b""
    assert [event["how"] for event in logged(client.process) if event["event"] == "released"] == ["drop"]


def test_a_reset_is_noticed(agent):
    """After the server's RST, recv shows it, send fails, and close says who ended it."""
    client = agent()
    with listening() as (listener, port):
        client.ask("open", host="127.0.0.1", port=port)
        with accept(listener) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert client.ask("recv")["received"][0]["errno"] == "ECONNRESET"
        assert client.ask("send")["sent"] == [{"conn": 1, "bytes": 0, "errno": "EPIPE"}]
        assert client.ask("close")["closed"][0]["peer"] == "reset"


def test_send_never_blocks(agent):
    """A peer that does not read: the buffers take some, then EAGAIN."""
    client = agent()
    with listening() as (_, port):
        client.ask("open", host="127.0.0.1", port=port)
        (sent,) = client.ask("send", bytes=2**24)["sent"]
    assert 0 < sent["bytes"] < 2**24
    assert sent["errno"] == "EAGAIN"


def test_recv_waits_no_longer_than_told(agent, echo):
    """Nothing to read is an answer too."""
    client = agent()
    client.ask("open", host="127.0.0.1", port=echo)
    assert client.ask("recv")["received"][0]["text"] == "welcome\\x0a"
    nothing = {"conn": 1, "bytes": 0, "text": "", "eof": False, "errno": "EAGAIN"}
    assert client.ask("recv", timeout_ms=10)["received"] == [nothing]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_churn_counts(agent, echo, how):
    """Open, message, close, over and over; each attempt is in the log."""
    client = agent()
    answer = client.ask("churn", host="127.0.0.1", port=echo, count=20, how=how, message="ping")
    assert answer["tally"] == {"established": 20}
    assert client.ask("facts")["held"] == 0
    assert [event["event"] for event in logged(client.process)] == ["agent", *["attempt"] * 20, "tally"]


def test_churn_tells_each_connection_if_asked(agent, echo):
    """`detail`: attempts as of `open`, in order, none held, each closed before the next is dialled."""
    client = agent()
    opened = client.ask("open", host="127.0.0.1", port=echo)["attempts"][0]
    answer = client.ask("churn", host="127.0.0.1", port=echo, count=5, detail=True)
    attempts = answer["attempts"]
    assert [(attempt["outcome"], attempt["conn"]) for attempt in attempts] == [("established", None)] * 5
    assert {frozenset(attempt) for attempt in attempts} == {frozenset({*opened, "closed_ns"})}
    moments = [moment for each in attempts for moment in (each["start_ns"], each["closed_ns"])]
    assert len(set(moments)) == 10
    assert moments == sorted(moments)
    assert all(each["closed_ns"] >= each["start_ns"] + each["us"] * 1000 for each in attempts)
    assert client.ask("churn", host="127.0.0.1", port=echo, count=1).keys() == {
        "id", "ok", "tally", "seconds",
    }  # fmt: skip


def test_what_churn_did_not_open_was_not_closed(agent):
    """A refused attempt has no `closed_ns`."""
    answer = agent().ask("churn", host="127.0.0.1", port=free_port(), count=2, detail=True)
    assert answer["tally"] == {"refused": 2}
    assert [attempt["closed_ns"] for attempt in answer["attempts"]] == [None, None]


def test_a_gap_parts_the_connections_of_churn(agent, echo):
    """With gap_ms a dial starts no sooner than that after the close before; nothing waits before the first
    or after the last."""
    client = agent()
    answer = client.ask("churn", host="127.0.0.1", port=echo, count=3, gap_ms=20, detail=True)
    closed = [attempt["closed_ns"] for attempt in answer["attempts"]]
    starts = [attempt["start_ns"] for attempt in answer["attempts"]]
    assert all(start - end >= 20_000_000 for end, start in zip(closed, starts[1:], strict=False))
    assert client.ask("churn", host="127.0.0.1", port=echo, count=1, gap_ms=600_000)["seconds"] < WITHIN


# The stream


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


# Workloads


def test_burst_tells_each_attempt_and_the_tally(run, echo):
    """Every dial is established, its message comes back through the greeting, and the round is summed up."""
    events = lines(run("-m", "client", PORT=str(echo), DIALS="3").stdout)
    assert next(events)["event"] == "ready"
    assert [next(events)["outcome"] for _ in range(3)] == ["established"] * 3
    tally = next(events)
    assert (tally["attempts"], tally["established"], tally["echoed"]) == (3, 3, 3)


def test_burst_outlives_its_server(run):
    """No server, then one that resets: outcomes, not errors."""
    port = free_port()
    process = run("-m", "client", PORT=str(port), DIALS="1", PERIOD="0.05")
    events = lines(process.stdout)
    host = next(events)["host"]
    assert first(events, "attempt")["outcome"] == "refused"
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(WITHIN)
        connection = accept(listener)
        with connection:
            assert connection.recv(64) == f"hello from {host} 1".encode()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset = next(event for event in events if event.get("outcome") not in (None, "refused"))
    assert (reset["outcome"], reset["errno"]) == ("reset", "ECONNRESET")


def test_hold_keeps_and_redials(run):
    """A lost connection is dialled again at the next beat; a stop closes them all with FIN."""
    with listening() as (listener, port):
        process = run("-m", "client", WORKLOAD="hold", PORT=str(port), DIALS="2", PERIOD="0.05")
        events = lines(process.stdout)
        lost, kept = accept(listener), accept(listener)
        assert first(events, "held")["count"] == 2
        lost.close()
        with kept, accept(listener) as again:
            assert first(events, "tally")["attempts"] == 1
            assert first(events, "held")["count"] == 2
            process.terminate()
            assert (kept.recv(1), again.recv(1)) == (b"", b"")
        assert [event["event"] for event in events] == ["stopping", "released"]
    assert process.wait(WITHIN) == 0


def test_churn_tallies_each_period(run, echo):
    """One connection at a time, summed up once a period, every message echoed."""
    events = lines(run("-m", "client", WORKLOAD="churn", PORT=str(echo), PERIOD="0.1").stdout)
    attempts = 0
    while attempts <= 1:  # how many fit into a period is the machine's business
        tally = first(events, "tally")
        attempts = tally["attempts"]
        assert attempts == tally["established"] == tally["echoed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_a_round(run, number):
    """The server never echoes; the workload stops all the same, with no tally, and exits 0."""
    with listening() as (listener, port):
        process = run("-m", "client", PORT=str(port), DIALS="1")
        with accept(listener):
            process.send_signal(number)
            events = list(lines(process.stdout))
    assert [event["event"] for event in events] == ["ready", "stopping"]
    assert events[-1]["signal"] == number.name
    assert process.wait(WITHIN) == 0


def test_idle_only_waits(run):
    """Ready, then nothing until the signal."""
    process = run("-m", "client", WORKLOAD="idle")
    events = lines(process.stdout)
    assert next(events)["workload"] == "idle"
    process.terminate()
    assert [event["event"] for event in events] == ["stopping"]
    assert process.wait(WITHIN) == 0


def test_idle_imports_next_to_nothing(run):
    """The budget of an idle host is 8 MB: none of the modules that would eat it is loaded."""
    modules = "client.names, client.events, client.settings, client.sysctls, client.workloads.idle"
    process = run("-c", f"import sys, {modules}; print(sorted(sys.modules))")
    loaded, _ = process.communicate(timeout=WITHIN)
    heavy = {
        "asyncio",
        "collections",
        "contextlib",
        "enum",
        "json",
        "logging",
        "re",
        "select",
        "signal",
        "socket",
    }
    assert not {name for name in heavy if repr(name).encode() in loaded}


def test_a_bad_knob_stops_at_once(run):
    """One line on stderr, nothing on stdout, exit 2."""
    process = run("-m", "client", DIALS="-1")
    said, _ = process.communicate(timeout=WITHIN)
    assert (process.returncode, said) == (2, b"")
    assert process.log.read_text() == "connlab client: DIALS='-1' is out of range; allowed: 1 to 20000\n"


# The profile


def real(key):
    """What this machine's kernel says of a key."""
    return Path("/proc/sys", key.replace(".", "/")).read_text().strip()


FIN, REUSE, RECYCLE = (f"net.ipv4.tcp_{name}" for name in ("fin_timeout", "tw_reuse", "tw_recycle"))


def profile(tmp_path, **keys):
    """A client's argv whose profile `stock` has these values, of this machine's own kernel."""
    (tmp_path / "sysctl").mkdir()
    declared = "".join(f'      net.ipv4.tcp_{key}: "{value}"\n' for key, value in keys.items())
    (tmp_path / "sysctl/stock.yaml").write_text(declared)
    return "-c", f"from client import sysctls; sysctls.HOME = {str(tmp_path)!r}; import client.__main__"


@pytest.mark.parametrize("workload", ["idle", "hold"])
def test_the_profile_is_told_before_ready(run, tmp_path, workload):
    """Each key with its values, one that this kernel does not have as absent."""
    argv = profile(tmp_path, tw_recycle="1", fin_timeout=real(FIN), tw_reuse=real(REUSE))
    process = run(*argv, CLIENT_SYSCTL="stock", WORKLOAD=workload)
    told = lines(process.stdout)
    keys = [next(told) for _ in range(3)]
    assert next(told)["event"] == "ready"
    assert [tuple(key[field] for field in ("event", "key", "declared", "effective", "state")) for key in keys] == [
        ("sysctl", RECYCLE, "1", None, "absent"),
        ("sysctl", FIN, real(FIN), real(FIN), "applied"),
        ("sysctl", REUSE, real(REUSE), real(REUSE), "applied"),
    ]  # fmt: skip


def test_a_host_that_is_not_what_it_claims_does_not_start(run, tmp_path):
    """Another value than declared: one line that says so, exit 1, never ready; the lab tells that line."""
    argv = profile(tmp_path, tw_reuse=real(REUSE), fin_timeout="4711")
    process = run(*argv, CLIENT_SYSCTL="stock", WORKLOAD="idle")
    said, _ = process.communicate(timeout=WITHIN)
    what = f"{FIN} is {real(FIN)}, sysctl/stock.yaml declares 4711"
    told = [json.loads(line) for line in said.splitlines()]
    assert [line["event"] for line in told] == ["sysctl", "sysctl", "sysctl_failed"]
    assert (process.returncode, told[1]["state"], told[2]["profile"]) == (1, "differs", "stock")
    assert (told[2]["error"], process.log.read_text()) == (what, "")
    assert topology.reason(said.decode()) == what


def test_without_a_profile_nothing_is_claimed(run, tmp_path):
    """A process that nobody gave a profile is of the machine, whatever that is set to."""
    process = run(*profile(tmp_path, fin_timeout="4711"), WORKLOAD="idle")
    assert next(lines(process.stdout))["event"] == "ready"


def test_the_lab_can_look_at_the_profile(run):
    """`python3 -m client.sysctls`: what the events say, as one list; a bad name is refused."""
    said, _ = run("-m", "client.sysctls", CLIENT_SYSCTL="article").communicate(timeout=WITHIN)
    found = {key["key"]: (key["declared"], key["effective"]) for key in json.loads(said)}
    assert found == {RECYCLE: ("1", None), REUSE: ("1", real(REUSE)), FIN: ("15", real(FIN))}
    process = run("-m", "client.sysctls", CLIENT_SYSCTL="nope")
    assert (process.wait(WITHIN), "CLIENT_SYSCTL='nope'" in process.log.read_text()) == (2, True)


# Turns


def test_the_workload_waits_for_the_agent(run, agent, echo):
    """While an agent is open no round starts; when it goes, the next one does."""
    process = run("-m", "client", PORT=str(echo), DIALS="1", PERIOD="0.05")
    events = lines(process.stdout)
    first(events, "tally")
    client = agent()
    first(events, "waiting")
    client.ask("open", host="127.0.0.1", port=echo)
    assert not select.select([process.stdout], [], [], 0)[0]
    client.process.stdin.close()
    assert next(events)["event"] == "attempt"


def test_the_agent_waits_for_the_round(run, tmp_path):
    """An agent that comes during a round says hello after its tally."""
    with listening() as (listener, port):
        workload = run("-m", "client", PORT=str(port), DIALS="1", PERIOD="60")
        with accept(listener):
            client = run("-m", "client.agent")
            wait_until_held(tmp_path / "turn")
        tally = first(lines(workload.stdout), "tally")
        assert next(lines(client.stdout))["agent"] == "connlab"
        assert logged(client)[0]["ts"] > tally["ts"]


def wait_until_held(path):
    """Until somebody has locked the file: asked again and again, with the deadline of everything here."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        with path.open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
    raise AssertionError(f"nobody locked {path} within {WITHIN} s")
