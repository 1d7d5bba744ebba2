"""Every concurrency model of the server as a real process on loopback: what it serves, survives and tells.

clients in this test ── 127.0.0.1 ── python3 -m server.serve (no policy, no container)
"""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lab.wait import until
from server import echo
from tests.ports import free_port

HOME = Path(__file__).parents[2]
WITHIN = 20
GREETING = b"Got a connection from server"
KNOBS = {
    "CONNLIMIT": "15", "FIREWALL": "connlimit", "SYSCTL": "article", "SERVER_MODE": "threading", "BACKLOG": "",
    "REUSE_ADDRESS": "1", "GREETING": "", "LISTEN": "127.0.0.1", "POOL_SIZE": "3", "HANDLER": "echo",
}  # fmt: skip
MODES = sorted(path.stem for path in (HOME / "server/modes").glob("*.py") if path.stem[0] != "_")
ECHOING = [mode for mode in MODES if mode != "greeting"]
WITH_HANDLER = ["forking", "iterative", "pool", "threading"]
BOUND = {"greeting": 1, "iterative": 1, "pool": 3, "forking": 40}  # clients served at once, if not all


class Server:
    """One server process, its log, and its operator's hand."""

    def __init__(self, folder: Path, port: int, descriptors: int = 0, **knobs: str) -> None:
        self.port, self.log_file = port, folder / f"log-{len(list(folder.iterdir()))}"
        self.environment = {
            **KNOBS,
            "PORT": str(port),
            "CONNLAB_STATUS": f"connlab-{os.getpid()}-{port}",
            **knobs,
        }
        argv = [sys.executable, "-S", "-E", "-m", "server.serve", "-1"]
        if descriptors:
            argv = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors), *argv]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                argv, cwd=HOME, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def log(self) -> list[dict]:
        """Everything it said; a line that is not one JSON object fails the test."""
        return [
            json.loads(line)
            for line in self.log_file.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        ]

    def told(self, event: str) -> list[dict]:
        return [line for line in self.log() if line["event"] == event]

    def wait_for(self, event: str, count: int = 1) -> list[dict]:
        """The events of this name, once there are `count`."""
        return until(lambda: (found := self.told(event))[count - 1 :] and found, f"{count} {event}", WITHIN)

    def status(self, *arguments: str) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-S", "-E", "-m", "server.status", *arguments]
        return subprocess.run(
            argv, cwd=HOME, env=self.environment, capture_output=True, text=True, check=False
        )

    def account(self) -> dict:
        """open, accepted and refused of the one source there is here."""
        return json.loads(self.status().stdout)["sources"].get("127.0.0.1", {})

    def is_open(self, count: int) -> None:
        """Wait until the account says that so many connections are open."""
        until(lambda: self.account().get("open", 0) == count, f"{count} are open", WITHIN)

    def processes(self) -> list[int]:
        """Its children: every process of its session, zombies included, but itself."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, _, rest = path.read_text().partition(" (")
                if int(rest.rpartition(")")[2].split()[3]) == self.process.pid:
                    found.append(int(pid))
        return [pid for pid in found if pid != self.process.pid]

    def dial(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), WITHIN, (source, 0))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN)


@pytest.fixture
def start(tmp_path):
    """Start a server in a mode, ready unless told otherwise; nothing of it is left afterwards."""
    started = []

    def launch(mode: str, port: int = 0, ready: bool = True, **options) -> Server:
        server = Server(tmp_path, port or free_port(), SERVER_MODE=mode, **options)
        started.append(server)
        if ready:
            server.wait_for("ready")
        return server

    yield launch
    for server in started:
        server.process.kill()
        server.process.wait()
        for child in server.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def read(sock: socket.socket, count: int) -> bytes:
    """`count` bytes, or fewer if the other side ends before."""
    data = b""
    while len(data) < count and (part := sock.recv(count - len(data))):
        data += part
    return data


def has_said(sock: socket.socket) -> bool:
    """Whether something is there to be read, now."""
    return bool(select.select([sock], [], [], 0)[0])


def is_served(server: Server) -> None:
    """A new client gets what this mode gives."""
    with server.dial() as sock:
        if server.environment["SERVER_MODE"] == "greeting":
            assert read(sock, len(GREETING)) == GREETING
        sock.sendall(b"are you there?")
        if server.environment["SERVER_MODE"] != "greeting":
            assert read(sock, 14) == b"are you there?"
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# What a client gets


@pytest.mark.parametrize("mode", ECHOING)
def test_it_echoes_until_the_client_is_done(start, mode):
    """Bytes come back, the log tells the whole connection, and nobody is left."""
    server = start(mode, GREETING="welcome")
    with server.dial() as sock:
        source_port = sock.getsockname()[1]
        assert read(sock, 8) == b"welcome\n"
        for message in (b"one", b"\x00\xff\x1b[2J", b"three"):
            sock.sendall(message)
            assert read(sock, len(message)) == message
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    server.is_open(0)
    story = [line for line in server.log() if line.get("source_port") == source_port]
    assert [line["event"] for line in story] == ["accepted", "message", "message", "message", "closed"]
    assert story[0]["open"] == 1
    assert (story[-1]["by"], story[-1]["bytes_in"], story[-1]["bytes_out"]) == ("client", 14, 22)


def test_the_greeting_server_greets_receives_once_and_closes(start):
    """The article's first listing: its text, one recv, and the server's own FIN."""
    server = start("greeting")
    with server.dial() as sock:
        assert read(sock, len(GREETING)) == GREETING
        assert not has_said(sock)
        sock.sendall(b"thanks")
        assert sock.recv(1) == b""
    (closed,) = server.wait_for("closed")
    assert (closed["by"], closed["bytes_in"], closed["bytes_out"]) == ("server", 6, len(GREETING))


@pytest.mark.parametrize("mode", BOUND)
def test_so_many_are_served_at_once_and_the_next_when_one_leaves(start, mode):
    """Exactly the mode's number is accepted; two more are connected, can send, and wait (B08)."""
    server, bound = start(mode, BACKLOG="64"), BOUND[mode]
    with contextlib.ExitStack() as stack:
        first = [stack.enter_context(server.dial()) for _ in range(bound)]
        server.is_open(bound)
        waiting = [stack.enter_context(server.dial()) for _ in range(2)]
        for sock in waiting:
            sock.sendall(b"me too")
        for sock in first if mode != "greeting" else ():
            sock.sendall(b"x")
            assert read(sock, 1) == b"x"
        assert (server.account()["open"], server.account()["accepted"]) == (bound, bound)
        assert not any(has_said(sock) for sock in waiting)

        first[0].close()
        answer = GREETING if mode == "greeting" else b"me too"
        assert read(waiting[0], len(answer)) == answer
        if mode != "greeting":  # which has already taken the second one too
            server.is_open(bound)
            assert not has_said(waiting[1])


