"""Whose dials rows that say the same are about, in words: families, interfaces, nets and addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connlab.trial.answer.row_words import FAMILIES

Row = Mapping[str, Any]


def by_whose(mine: Sequence[Row], rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows that say the same by whose dials they are: ports are told together where that is the same."""
    found: dict[str, list[Row]] = {}
    for port in dict.fromkeys(row["port"] for row in mine):
        its = [row for row in mine if row["port"] == port]
        words = _whose(its, [row for row in rows if row["port"] == port])
        found.setdefault(words, []).extend(its)
    return found


def _whose(mine: Sequence[Row], rows: Sequence[Row]) -> str:
    """Say whose dials to a port: `IPv4 and IPv6 via wan0`, `IPv4 via wan0; IPv6 via lan0`."""
    families = _split(mine, "family")
    said = {
        FAMILIES[family]: _ways(its, [row for row in rows if row["family"] == family])
        for family, its in families.items()
    }
    return "; ".join(f"{' and '.join(names)}{words}" for words, names in _inverted(said).items())


def _ways(mine: Sequence[Row], rows: Sequence[Row]) -> str:
    """Say by which interfaces, where there are several, and from and to where, if that is not everywhere."""
    there = _split(rows, "via")
    said = {via: _ends(its, there[via]) for via, its in _split(mine, "via").items()}
    if len(there) == 1:
        return "".join(said.values())
    return ";".join(f" via {', '.join(names)}{words}" for words, names in _inverted(said).items())


def _ends(mine: Sequence[Row], rows: Sequence[Row]) -> str:
    words = ""
    for field in ("from", "to"):
        every = {row.get(field, "any") for row in rows}
        here = list(dict.fromkeys(row.get(field, "any") for row in mine))
        if len(every) > 1 and set(here) != every:
            words += ", others" if here == ["any"] else f" {field} {', '.join(here)}"
    return words


def _split(rows: Iterable[Row], field: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[field], []).append(row)
    return found


def _inverted(said: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, words in said.items():
        found.setdefault(words, []).append(name)
    return found
