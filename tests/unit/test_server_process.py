"""The server as a process of this machine, without its policy: what it says, serves, survives and how it ends."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.model import Event, events
from lab.wait import until
from server.status import ADDRESS
from tests.ports import free_port

HOME = Path(__file__).parents[2]
MENU = dict(re.findall(r"^(\w+)=(.*)$", (HOME / ".env").read_text(), re.MULTILINE))
NFLOG = json.loads((Path(__file__).parent / "data/nflog.json").read_text())
SOON = 5.0  # seconds; everything here takes milliseconds, unless the machine is busy
PAUSE = 0.5  # docs/events.md: what `accept_failed` says in `seconds`


@pytest.fixture
def alone():
    """One server at a time on this machine: its status address belongs to the network namespace."""
    with (Path(tempfile.gettempdir()) / "connlab-unit-server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def start(alone, tmp_path):
    """Start the server with other knobs; returns it ready. It is killed afterwards, by its process id."""
    with contextlib.ExitStack() as stack:

        def started(reports: socket.socket | None = None, **knobs: str) -> SimpleNamespace:
            port, log = free_port(), tmp_path / "log"
            number = reports.fileno() if reports else -1
            out = stack.enter_context(log.open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "server.serve", str(number)], cwd=HOME, env=MENU | {"PORT": str(port)} | knobs,
                stdout=out, stderr=subprocess.STDOUT, pass_fds=[number] if reports else [],
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)
            server = SimpleNamespace(process=process, port=port, log=log)
            until(lambda: said(server, "ready") or process.poll(), f"it is ready: {log.read_text()}", SOON)
            until(
                lambda: "@connlab-status" in Path("/proc/net/unix").read_text(), "it answers `status`", SOON
            )
            assert process.poll() is None, log.read_text()
            return server

        yield started


@pytest.fixture
def server(start):
    return start()


def said(server: SimpleNamespace, name: str) -> list[Event]:
    """What the server has written under this name so far; all of the log must be events."""
    return [event for event in events(server.log.read_text()) if event.event == name]


def heard(server: SimpleNamespace, name: str, count: int = 1) -> list[Event]:
    """The events of this name, as soon as there are `count`."""
    until(lambda: len(said(server, name)) >= count, f"the server says `{name}` {count} times", SOON)
    return said(server, name)


def dial(server: SimpleNamespace) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=SOON)


def receive(sock: socket.socket, count: int) -> bytes:
    """`count` bytes, or what came before the end."""
    data = b""
    while len(data) < count and (more := sock.recv(count - len(data))):
        data += more
    return data


def echo(sock: socket.socket, message: bytes) -> bytes:
    sock.sendall(message)
    return receive(sock, len(message))


def reset(sock: socket.socket) -> None:
    """Close with an RST instead of a FIN (SO_LINGER with no time)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def leave_room(server: SimpleNamespace, connections: int) -> int:
    """Limit the descriptors of the server to those it has and so many more; returns the limit.

    One more than /proc shows is taken: accept(2), in which `status` waits, reserves its descriptor first.
    """
    pid = server.process.pid
    limit = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()) + 2 + connections
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
    return limit


def lives(server: SimpleNamespace) -> bool:
    """Whether it still serves newcomers."""
    with dial(server) as newcomer:
        return echo(newcomer, b"still there?") == b"still there?"


def ask() -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "server.status"]
    return subprocess.run(argv, cwd=HOME, capture_output=True, text=True, check=False)


def test_a_conversation_is_echoed_and_told(server):
    """Every byte comes back; the log has the three events, each of the right size and source."""
    with dial(server) as sock:
        source = sock.getsockname()[1]
        assert echo(sock, b"hello") == b"hello"
        assert echo(sock, b"x" * 5000) == b"x" * 5000
    (closed,) = heard(server, "closed")
    (accepted,), messages = said(server, "accepted"), said(server, "message")
    assert accepted.fields == {"source": "127.0.0.1", "source_port": source, "open": 1}
    assert messages[0].fields == {"source": "127.0.0.1", "source_port": source, "bytes": 5, "text": "hello"}
    assert sum(message.fields["bytes"] for message in messages) == 5005
    assert max(message.fields["bytes"] for message in messages) <= 1024
    assert closed.fields.pop("seconds") >= 0
    assert closed.fields == {
        "source": "127.0.0.1", "source_port": source, "bytes_in": 5005, "bytes_out": 5005, "by": "client",
    }  # fmt: skip


def test_open_counts_the_connections_of_a_source(server):
    """The `open` of `accepted` includes the newcomer, and goes down when one is closed."""
    with dial(server):
        heard(
            server, "accepted"
        )  # each is told by its own thread, so two at once may be told either way round
        with dial(server):
            assert [event.fields["open"] for event in heard(server, "accepted", 2)] == [1, 2]
    heard(server, "closed", 2)
    with dial(server):
        assert heard(server, "accepted", 3)[-1].fields["open"] == 1


