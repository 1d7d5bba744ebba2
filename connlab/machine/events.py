"""What a host says: one event a line, as docs/events.md has it. The only writer of that format."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Iterable, Mapping

from connlab.machine import identity

PREVIEW = 128  # bytes of a message that an event shows
_service, _format, _descriptor = "", "json", 1


def configure(service: str, log_format: str, descriptor: int = 1) -> None:
    """Set whose events this process writes (`server`, `client`), how (`json`, `text`) and to which descriptor."""
    global _service, _format, _descriptor  # a process has one log
    _service, _format, _descriptor = service, log_format, descriptor


def emit(event: str, **fields: object) -> None:
    """Write one event. A single write(2): up to PIPE_BUF bytes it is atomic, so lines never mix (pipe(7))."""
    emit_each(event, (fields,))


def emit_each(event: str, each: Iterable[Mapping[str, object]]) -> None:
    """Write an event of this moment for each of these fields: as many lines with a write(2) as are atomic."""
    nanoseconds = time.time_ns()
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9))
    moment, lines = f"{clock}.{nanoseconds // 1000 % 10**6:06}Z", b""
    for fields in each:
        text = f"{line(moment, event, fields)}\n".encode("utf-8", "backslashreplace")
        if lines and len(lines) + len(text) > select.PIPE_BUF:
            os.write(_descriptor, lines)
            lines = b""
        lines += text
    if lines:
        os.write(_descriptor, lines)


def line(moment: str, event: str, fields: Mapping[str, object]) -> str:
    """Return the line of an event, without its end; `moment` is its timestamp."""
    if _format == "text":
        return " ".join([moment, identity.host(), event, *(f"{key}={word(fields[key])}" for key in fields)])
    return json.dumps({"ts": moment, "service": _service, "host": identity.host(), "event": event, **fields})


def escape(data: bytes, limit: int = PREVIEW) -> str:
    r"""Return the first bytes of `data` as harmless text: what is not printable UTF-8 is written as `\x00`.

    A backslash is written as two, so that the four characters `\x1b` and the byte 0x1b do not look the same.
    """
    text = data[:limit].decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:  # most are, and a character at a time is slow
        return text
    return "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def word(value: object) -> str:
    """Return a value in the text format: a string as it is if a reader can take it for nothing else, else JSON."""
    if not isinstance(value, str) or not value.isprintable() or not value or not {*' "='}.isdisjoint(value):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)
