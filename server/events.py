"""What this host says: one event a line on standard output, as docs/events.md has it."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime

from server import names

PREVIEW = 128  # bytes of a message that an event shows


def emit(event: str, **fields: object) -> None:
    """Write one event. A single write(2) below PIPE_BUF, so lines of many threads never mix (pipe(7))."""
    ts = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    record = {"ts": ts, "service": "server", "host": names.host(), "event": event, **fields}
    line = _text(record) if os.environ.get("LOG_FORMAT") == "text" else json.dumps(record)
    os.write(1, line.encode("utf-8", "backslashreplace") + b"\n")


def escaped(data: bytes) -> str:
    """The first bytes of `data` as harmless text: what is not printable UTF-8 is written as `\\x00`.

    A backslash is written as two, so that the four characters `\\x1b` and the byte 0x1b do not look the same.
    """
    return "".join(map(_escaped, data[:PREVIEW].decode("utf-8", "surrogateescape")))


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _text(record: dict[str, object]) -> str:
    head = f"{record.pop('ts')} {record.pop('host')} {record.pop('event')}"
    del record["service"]
    return " ".join([head, *(f"{key}={_plain(value)}" for key, value in record.items())])


def _plain(value: object) -> str:
    """A string as it is if nothing else could be meant by it: no blank, no quote, no number."""
    if not isinstance(value, str) or not value.isprintable() or not re.fullmatch(r"[^\s\"=]+", value):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)