def test_a_greeting_comes_first(start):
    """GREETING is a line to each new connection, before anything is asked."""
    greeted = start(GREETING="welcome, $USER")
    with dial(greeted) as sock:
        assert receive(sock, 15) == b"welcome, $USER\n"
        assert echo(sock, b"hi") == b"hi"
    assert heard(greeted, "closed")[0].fields["bytes_out"] == 17


def test_without_a_greeting_nothing_comes_first(server):
    """The control: the first bytes are the echo."""
    with dial(server) as sock:
        assert echo(sock, b"hi") == b"hi"


@pytest.mark.parametrize(("knob", "backlog"), [("", 1024), ("7", 7), ("0", 0)])
def test_listening_says_what_was_asked_for(start, knob, backlog):
    """The backlog is the knob's, or the mode's own where the knob is empty."""
    listener = start(BACKLOG=knob, REUSE_ADDRESS="0")
    (event,) = said(listener, "listening")
    assert event.fields == {
        "address": "0.0.0.0", "port": listener.port, "mode": "threading", "backlog": backlog, "reuse_address": False,
    }  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_every_connection_with_fin(server, number):
    """Clients read an end, not a reset; the process ends with 0, and its last words are in order."""
    with dial(server) as idle, dial(server) as talker:
        assert echo(talker, b"hello") == b"hello"
        heard(server, "accepted", 2)
        server.process.send_signal(number)
        assert (idle.recv(1), talker.recv(1)) == (b"", b"")
        assert server.process.wait(timeout=SOON) == 0
    names = [event.event for event in events(server.log.read_text())]
    assert names[-4:] == ["stopping", "closed", "closed", "stopped"]
    assert said(server, "stopping")[0].fields == {"signal": number.name, "open": 2}
    assert {event.fields["by"] for event in said(server, "closed")} == {"server"}


@contextlib.contextmanager
def clogged(server: SimpleNamespace) -> Iterator[None]:
    """A client that has sent until neither side has room, and reads none of what is echoed."""
    with socket.socket() as mute:
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            mute.setsockopt(socket.SOL_SOCKET, buffer, 4096)
        mute.connect(("127.0.0.1", server.port))
        mute.setblocking(False)
        refused = 0

        def full() -> bool:
            nonlocal refused
            with contextlib.suppress(BlockingIOError):
                while mute.send(b"x" * 65536):
                    refused = -1
            refused += 1
            return refused > 5

        until(full, "both buffers are full", SOON)
        yield


def test_a_client_that_never_reads_harms_nobody(server):
    """Its own echo waits, and others are served; at the end its handler, stuck in send(2), is cut off."""
    with clogged(server):
        assert lives(server)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=SOON) == 0
    assert events(server.log.read_text())[-1].event == "stopped"


def test_a_reset_is_told_as_one(server):
    """An RST in the middle of a conversation ends that connection alone."""
    sock = dial(server)
    assert echo(sock, b"hello") == b"hello"
    sock.sendall(b"and then")
    reset(sock)
    (closed,) = heard(server, "closed")
    assert closed.fields["by"] == "reset"
    assert lives(server)


def test_garbage_stays_on_one_line(server):
    """Whatever bytes come, the log is printable ASCII, one JSON object a line, and they come back unchanged."""
    garbage = [
        bytes(range(32)),
        bytes(range(127, 256)),
        b"\n" * 9,
        b"\xf0\x9f\x92",
        b'"}\n{',
        "é\u2028".encode(),
    ]
    with dial(server) as sock:
        assert [echo(sock, message) for message in garbage] == garbage
    heard(server, "closed")
    raw = server.log.read_bytes()
    assert re.fullmatch(rb"[\x20-\x7e\n]*", raw)
    assert all(isinstance(json.loads(line), dict) for line in raw.splitlines())
    assert sum(event.fields["bytes"] for event in said(server, "message")) == sum(map(len, garbage))
    assert r"\x00\x01" in said(server, "message")[0].fields["text"]


def test_a_long_message_is_shown_in_part(server):
    """At most 128 bytes of a message reach the log; its size is told."""
    with dial(server) as sock:
        echo(sock, b"a" * 1000)
    heard(server, "closed")
    shown = said(server, "message")
    assert sum(event.fields["bytes"] for event in shown) == 1000
    assert max(len(event.fields["text"]) for event in shown) == 128


def test_out_of_descriptors_the_server_waits_and_recovers(server):
    """accept(2) fails: that is told, not tried without end, and over once a connection is closed."""
    with dial(server) as veteran, contextlib.ExitStack() as stack:
        assert echo(veteran, b"before") == b"before"
        held = [stack.enter_context(dial(server)) for _ in range(leave_room(server, 3))]
        failed = heard(server, "accept_failed", 3)
        assert {(event.fields["error"], event.fields["seconds"]) for event in failed} == {("EMFILE", PAUSE)}
        # Its own clock: each failure is followed by the pause that it announces.
        moments = [datetime.fromisoformat(event.ts) for event in failed]
        gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
        assert all(gap > PAUSE * 0.9 for gap in gaps), gaps
        assert echo(veteran, b"meanwhile") == b"meanwhile"
        served = len(said(server, "accepted")) - 1  # without the veteran
        assert 0 < served < len(held)
        held[0].close()
        assert echo(held[served], b"at last") == b"at last"


