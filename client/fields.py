"""What a field of a request may be, and what it is in a request without it.

A check returns the value, or says in a ValueError what it expects.
"""

from __future__ import annotations

from collections.abc import Callable

from client import resolver
from connlab.machine.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each start 4 ms
    from typing import Any, TypeVar

    Value = TypeVar("Value")
    Check = Callable[[object], Value]

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")


class Field(NamedTuple):
    """The check of a field, and what it is in a request without it: `default`, or the value of a knob."""

    check: Check[Any]
    default: object = None
    knob: str = ""
    required: bool = False


# What these three return stands in a record of client/protocol.py where a NamedTuple has the default of a field; in a
# request that was read the value is in its place. So they have the type of the value.
def optional(check: Check[Value], default: Value) -> Value:
    """Make a field that may be left out."""
    return Field(check, default)  # type: ignore[return-value]


def of_knob(check: Check[Value], knob: str) -> Value:
    """Make a field that may be left out, and is then what the host's own knob says."""
    return Field(check, knob=knob)  # type: ignore[return-value]


def required(check: Check[Value]) -> Value:
    """Make a field that every request has."""
    return Field(check, required=True)  # type: ignore[return-value]


def integer(low: int, high: int) -> Check[int]:
    """Make the check of whole numbers in a range; JSON's true and false are none."""

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def one_of(*words: str) -> Check[str]:
    """Make the check of these words."""

    def check(value: object) -> str:
        if type(value) is not str or value not in words:
            raise ValueError("one of " + ", ".join(words))
        return value

    return check


def list_of(each: Check[Value]) -> Check[list[Value]]:
    """Make the check of lists, every item of which passes `each`."""

    def check(value: object) -> list[Value]:
        if type(value) is not list:
            raise ValueError("a list")
        try:
            return [each(item) for item in value]
        except ValueError as error:
            raise ValueError(f"a list, each item {error}") from None

    return check


def or_null(check: Check[Value]) -> Check[Value | None]:
    """Make the check of what passes `check`, and of null."""

    def nullable(value: object) -> Value | None:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise ValueError(f"{error}, or null") from None

    return nullable


def boolean(value: object) -> bool:
    """Check JSON's true or false."""
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def text(value: object) -> str:
    """Check a string of valid Unicode (JSON can write half of a surrogate pair; UTF-8 cannot)."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        value = None
    if type(value) is not str:
        raise ValueError("a string")
    return value


def host(value: object) -> str:
    """Check a host name or an IPv4 address; the name is not resolved."""
    if type(value) is not str or not 0 < len(value) < 254 or not _NAME_CHARACTERS.issuperset(value):
        raise ValueError("a host name or an IPv4 address")
    return value


def address(value: object) -> str:
    """Check an IPv4 address of four numbers."""
    if type(value) is str and resolver.is_address(value):
        return value
    raise ValueError("an IPv4 address")


def address_or_any(value: object) -> str:
    """Check an IPv4 address, or the empty string for all of this host's."""
    return "" if value == "" else address(value)


def counter(value: object) -> str:
    """Check a kernel's counter, named as nstat(8) does."""
    if type(value) is not str or not value.isalnum() or not value.isascii():
        raise ValueError("a name like TcpExtTCPSynRetrans")
    return value


def sysctl(value: object) -> str:
    """Check a key like `net.ipv4.tcp_tw_reuse`: names and dots, nothing that leads out of /proc/sys."""
    if type(value) is not str or not value or not _NAME_CHARACTERS.issuperset(value):
        raise ValueError("a key like net.ipv4.tcp_tw_reuse")
    return value
