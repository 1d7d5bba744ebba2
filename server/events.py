"""What this host says: one event a line on standard output, as docs/events.md has it."""

from __future__ import annotations

import functools
import json
import os
import re
import socket
from datetime import UTC, datetime

PREVIEW = 128  # bytes of a message that an event shows


def emit(event: str, **fields: object) -> None:
    """Write one event. A single write(2) below PIPE_BUF, so lines of many threads never mix (pipe(7))."""
    ts = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    record = {"ts": ts, "service": "server", "host": host(), "event": event, **fields}
    line = _text(record) if os.environ.get("LOG_FORMAT") == "text" else json.dumps(record)
    os.write(1, line.encode("ascii", "backslashreplace") + b"\n")


def escaped(data: bytes) -> str:
    """The first bytes of `data` as harmless text: no control character and no broken UTF-8 is left."""
    text = data[:PREVIEW].decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@functools.cache
def host() -> str:
    """`server-1`: what Compose calls this container, asked of Docker's DNS; else the hostname."""
    name = socket.gethostname()
    try:
        container = socket.gethostbyaddr(socket.gethostbyname(name))[0].split(".")[0]
    except OSError:
        return name
    service = re.search(r"([a-z]+)[-_](\d+)$", container)
    return f"{service[1]}-{service[2]}" if service else name


def _text(record: dict[str, object]) -> str:
    head = f"{record.pop('ts')} {record.pop('host')} {record.pop('event')}"
    del record["service"]
    return " ".join([head, *(f"{key}={_plain(value)}" for key, value in record.items())])


def _plain(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[^\s\"=]+", value) else json.dumps(value)
