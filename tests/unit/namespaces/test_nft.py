"""The process that runs commands of nft: what it says of each namespace, and that its end is told."""

from __future__ import annotations

import asyncio
import os

import pytest

from namespaces import nft


class Rules:
    """A context without a kernel: it counts its commands, and refuses what it does not know."""

    def __init__(self) -> None:
        self.commands = 0

    def run(self, text: bytes) -> tuple[int, bytes, bytes]:
        """Say which command this was, and the text."""
        if text == b"die":
            os._exit(3)
        self.commands += 1
        return (1, b"", b"no such thing") if text == b"?" else (0, b"%d: %s" % (self.commands, text), b"")

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> nft.Nft:
    """Return the process with such rules for each namespace."""
    monkeypatch.setattr(nft, "Context", Rules)
    monkeypatch.setattr(nft, "enter", lambda namespace: None)
    monkeypatch.setattr(nft, "home", lambda: 0)
    return nft.Nft()


def test_each_namespace_has_rules_of_its_own_until_it_is_forgotten(process):
    """Also a long text, and one that is not UTF-8."""
    one, other, long = process.number(), process.number(), "x" * (1 << 20)

    async def said() -> list[tuple[int, str, str]]:
        found = [
            await process.run(number, 0, text) for number, text in ((one, "a"), (other, long), (one, "?"))
        ]
        process.forget(one)
        return [*found, await process.run(one, 0, "\udcff")]

    assert asyncio.run(said()) == [
        (0, "1: a", ""),
        (0, f"1: {long}", ""),
        (1, "", "no such thing"),
        (0, "1: \ufffd", ""),
    ]


def test_those_who_ask_at_once_get_their_own_answers(process):
    """The process does one thing at a time."""

    async def said() -> list[tuple[int, str, str]]:
        return await asyncio.gather(*(process.run(process.number(), 0, str(number)) for number in range(40)))

    assert [text for _, text, _ in asyncio.run(said())] == [f"1: {number}" for number in range(40)]


def test_its_end_is_told(process):
    """A library that crashes is an error of the scenario, and no wait without an end."""
    with pytest.raises(EOFError, match="has ended"):
        asyncio.run(process.run(0, 0, "die"))