def test_status_out_of_descriptors_does_not_end_the_server(server):
    """Asking how it is does not harm a server that is in need."""
    with contextlib.ExitStack() as stack:
        served, *_ = [stack.enter_context(dial(server)) for _ in range(leave_room(server, 1))]
        heard(server, "accept_failed")
        ask()
        assert echo(served, b"after") == b"after"
        assert server.process.poll() is None


def test_text_lines_say_the_same_story(start):
    """LOG_FORMAT=text: no JSON, and every line is read back as its event."""
    plain = start(LOG_FORMAT="text")
    with dial(plain) as sock:
        echo(sock, b'two words and a "quote"\n')
    heard(plain, "closed")
    lines = plain.log.read_text().splitlines()
    assert not any(line.startswith("{") for line in lines)
    assert [Event.parse(line).event for line in lines] == [
        "listening",
        "ready",
        "accepted",
        "message",
        "closed",
    ]
    assert said(plain, "message")[0].fields["text"] == r'two words and a "quote"\x0a'


def test_status_tells_without_a_connection(server):
    """The server's own account, and asking for it is no connection."""
    with dial(server) as sock:
        echo(sock, b"x")
        account = json.loads(ask().stdout)
    assert account["sources"] == {"127.0.0.1": {"open": 1, "accepted": 1, "refused": 0}}
    assert (account["port"], account["connlimit"], account["mode"]) == (server.port, 15, "threading")
    assert {key["key"] for key in account["sysctls"]} >= {"net.ipv4.tcp_fin_timeout"}
    assert len(said(server, "accepted")) == 1


def test_status_of_no_server_is_a_failure(alone):
    """Nobody there: exit status 1, and said on standard error."""
    done = ask()
    assert (done.returncode, done.stdout) == (1, "")
    assert "the server does not answer: " in json.loads(done.stderr)["error"]


@pytest.mark.parametrize("request_", [None, b"{", b'["no-such-verb"]', b'["close"]'])
def test_a_bad_question_does_not_end_the_server(server, request_):
    """Who asks nonsense, or hangs up before the answer (Ctrl-C in `make status`), harms nobody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.connect(ADDRESS)
        if request_ is not None:
            asker.send(request_)
    assert json.loads(ask().stdout)["port"] == server.port
    assert lives(server)


def test_refusals_are_told_as_they_are_reported(start):
    """Datagrams that a real kernel sent, through a descriptor as PID 1 hands it over: one event each."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours)
        for datagram in NFLOG["ipv4"] + NFLOG["ipv6"]:
            kernels.send(bytes.fromhex(datagram))
        told = [event.fields for event in heard(server, "refused", 4)]
        assert told == [
            {"source": "127.0.0.1", "source_port": 40003}, {"source": "127.0.0.1", "source_port": 40004},
            {"source": "127.0.0.1", "source_port": 40005}, {"source": "::1", "source_port": 40013},
        ]  # fmt: skip
        assert said(server, "events_lost") == []
        assert json.loads(ask().stdout)["sources"]["127.0.0.1"] == {"open": 0, "accepted": 0, "refused": 3}


def test_a_gap_in_the_reports_is_told(start):
    """Two reports got lost between the first and the fourth: `events_lost` has their number."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours)
        for datagram in (NFLOG["ipv4"][0], NFLOG["ipv6"][0]):
            kernels.send(bytes.fromhex(datagram))
        heard(server, "refused", 2)
        assert [event.fields for event in said(server, "events_lost")] == [{"count": 2}]


def test_events_have_the_fields_of_the_event_page(server):
    """Nothing is written that docs/events.md does not explain."""
    with dial(server) as sock:
        echo(sock, b"hello")
    server.process.terminate()
    server.process.wait(timeout=SOON)
    page = (HOME / "docs/events.md").read_text().partition("## Server")[2].partition("## Client")[0]
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `(\w+)` .*$", page, re.MULTILINE)}
    found = events(server.log.read_text())
    assert {event.event for event in found} == {
        "listening", "ready", "accepted", "message", "closed", "stopping", "stopped",
    }  # fmt: skip
    for event in found:
        assert set(event.fields) <= set(re.findall(r"`(\w+)`", rows[event.event])), event
        assert (event.service, bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.ts))) == (
            "server",
            True,
        )


def test_a_taken_port_ends_the_process(server):
    """Two servers on one port: the second does not pretend to listen."""
    argv = [sys.executable, "-m", "server.serve", "-1"]
    environment = MENU | {"PORT": str(server.port)}
    done = subprocess.run(argv, cwd=HOME, env=environment, capture_output=True, text=True, check=False)
    (failed,) = events(done.stdout)
    assert (done.returncode, failed.event) == (1, "listen_failed")
    assert "Address already in use" in failed.fields["error"]
    assert "listening" not in done.stdout
