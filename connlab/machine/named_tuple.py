"""`NamedTuple` of typing, without typing: that would cost each start of a process of a host 4 ms (decision 40)."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    __all__ = ["NamedTuple"]
else:

    class _Maker(type):
        """Makes each class that is derived from `NamedTuple` a named tuple of its annotations and their defaults."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, object]) -> type:
            """Return the class; the base itself has no annotations, and stays a class without fields."""
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = [body.pop(field) for field in fields if field in body]
            return type(name, (namedtuple(name, fields, defaults=defaults),), {"__slots__": (), **body})

    class NamedTuple(metaclass=_Maker):
        """A record: the fields are the annotations of the class, which stay text."""
