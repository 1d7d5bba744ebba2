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
from functools import partial

from client import connector, host_lock, host_log
from client.commands.held import Held
from client.json_object import JsonObject
from client.request import BadRequest, read
from client.verbs import Verbs, verbs
from connlab.machine import events, identity
from connlab.machine.knobs import read as read_knobs

LONGEST_LINE = 2**20
LONGEST_ID = 2**53  # whole numbers up to here are the same in every reader of JSON (RFC 8259 6)
STOP = (signal.SIGTERM, signal.SIGINT)
_GRACE_S = 10
_busy = threading.Event()  # a request is being carried out


def serve(held: Held, port: int) -> None:
    """Answer requests until the stream ends or `quit` comes."""
    known = verbs(port)
    for line in _lines():
        request = _parse(line)
        _busy.set()
        reply = _reply(request, held, known)
        _answer(reply)
        _busy.clear()
        if reply["ok"] and isinstance(request, dict) and request["verb"] == "quit":
            return


def _reply(request: object, held: Held, known: Verbs) -> JsonObject:
    """The answer to a request; its partial answers, if it asks for them, are written on the way."""
    number = None
    try:
        if not isinstance(request, dict):
            raise BadRequest(f"expected a line with one JSON object of up to {LONGEST_LINE} bytes")
        number = _id(request)
        verb = request.get("verb")
        if not isinstance(verb, str) or verb not in known:
            raise BadRequest(f"verb: expected one of {', '.join(known)}, got {verb!r:.80}")
        function, fields = known[verb]
        asked = read(verb, request, fields)
        if "partial" in asked:
            asked["partial"] = partial(_tell_part, number) if asked["partial"] else None
        return {"id": number, "ok": True, **function(held, asked)}
    except (BadRequest, OSError) as error:
        return {"id": number, "ok": False, "error": str(error)}


def _id(request: JsonObject) -> object:
    """The number or name of a request, which its answers carry. Raises BadRequest for what is neither."""
    number = request.get("id")
    small = type(number) is int and abs(number) <= LONGEST_ID
    if not (small or number is None or type(number) is str):
        raise BadRequest(f"id: expected a string, a whole number up to {LONGEST_ID} or null")
    return number


def _tell_part(number: object, attempt: JsonObject) -> None:
    _answer({"id": number, "ok": True, "partial": True, "attempt": attempt})


def _parse(line: bytes) -> object:
    """The JSON value of a line; None if it is no JSON (NaN and Infinity are none), or nested too deep."""
    try:
        return json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _lines() -> Iterator[bytes]:
    """The lines of standard input; one that is too long comes as b"" and is skipped to its end."""
    while line := sys.stdin.buffer.readline(LONGEST_LINE + 1):
        fits = line.endswith(b"\n") or len(line) <= LONGEST_LINE
        yield line if fits else b""
        while line and not fits and not line.endswith(b"\n"):
            line = sys.stdin.buffer.readline(LONGEST_LINE + 1)


def _answer(answer: JsonObject) -> None:
    """Write a line, all of it: write(2) may take only a part."""
    data = memoryview(json.dumps(answer).encode() + b"\n")
    while data:
        data = data[os.write(1, data) :]


def _end_with_stream(main_thread: int, grace_s: float) -> None:
    """In a thread: once the other side has closed the stream, allow what it asked so many seconds, then
    stop a request that would go on. Without one the main thread finds the end of the stream by itself."""
    hangup = select.poll()
    hangup.register(0, select.POLLRDHUP)
    hangup.poll()
    time.sleep(grace_s)
    _busy.wait()
    os.write(2, f"connlab agent: cut short, the stream was closed {grace_s:g} s ago\n".encode())
    signal.pthread_kill(main_thread, signal.SIGTERM)


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
    connector.raise_descriptor_limit()
    grace_s = 0 if "--stop-at-close" in arguments else _GRACE_S
    main_thread = threading.get_ident()
    threading.Thread(target=_end_with_stream, args=(main_thread, grace_s), daemon=True).start()
    held: Held = {}
    with host_lock.of_agent():
        events.emit("agent", state="opened")
        try:
            who = {"host": identity.host(), "address": identity.address()}
            _answer({"agent": "connlab", "schema": 1, **who, "monotonic_ns": time.monotonic_ns()})
            serve(held, knobs["port"])
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
