"""Carry out the lab's requests on this host: JSON lines in, JSON lines out, on the stream of a `docker exec`.

The contract is docs/agent.md. Whatever ends the stream ends the agent, and with it all that it holds: at once
with `--stop-at-close`, else what was asked before has a moment to finish.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator

from client import descriptors, host_lock, host_log, messages, protocol, verbs
from client.attempt import Attempt
from client.commands.held import Held
from client.json_object import JsonObject
from connlab.machine import events, identity
from connlab.machine.knobs import read as read_knobs

STOP = (signal.SIGTERM, signal.SIGINT)
_GRACE_S = 10
_AGAIN_S = 0.1
_busy = threading.Event()  # a request is being carried out


def serve(held: Held, knobs: JsonObject) -> None:
    """Answer requests until the stream ends or `quit` comes."""
    for line in _lines():
        _busy.set()
        ended = _answer(line, held, knobs)
        _busy.clear()
        if ended:
            return


def _answer(line: bytes, held: Held, knobs: JsonObject) -> bool:
    """Answer the request of a line, its partial answers on the way; returns whether it ends the agent."""
    number: object = None

    def tell(attempt: Attempt) -> None:
        _write(messages.part(number, attempt))

    try:
        asked = messages.parse(line)
        number = messages.read_id(asked)
        request = messages.read_request(asked, knobs)
        answer = verbs.carry_out(held, request, tell)
    except (messages.BadRequest, OSError) as error:
        _write(messages.failure(number, error))
        return False
    for message in messages.answer_lines(number, request, answer):
        _write(message)
    return isinstance(request, protocol.Quit)


def _lines() -> Iterator[bytes]:
    """Yield the lines of standard input; one that is too long comes as b"" and is skipped to its end."""
    while line := sys.stdin.buffer.readline(messages.LONGEST_LINE + 1):
        fits = line.endswith(b"\n") or len(line) <= messages.LONGEST_LINE
        yield line if fits else b""
        while line and not fits and not line.endswith(b"\n"):
            line = sys.stdin.buffer.readline(messages.LONGEST_LINE + 1)


def _write(message: JsonObject) -> None:
    """Write a line, all of it: write(2) may take only a part."""
    data = memoryview(f"{json.dumps(message)}\n".encode())
    while data:
        data = data[os.write(1, data) :]


def _end_with_stream(main_thread: int, grace_s: float) -> None:
    """Stop a request that still goes on so many seconds after the other side has closed the stream.

    Run in a thread. Without a request the main thread finds the end of the stream by itself.
    """
    hangup = select.poll()
    hangup.register(0, select.POLLRDHUP)
    hangup.poll()
    time.sleep(grace_s)
    _busy.wait()
    os.write(2, f"connlab agent: cut short, the stream was closed {grace_s:g} s ago\n".encode())
    # A signal that comes just before the main thread goes to sleep in epoll_wait(2) does not wake it.
    while True:
        signal.pthread_kill(main_thread, signal.SIGTERM)
        time.sleep(_AGAIN_S)


def _stop(_number: int, _frame: object) -> None:
    for each in STOP:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(0)


def main(arguments: list[str]) -> None:
    for number in STOP:
        signal.signal(number, _stop)
    try:
        knobs = read_knobs("client")
    except ValueError as error:
        raise SystemExit(f"connlab agent: {error}") from None
    events.configure("client", knobs["log_format"], host_log.open_host_log())
    descriptors.raise_limit()
    grace_s = 0 if "--stop-at-close" in arguments else _GRACE_S
    main_thread = threading.get_ident()
    threading.Thread(target=_end_with_stream, args=(main_thread, grace_s), daemon=True).start()
    held: Held = {}
    with host_lock.of_agent():
        events.emit("agent", state="opened")
        try:
            _write(messages.hello(identity.host(), identity.address(), time.monotonic_ns()))
            serve(held, knobs)
        except BrokenPipeError:
            pass
        finally:
            for sock in held.values():
                sock.close()
            if held:
                events.emit("released", count=len(held), how="exit")
            events.emit("agent", state="closed")


if __name__ == "__main__":
    main(sys.argv[1:])
