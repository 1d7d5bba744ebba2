"""What a client host says: one event a line on its log (docs/events.md)."""

from __future__ import annotations

import os
import time

from client import names

_log = {"fd": 1, "format": "json"}


def configure(log_format: str, fd: int = 1) -> None:
    """Say how (`json` or `text`) and where (a descriptor) the events of this process are written."""
    _log.update(fd=fd, format=log_format)


def host_log() -> int:
    """Descriptor of the host's log: standard output of PID 1 if that is a client, else our own stderr."""
    try:
        with open("/proc/1/cmdline", "rb") as file:
            if b"\0-m\0client\0" not in file.read():  # an idle one is a shell, and says so too
                return 2
        return os.open("/proc/1/fd/1", os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return 2


def emit(event: str, **fields: object) -> None:
    """Write one event. One write(2) a line: up to PIPE_BUF bytes it is atomic (pipe(7)), so that
    the lines of PID 1 and of the agents never mix."""
    nanoseconds = time.time_ns()
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9))
    line = written(f"{clock}.{nanoseconds // 1000 % 10**6:06}Z", event, fields)
    os.write(_log["fd"], f"{line}\n".encode())


def written(stamp: str, event: str, fields: dict[str, object]) -> str:
    """An event of the moment `stamp`, as a line without its end."""
    if _log["format"] == "text":
        words = "".join(f" {key}={_text(value)}" for key, value in fields.items())
        return f"{stamp} {names.host()} {event}{words}"
    fields = {"ts": stamp, "service": "client", "host": names.host(), "event": event, **fields}
    return as_json(fields)


def as_json(fields: dict[str, object]) -> str:
    """These fields as a JSON object."""
    return "{" + ", ".join(f'"{key}": {_json(value)}' for key, value in fields.items()) + "}"


def escape(data: bytes, limit: int = 128) -> str:
    """Bytes from the wire as text that is safe to print: at most `limit` of them, UTF-8 where they are
    that and printable (str.isprintable), every other byte as `\\x00`, and a backslash as two, so that no two
    messages look the same."""
    return "".join(map(_escaped, data[:limit].decode("utf-8", "surrogateescape")))


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _json(value: object) -> str:
    if value is None:
        return "null"
    if type(value) is int:
        return str(value)
    if type(value) is str and _plain(value):
        return f'"{value}"'
    # Late, since most values never need it: json brings re, 0.6 MB of each host.
    import json

    return json.dumps(value)


def _text(value: object) -> str:
    """A string as it is if nothing else could be meant by it: no blank, no quote, no number."""
    if type(value) is not str or not value or " " in value or "=" in value or not _plain(value):
        return _json(value)
    if value in ("null", "true", "false") or (value[0] in "+-.0123456789NI" and _is_number(value)):
        return f'"{value}"'
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text