@pytest.mark.parametrize("mode", ["selectors", "threading"])
def test_all_are_served_at_once(start, mode):
    """No bound but the machine's: a hundred clients, all talking, and the account knows them."""
    server = start(mode)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(server.dial()) for _ in range(100)]
        for sock in socks:
            sock.sendall(b"x")
        assert [read(sock, 1) for sock in socks] == [b"x"] * 100
        assert server.account() == {"open": 100, "accepted": 100, "refused": 0}
    server.is_open(0)


def test_a_pool_of_one_is_iterative(start):
    """POOL_SIZE is the number of clients served at once."""
    server = start("pool", POOL_SIZE="1")
    with server.dial() as one, server.dial() as two:
        two.sendall(b"2")
        one.sendall(b"1")
        assert read(one, 1) == b"1"
        assert not has_said(two)
        one.close()
        assert read(two, 1) == b"2"


@pytest.mark.parametrize("mode", WITH_HANDLER)
def test_the_articles_loop_never_ends_but_for_our_bound(start, mode):
    """After a clean close recv returns b"" for ever: told once, with the count, and the server goes on."""
    server = start(mode, HANDLER="article", BACKLOG="16")
    with server.dial() as sock:
        sock.sendall(b"hello")
        assert read(sock, 5) == b"hello"
    (endless,) = server.wait_for("endless")
    assert endless["empty_reads"] == echo.ENDLESS
    assert endless["seconds"] > 0
    assert server.wait_for("closed")[0]["by"] == "client"
    with server.dial() as sock:
        sock.sendall(b"still here?")
        assert read(sock, 11) == b"still here?"
        reset(sock)
    assert server.wait_for("closed", 2)[1]["by"] == "reset"
    assert len(server.told("endless")) == 1, "a client that resets ends the loop by exception"


# What it survives


