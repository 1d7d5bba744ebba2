"""Reading a request of the agent: each field has a check, and a bad one is told what was expected."""

from __future__ import annotations

import socket
from collections.abc import Callable

from client.json_object import JsonObject


class BadRequest(ValueError):
    """The request cannot be carried out as it is written; its text is the answer's `error`."""


Check = Callable[[object], object]
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")


def read(verb: str, request: JsonObject, fields: dict[str, tuple[Check, object]]) -> JsonObject:
    """The values of a request's fields, defaults filled in. Raises BadRequest."""
    given = {name: value for name, value in request.items() if name not in ("id", "verb")}
    for name in given:
        if name not in fields:
            raise BadRequest(f"{verb} takes no field {name!r}; it takes: {', '.join(fields) or 'none'}")
    values = {name: default for name, (_, default) in fields.items()}
    for name, value in given.items():
        check, _ = fields[name]
        try:
            values[name] = check(value)
        except ValueError as error:
            raise BadRequest(f"{name}: expected {error}, got {value!r:.80}") from None
    return values


def integer(low: int, high: int) -> Check:
    """A whole number in a range; JSON's true and false are none."""

    def check(value: object) -> object:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def one_of(*words: str) -> Check:
    """One of these words."""

    def check(value: object) -> object:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return value

    return check


def list_of(each: Check) -> Check:
    """A list, every item of which passes a check."""

    def check(value: object) -> object:
        if type(value) is not list:
            raise ValueError("a list")
        try:
            return [each(item) for item in value]
        except ValueError as error:
            raise ValueError(f"a list, each item {error}") from None

    return check


def or_null(check: Check) -> Check:
    """What passes a check, or null."""

    def nullable(value: object) -> object:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise ValueError(f"{error}, or null") from None

    return nullable


def boolean(value: object) -> object:
    """JSON's true or false."""
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def text(value: object) -> object:
    """A string of valid Unicode (JSON can write half of a surrogate pair; UTF-8 cannot)."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        value = None
    if type(value) is not str:
        raise ValueError("a string")
    return value


def host(value: object) -> object:
    """A host name or an IPv4 address, not resolved yet."""
    if type(value) is not str or not 0 < len(value) < 254 or not _NAME_CHARACTERS.issuperset(value):
        raise ValueError("a host name or an IPv4 address")
    return value


def address(value: object) -> object:
    """An IPv4 address as four numbers."""
    try:
        socket.inet_pton(socket.AF_INET, value if type(value) is str else "")
    except (OSError, ValueError):
        raise ValueError("an IPv4 address") from None
    return value


def address_or_any(value: object) -> object:
    """An IPv4 address, or the empty string for all of this host's."""
    return value if value == "" else address(value)


def sysctl(value: object) -> object:
    """A key like `net.ipv4.tcp_tw_reuse`: names and dots, nothing that leads out of /proc/sys."""
    if type(value) is not str or not value or not _NAME_CHARACTERS.issuperset(value):
        raise ValueError("a key like net.ipv4.tcp_tw_reuse")
    return value
