"""Dials and what connections say, over loopback of this machine: no namespace is needed to tell letters."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from connlab.base.wait import until
from namespaces.dial import Dial
from namespaces.dialling import burst
from namespaces.route import Route
from namespaces.talk import Talker, letters, wait
from tests.support.ports import free_port


class Soft(socket.socket):
    """A socket that has a soft error once it was asked `after` times; the kernel tells one by SO_ERROR alone."""

    error, after = 0, 0

    def getsockopt(self, level: int, option: int, *more: int) -> Any:
        """Give an option, or the soft error."""
        if self.error and option == socket.SO_ERROR and level == socket.SOL_SOCKET:
            self.after -= 1
            if self.after < 0:
                return self.error
        return super().getsockopt(level, option, *more)


class Here:
    """A namespace that is this process's own; `errors` that come in while a dial waits, and a `soft` one."""

    def __init__(self, errors: int = 0, soft: int = 0, after: int = 0) -> None:
        self.counts = iter([0, errors])
        self.soft = soft, after

    def socket(self, family: int, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """Make a socket that does not block."""
        sock = Soft(family, kind, protocol)
        sock.error, sock.after = self.soft
        sock.setblocking(False)
        return sock

    def unreachables(self, family: int) -> int:
        """Count ICMP errors."""
        return next(self.counts)


def listening(backlog: int = 8) -> socket.socket:
    """Return a listener on loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=backlog)


Dialled = Callable[..., Dial]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Make a loop that runs when a test lets it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def dialled(loop: asyncio.AbstractEventLoop) -> Iterator[Dialled]:
    """Dial a port of loopback, and wait until that is decided."""
    made: list[Dial] = []

    async def dial(port: int, errors: int, *soft: int) -> Dial:
        made.append(Dial(Here(errors, *soft), Route("127.0.0.1", "127.0.0.1", port)))  # type: ignore[arg-type]
        made[-1].start()
        await made[-1].decided
        return made[-1]

    yield lambda port, errors=0, *soft: loop.run_until_complete(dial(port, errors, *soft))
    for each in made:
        each.abort()


def turns(loop: asyncio.AbstractEventLoop, condition: Callable[[], bool], what: str) -> None:
    """Let the loop turn until something is so."""

    def turned() -> bool:
        loop.call_soon(loop.stop)
        loop.run_forever()
        return condition()

    until(turned, what, within=10)


def test_a_dial_that_is_answered_is_established(dialled):
    """The kernel answers, whoever accepts."""
    with listening() as server:
        dial = dialled(server.getsockname()[1])
        assert (dial.letter, dial.late, dial.four[2:]) == ("E", "", server.getsockname())


@pytest.mark.parametrize(("errors", "refusal"), [(0, "rst"), (1, "icmp")])
def test_a_refusal_is_a_reset_unless_an_icmp_error_came(dialled, errors, refusal):
    """ECONNREFUSED is what both give."""
    dial = dialled(free_port(), errors)
    assert (dial.letter, dial.refusal) == ("R", refusal)


def test_a_connection_that_ends_at_once_is_no_established_one(loop, dialled):
    """D: within the window."""
    with listening() as server:
        dial = dialled(server.getsockname()[1])
        server.accept()[0].close()
        turns(loop, lambda: dial.letter == "D", "the connection has ended")


def test_a_dial_to_a_full_queue_gets_nothing(loop, dialled):
    """T at the end of the window; what a repeated SYN gets is told apart."""
    with listening(0) as server, socket.create_connection(server.getsockname()):
        dial = dialled(server.getsockname()[1])
        assert (dial.letter, dial.late) == ("T", "")
        server.accept()[0].close()
        turns(loop, lambda: dial.late == "E", "the SYN was repeated")
        assert dial.letter == "T"


@pytest.mark.parametrize("error", [errno.ECONNREFUSED, errno.EACCES, errno.EHOSTUNREACH])
@pytest.mark.parametrize("after", [0, 1], ids=["while connect(2) runs", "later"])
def test_an_icmp_error_that_wakes_nobody_is_a_refusal(dialled, error, after):
    """Over veth it comes back before connect(2) ends, and is a soft one: no silence, and no SYN is repeated."""
    with listening(0) as server, socket.create_connection(server.getsockname()):
        dial = dialled(server.getsockname()[1], 1, error, after)
        assert (dial.letter, dial.refusal, dial.late, dial.sock.fileno()) == ("R", "icmp", "", -1)


@pytest.mark.parametrize(("answer", "letter"), [(b"x", "e"), (b"", "r"), (None, "t")])
def test_what_a_connection_says_comes_back_or_not(answer, letter):
    """The byte, the end of the connection, or nothing."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    async def said() -> str:
        talker = Talker(type("Dial", (), {"sock": ours})(), 1)  # type: ignore[arg-type]
        talker.send()
        assert theirs.recv(1) == b"x"
        if answer == b"":
            theirs.close()
        elif answer:
            theirs.send(answer)
        await wait([talker], 0.05)
        return letters([talker])

    with ours, theirs:
        assert asyncio.run(said()) == letter


def test_a_burst_took_from_its_first_dial_to_its_last(loop):
    """In ms, by when each SYN was sent; not until all are decided."""
    decided, starts = loop.create_future(), iter((5.0, 5.0041, 5.0123))
    decided.set_result("E")

    def dial(*_: object, **__: object) -> Any:
        made = SimpleNamespace(decided=decided, letter="E", watch=lambda: None)
        made.send = lambda: setattr(made, "started", next(starts))
        scene.dials.append(made)
        return made

    scene = SimpleNamespace(dials=[], dial=dial)
    step = {"routes": [["198.51.100.1", "198.51.100.10", 443]], "count": 3}
    assert loop.run_until_complete(burst(scene, step)) == {"dials": [0, 3], "took_ms": 12.3}  # type: ignore[arg-type]