@pytest.mark.parametrize("mode", MODES)
def test_hostile_clients_do_not_matter(start, mode):
    """Garbage, a reset in mid-message, 10 MB at once, and one that never reads: others are served after each."""
    server = start(mode)
    with server.dial() as sock:
        sock.sendall(bytes(range(256)) * 4)
        reset(sock)
    is_served(server)
    with server.dial() as sock:
        sock.sendall(b"half of a mess")
        reset(sock)
    is_served(server)
    with server.dial() as sock:
        size = 10 << 20
        sent = _pour(sock, size)
        assert sent == size or mode == "greeting"
    is_served(server)
    with server.dial() as sock:
        sent = _fill(sock)
        if BOUND.get(mode) != 1:
            is_served(server)
        if mode != "greeting":
            sock.settimeout(WITHIN)
            sock.shutdown(socket.SHUT_WR)
            assert len(read(sock, sent + 1)) == sent, "and it was only slow"
    is_served(server)
    server.is_open(0)
    assert server.process.poll() is None


def _pour(sock: socket.socket, size: int) -> int:
    """Send `size` bytes and read the echoes meanwhile; returns how many came back."""
    sock.setblocking(False)
    chunk, back, left = b"x" * 65536, 0, size

    def turn() -> bool:
        nonlocal back, left
        with contextlib.suppress(BlockingIOError):
            if left:
                left -= sock.send(chunk[: min(left, len(chunk))])
        with contextlib.suppress(BlockingIOError):
            data = sock.recv(1 << 20)
            back += len(data)
            return not data or back == size
        return False

    with contextlib.suppress(ConnectionError):
        until(turn, "all of it came back", 60, every=0)
    return back


def _fill(sock: socket.socket) -> int:
    """Send without reading until nobody takes any more; returns how many bytes that took.

    It ends because every buffer on the way has an end; nothing taken for a tenth of a second is the end.
    """
    sock.setblocking(False)
    sent = 0
    with contextlib.suppress(ConnectionError):
        while select.select([], [sock], [], 0.1)[1]:
            sent += sock.send(b"y" * 65536)
    return sent


@pytest.mark.parametrize("mode", MODES)
def test_a_thousand_that_say_nothing_do_not_matter(start, mode):
    """1,000 connects without a byte: those without a bound serve another meanwhile, all do afterwards.

    With room for all of them to wait: dropped SYNs are another story (B03).
    """
    server = start(mode, BACKLOG="1024")
    with contextlib.ExitStack() as stack:
        silent = []
        for _ in range(1000):
            silent.append(stack.enter_context(socket.socket()))
            silent[-1].setblocking(False)
            silent[-1].connect_ex(("127.0.0.1", server.port))
        if mode in BOUND:
            server.is_open(BOUND[mode])
        else:
            is_served(server)
            server.is_open(1000)
    is_served(server)
    server.is_open(0)


@pytest.mark.parametrize("mode", ["forking", "pool", "selectors", "threading"])
def test_out_of_descriptors_it_waits_and_goes_on(start, mode):
    """EMFILE: told with a pause, the operator's question does not kill it, and service resumes (P05)."""
    server = start(mode, descriptors=24, POOL_SIZE="40", BACKLOG="64")
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(server.dial())
        failed = server.wait_for("accept_failed", 2)
        assert failed[0]["error"] == "EMFILE"
        assert failed[0]["seconds"] > 0
        assert "Too many open files" in server.status().stderr
    is_served(server)
    server.is_open(0)


def test_a_killed_child_is_missed(start):
    """The parent tells the end of a connection whose process could not, and its client gets a FIN."""
    server = start("forking")
    with server.dial() as sock:
        server.is_open(1)
        (child,) = server.processes()
        os.kill(child, signal.SIGTERM)
        assert sock.recv(1) == b""
    (closed,) = server.wait_for("closed")
    assert closed["by"] == "error"
    server.is_open(0)
    until(lambda: not server.processes(), "the child is reaped", WITHIN)


# What it tells, and how it ends


@pytest.mark.parametrize("mode", MODES)
def test_the_operator_can_close_one_connection(start, mode):
    """By source and port, with FIN; `closed` says that the server did it. Nonsense is answered, no more."""
    server = start(mode)
    with server.dial() as sock:
        server.is_open(1)
        read(sock, len(GREETING)) if mode == "greeting" else None
        closed = server.status("close", "127.0.0.1", str(sock.getsockname()[1]))
        assert (closed.returncode, closed.stdout.strip()) == (0, "1")
        assert sock.recv(1) == b""
    assert server.wait_for("closed")[0]["by"] == "server"
    server.is_open(0)
    for nonsense in (["close", "127.0.0.1", "http"], ["open"], ["close"]):
        asked = server.status(*nonsense)
        assert (asked.returncode, asked.stdout) == (1, "")
    is_served(server)


