"""A conversation of the interactive client with the server: what is typed goes out, what comes back is shown."""

from __future__ import annotations

import errno
import os
import select

from client import close, exchange
from client.attempt import errno_name, outcome_of
from client.screen import Screen
from client.sockets import Socket

REPLY_MS = 1000
STALL_MS = 10_000  # after so long without a byte taken, the server will not take the rest either
FAREWELL_MS = 2000


class Ended(Exception):
    """The other side has ended the connection; the text says how."""


def converse(sock: Socket, screen: Screen) -> None:
    """Send each line and show what comes back, until the input ends; then send FIN. Raises Ended."""
    typed, searched = bytearray(), 0
    while True:
        screen.ask()
        while (end := typed.find(b"\n", searched)) < 0:
            searched = len(typed)
            part = _read(sock, screen)
            typed += part
            if not part:
                if typed:
                    _exchange(sock, typed, screen)
                _say_goodbye(sock, screen)
                return
        line, typed, searched = typed[:end], typed[end + 1 :], 0
        screen.asking = False
        if line:  # TCP carries bytes, not messages: there is no empty one to send
            _exchange(sock, line, screen)


def _read(sock: Socket, screen: Screen) -> bytes:
    """Return what was typed, at least a byte, or b"" at the end; what the server says meanwhile is shown."""
    poller = select.poll()
    poller.register(0, select.POLLIN)
    poller.register(sock, select.POLLIN)
    while True:
        ready = [fd for fd, _ in poller.poll()]
        if sock.fileno() in ready:
            data, end = _receive(sock)
            screen.received(data)
            if end:
                raise Ended(end)
            screen.ask()
        elif ready:
            return os.read(0, 65_536)


def _exchange(sock: Socket, line: bytearray, screen: Screen) -> None:
    """Send a line, wait until as many bytes came back or none does any more, show them. Raises Ended."""
    left, back, end = memoryview(line), bytearray(), ""
    poller = select.poll()
    while not end and (left or len(back) < len(line)):
        poller.register(sock, select.POLLIN | (select.POLLOUT if left else 0))
        ready = poller.poll(STALL_MS if left else REPLY_MS)
        if not ready and left:
            end = f"the server has taken no byte for {STALL_MS // 1000} s"
        elif not ready:
            break
        elif ready[0][1] & ~select.POLLOUT:
            data, end = _receive(sock)
            back += data
        else:
            sent, number = exchange.send(sock, left)
            left, end = left[sent:], _how(number)
    screen.received(bytes(back))
    if end:
        raise Ended(end)
    if not back:
        screen.say(f"(nothing came back within {REPLY_MS // 1000} s)")


def _receive(sock: Socket) -> tuple[bytes, str]:
    """Return the bytes that have come, and how the connection ended, if it did."""
    data, eof, number = exchange.drain(sock)
    return data, "the server closed the connection (FIN)" if eof else _how(number)


def _how(number: int | None) -> str:
    if not number or number == errno.EAGAIN:
        return ""
    word = "reset" if outcome_of(number) == "reset" else "broke"
    return f"the server {word} the connection ({errno_name(number)})"


def _say_goodbye(sock: Socket, screen: Screen) -> None:
    """Send FIN, then show everything up to the FIN of the other side."""
    close.half([sock], 0)
    waiting = {sock}
    for _ in exchange.ready(waiting, FAREWELL_MS):
        data, end = _receive(sock)
        screen.received(data)
        if end:
            waiting.clear()
    how = "has not closed yet" if waiting else "closed too"
    screen.say(f"closed the connection; the server {how}")
