"""The article's interactive client: type a line, send it, see what comes back.

`docker exec -i CLIENT python3 -S -E -m client.talk`: a line is sent as it was typed, without its
newline; what comes back is escaped and goes to standard output, everything else to standard error. With
`--prompt`, or on a terminal, it asks for each line, and all goes to standard output, in one order.

Exit status: 0 after the end of input, 1 if the server refuses or goes away, 2 for a bad setting, 130 after
Ctrl-C.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import sys

from client import close, connector, exchange, host_lock, host_log, report
from client.screen import Screen, refusal
from connlab.machine import events
from connlab.machine.knobs import read as read_knobs

DIAL_MS = 2000
REPLY_MS = 1000
STALL_MS = 10_000  # after so long without a byte taken, the server will not take the rest either
FAREWELL_MS = 2000


class Ended(Exception):
    """The other side has ended the connection; the text says how."""


def converse(sock: socket.socket, screen: Screen) -> None:
    """Until the input ends; then send FIN and show what still comes. Raises Ended."""
    typed = b""
    while True:
        screen.ask()
        while b"\n" not in typed:
            part = _read(sock, screen)
            typed += part
            if not part:
                if typed:
                    _exchange(sock, typed, screen)
                _say_goodbye(sock, screen)
                return
        line, _, typed = typed.partition(b"\n")
        screen.asking = False
        if line:  # TCP carries bytes, not messages: there is no empty one to send
            _exchange(sock, line, screen)


def _read(sock: socket.socket, screen: Screen) -> bytes:
    """What was typed, at least a byte, or b"" at the end; what the server says meanwhile is shown."""
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


def _exchange(sock: socket.socket, line: bytes, screen: Screen) -> None:
    """Send a line, wait until as many bytes came back or none does any more, show them. Raises Ended."""
    left, back, end = memoryview(line), b"", ""
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
    screen.received(back)
    if end:
        raise Ended(end)
    if not back:
        screen.say(f"(nothing came back within {REPLY_MS // 1000} s)")


def _receive(sock: socket.socket) -> tuple[bytes, str]:
    """Bytes that have come, and how the connection ended, if it did."""
    data, eof, number = exchange.drain(sock)
    return data, "the server closed the connection (FIN)" if eof else _how(number)


def _how(number: int | None) -> str:
    if not number or number == errno.EAGAIN:
        return ""
    word = "reset" if connector.outcome_of(number) == "reset" else "broke"
    return f"the server {word} the connection ({connector.errno_name(number)})"


def _say_goodbye(sock: socket.socket, screen: Screen) -> None:
    """FIN from this side, then everything up to the FIN of the other."""
    close.half([sock], 0)
    waiting = {sock}
    for _ in exchange.ready(waiting, FAREWELL_MS):
        data, end = _receive(sock)
        screen.received(data)
        if end:
            waiting.clear()
    how = "has not closed yet" if waiting else "closed too"
    screen.say(f"closed the connection; the server {how}")


def main(arguments: list[str]) -> int:
    screen = Screen("--prompt" in arguments or os.isatty(0))
    try:
        knobs = read_knobs("client")
    except ValueError as error:
        screen.say(f"connlab talk: {error}")
        return 2
    events.configure("client", knobs["log_format"], host_log.open_host_log())
    try:
        with host_lock.of_agent():
            return _session(knobs["connlab_server"], knobs["port"], screen)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # nobody reads any more
        return 0


def _session(server: str, port: int, screen: Screen) -> int:
    for attempt, sock in connector.dial(server, port, timeout_ms=DIAL_MS):
        report.attempt(attempt)
        if not sock:
            screen.say(refusal(attempt, DIAL_MS))
            return 1
        own = f"{attempt['source']}:{attempt['source_port']}"
        screen.say(f"connected to {server} ({attempt['target']}) port {port} from {own}; Ctrl-D ends")
        events.emit("held", count=1)
        how = "exit"
        try:
            converse(sock, screen)
            how = "fin"
        except Ended as ended:
            screen.say(str(ended))
            return 1
        finally:
            sock.close()
            events.emit("released", count=1, how=how)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