@pytest.mark.parametrize("mode", ["forking", "selectors", "threading"])
def test_the_operator_can_close_all_of_a_source(start, mode):
    """Without a port: each connection of that source, none of another; the answer is how many."""
    server = start(mode)
    with (
        server.dial("127.0.0.2") as other,
        server.dial("127.0.0.2") as chosen,
        server.dial() as one,
        server.dial() as two,
    ):
        server.wait_for("accepted", 4)
        assert server.status("close", "127.0.0.3").stdout.strip() == "0"
        assert server.status("close", "127.0.0.2", str(chosen.getsockname()[1])).stdout.strip() == "1"
        assert server.status("close", "127.0.0.1").stdout.strip() == "2"
        assert (chosen.recv(1), one.recv(1), two.recv(1)) == (b"", b"", b"")
        other.sendall(b"still here")
        assert read(other, 10) == b"still here"
    assert sorted((line["source"], line["by"]) for line in server.wait_for("closed", 4)) == [
        ("127.0.0.1", "server"), ("127.0.0.1", "server"), ("127.0.0.2", "client"), ("127.0.0.2", "server"),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_it_stops_properly(start, mode):
    """SIGTERM with clients connected, one of which never reads: FIN for all, exit 0, no child left."""
    server = start(mode)
    count = min(BOUND.get(mode, 5), 5)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(server.dial()) for _ in range(count)]
        server.is_open(count)
        stuck, *others = socks
        if mode != "greeting":
            _fill(stuck)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(WITHIN) == 0
        assert [sock.recv(1) for sock in others] == [b""] * len(others)
    closed = server.told("closed")
    assert Counter(line["by"] for line in closed) == {"server": count}
    assert [(last["event"], last["clean"]) for last in server.log()[-1:]] == [("stopped", True)]
    assert server.told("stopping")[0]["open"] == count
    until(lambda: not server.processes(), "no orphan", 1)


@pytest.mark.parametrize("mode", BOUND)
def test_it_stops_when_it_is_full(start, mode):
    """At its bound, where the loop is in a handler or in waitpid(2), and with more waiting: the same."""
    server = start(mode, BACKLOG="64")
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(server.dial()) for _ in range(BOUND[mode])]
        server.is_open(BOUND[mode])
        waiting = [stack.enter_context(server.dial()) for _ in range(3)]
        assert server.stop() == 0
        if mode in ("greeting", "pool"):  # the others accept once more before they see that they shall stop
            for sock in waiting:
                with pytest.raises(ConnectionResetError):  # B09
                    sock.recv(1)
        assert [read(sock, 100).removeprefix(GREETING) for sock in socks] == [b""] * len(socks)
    closed = server.told("closed")
    assert Counter(line["by"] for line in closed) == {"server": len(closed)}
    assert len(closed) == len(server.told("accepted")) >= BOUND[mode]
    assert [(last["event"], last["clean"]) for last in server.log()[-1:]] == [("stopped", True)]
    until(lambda: not server.processes(), "no orphan", 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reuse", ["1", "0"])
def test_reuse_address_decides_about_the_next_start(start, mode, reuse):
    """The server closed first, so its port is in TIME_WAIT: with SO_REUSEADDR it can be had again (R01)."""
    server = start(mode, REUSE_ADDRESS=reuse)
    with server.dial() as sock:
        server.is_open(1)
        assert server.stop() == 0
        read(sock, 100)
    again = start(mode, port=server.port, ready=False, REUSE_ADDRESS=reuse)
    if reuse == "1":
        again.wait_for("ready")
        is_served(again)
    else:
        assert again.process.wait(WITHIN) == 1
        assert "Address already in use" in again.told("listen_failed")[0]["error"]


@pytest.mark.parametrize("mode", MODES)
def test_the_backlog_is_the_articles_unless_asked_for(start, mode):
    """5, but 1024 where nobody should have to wait; BACKLOG overrides it."""
    own = 1024 if mode in ("threading", "selectors") else 5
    assert start(mode).told("listening")[0]["backlog"] == own
    assert start(mode, BACKLOG="7").told("listening")[0]["backlog"] == 7


def test_it_listens_where_it_was_told(start):
    """A name is resolved; an address that is not ours is said, with exit status 1."""
    assert start("threading", LISTEN="localhost").told("listening")[0]["address"] == "127.0.0.1"
    assert start("threading", LISTEN="").told("listening")[0]["address"] == "0.0.0.0"
    foreign = start("pool", LISTEN="192.0.2.1", ready=False)
    assert foreign.process.wait(WITHIN) == 1
    assert foreign.told("listen_failed")[0]["address"] == "192.0.2.1"
