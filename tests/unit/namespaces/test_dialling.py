"""Dials and what connections say, over loopback of this machine: no namespace is needed to tell letters."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from namespaces.dial import Dial, Route
from namespaces.talk import Talker, letters, wait
from tests.support.ports import free_port


class Here:
    """A namespace that is this process's own; `errors` that come in while a dial waits."""

    def __init__(self, errors: int = 0) -> None:
        self.counts = iter([0, errors])

    def socket(self, family: int, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """Make a socket that does not block."""
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        return sock

    def unreachables(self) -> int:
        """Count ICMP errors."""
        return next(self.counts)


def listening(backlog: int = 8) -> socket.socket:
    """Return a listener on loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=backlog)


def dialled(port: int, then: Callable[[Dial], Awaitable[None]] | None = None, errors: int = 0) -> Dial:
    """Return a dial that was decided, and what came then."""

    async def run() -> Dial:
        dial = Dial(Here(errors), Route("127.0.0.1", "127.0.0.1", port))  # type: ignore[arg-type]
        dial.start()
        await dial.decided
        if then:
            await then(dial)
        dial.abort()
        return dial

    return asyncio.run(run())


def test_a_dial_that_is_answered_is_established():
    """The kernel answers, whoever accepts."""
    with listening() as server:
        dial = dialled(server.getsockname()[1])
    assert (dial.letter, dial.late, dial.four[2:]) == ("E", "", ("127.0.0.1", dial.route.port))


@pytest.mark.parametrize(("errors", "refusal"), [(0, "rst"), (1, "icmp")])
def test_a_refusal_is_a_reset_unless_an_icmp_error_came(errors, refusal):
    """ECONNREFUSED is what both give."""
    dial = dialled(free_port(), errors=errors)
    assert (dial.letter, dial.refusal) == ("R", refusal)


def test_a_connection_that_ends_at_once_is_no_established_one():
    """D: within the window."""
    with listening() as server:

        async def end(dial: Dial) -> None:
            connection, _ = server.accept()
            connection.close()
            while dial.letter == "E":
                await asyncio.sleep(0)

        assert dialled(server.getsockname()[1], end).letter == "D"


def test_a_dial_to_a_full_queue_gets_nothing():
    """T at the end of the window; what a repeated SYN gets is told apart."""
    with listening(0) as server, socket.create_connection(server.getsockname()):

        async def accept(dial: Dial) -> None:
            assert (dial.letter, dial.late) == ("T", "")
            server.accept()[0].close()
            while not dial.late:
                await asyncio.sleep(0.01)

        dial = dialled(server.getsockname()[1], accept)
    assert (dial.letter, dial.late) == ("T", "E")


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
