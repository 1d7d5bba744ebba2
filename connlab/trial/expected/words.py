"""The words of a text with their columns, and the refusal of one that is not understood."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from connlab.base.errors import Usage

NEXT = 'docs/try.md, "Expectations"; for example: port 443: 20 per /24, silence'


class Claim(NamedTuple):
    """One thing that is expected of an entry: `relation` is =, >=, <=, has, each or at; `field` a name of the JSON."""

    field: str
    relation: str
    value: Any


class Expectation(NamedTuple):
    """What is expected of the entries of a list of the answer (`of`) that have these fields.

    Without claims the entries are only to be there; with `absent` they are not.
    """

    text: str
    of: str
    fields: dict[str, Any]
    claims: list[Claim]
    absent: bool = False


class Word(NamedTuple):
    """A word, or a comma or colon behind one, with its column from 1."""

    text: str
    column: int


class Words:
    """The words of a text, one after another."""

    def __init__(self, text: str, where: str) -> None:
        """Begin at the first word; `where` is what a refusal begins with: an option, or a file and its line."""
        self.text, self.where = text, where
        # A colon ends a word only before a blank: 2001:db8::/32 is one.
        parts = re.finditer(r"[^\s,]+?(?=:?(?:[\s,]|$))|[:,]", text)
        self._words = [Word(part[0], part.start() + 1) for part in parts]
        self._at = 0

    @property
    def word(self) -> str:
        """The word that comes next, in small letters; empty at the end."""
        return self._words[self._at].text.lower() if self._at < len(self._words) else ""

    def take(self, *words: str) -> bool:
        """Go past these words if they come next."""
        coming = [word.text.lower() for word in self._words[self._at : self._at + len(words)]]
        if coming == list(words):
            self._at += len(words)
        return coming == list(words)

    def next(self, wanted: str, read: Callable[[str], Any]) -> Any:
        """Read the next word; `wanted` says what it should be. Raises `Usage` where `read` raises ValueError."""
        try:
            value = read(self._words[self._at].text if self.word else "")
        except (ValueError, KeyError):
            raise self.refusal(wanted) from None
        self._at += 1
        return value

    def need(self, word: str) -> None:
        """Go past this word. Raises `Usage` if another one comes."""
        if not self.take(word):
            raise self.refusal("a colon" if word == ":" else repr(word))

    def refusal(self, wanted: str) -> Usage:
        """Make the refusal of what comes next."""
        column = self._words[self._at].column if self.word else len(self.text) + 1
        there = f"there is {self._words[self._at].text!r}" if self.word else "it ends there"
        return Usage(
            f"{self.where}: {self.text!r} is not understood",
            f"column {column}: {wanted} is expected, and {there}",
            next_step=NEXT,
        )
