"""The hosts' own NamedTuple: it makes what typing's makes."""

from __future__ import annotations

import typing

import pytest

from connlab.machine import named_tuple


def record(base: type) -> type:
    """Make a record with a field, one with a default, and a method, of one of the two."""

    class Port(base):
        """A port of a host."""

        number: int
        host: str | None = None

        def text(self) -> str:
            return f"{self.host}:{self.number}"

    return Port


OURS, THEIRS = record(named_tuple.NamedTuple), record(typing.NamedTuple)


def test_it_is_what_typing_makes():
    """Fields, defaults, annotations, methods, docstring; equal to and printed as a named tuple."""
    for name in ("_fields", "_field_defaults", "__doc__", "__module__", "__qualname__"):
        assert getattr(OURS, name) == getattr(THEIRS, name), name
    assert typing.get_type_hints(OURS) == typing.get_type_hints(THEIRS)
    ours, theirs = OURS(80), THEIRS(80)
    assert (ours, repr(ours), ours.text()) == (theirs, repr(theirs), theirs.text())
    assert ours._replace(host="server")._asdict() == {"number": 80, "host": "server"}


@pytest.mark.parametrize("fields", [{}, {"number": 1, "port": 1}], ids=["one too few", "one too many"])
def test_a_record_has_its_fields_and_no_others(fields):
    """Neither more nor less, nor one that is set later."""
    with pytest.raises(TypeError):
        OURS(**fields)
    with pytest.raises(AttributeError):
        OURS(80).port = 1
