"""The rows of an answer as a person reads them: equal ones are one, and a scenario that told something has a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from connlab.trial.answer.row_dialled import by_whose
from connlab.trial.answer.row_words import admitted
from connlab.trial.dialling.dial_words import pattern

Row = Mapping[str, Any]
MOST_RUNS, FIRST_RUNS = 6, 3  # of a pattern, on the screen
SEEN = {
    "rst": "reset", "icmp": "ICMP error", "silence": "silence", "icmp, then silence": "ICMP, then silence",
    "connected, then silence": "connected, then silence", "none": "",
}  # fmt: skip
LIVE = {"reset": "are reset", "frozen": "are no longer answered", "dead": "get no byte"}
AGES = (("live_untracked", "older ones"), ("live_tracked", "older, tracked"))


class Cells(NamedTuple):
    """What a line of the table says: how it was dialled, who gets in, what the others meet, and by which rule."""

    dialled: str
    get_in: str
    others: str
    rule: str


class Line(NamedTuple):
    """A row of the table: ports and whose dials, which are empty in what goes on with the line above."""

    port: str
    over: str
    cells: Cells


def lines(rows: Sequence[Row], names: Mapping[str, str]) -> Iterator[Line]:
    """Yield the lines of all rows; those that say the same are one.

    Of one file, whose name is elsewhere, a rule is `:12`.
    """
    if len(names) == 1:
        names = dict.fromkeys(names, "")
    groups: dict[tuple[str, tuple[Cells, ...]], list[Row]] = {}
    for row in rows:
        cells = tuple(_cells(row, names))
        # A limit is a port's own, also where another has the same one, or that of all ports that share it.
        own = str(row["ports"]) if row["limit"] else ""
        groups.setdefault((own, cells), []).append(row)
    for (_, cells), mine in groups.items():
        for whose, some in by_whose(mine, rows).items():
            ports = list(dict.fromkeys(row["port"] for row in some))
            apart = some[0]["limit"] and sorted(ports) != sorted(some[0]["ports"])
            first = cells[0]._replace(get_in=admitted(some[0])) if apart else cells[0]
            yield Line(", ".join(map(str, ports)), whose, first)
            yield from (Line("", "", each) for each in cells[1:])


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Shorten the names of files to what tells them apart: `prod.rules`, or `a/prod.rules` where there are two."""
    short = {}
    for path in paths:
        parts = PurePath(path).parts
        ends = ["/".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        others = [PurePath(other).parts for other in paths if other != path]
        short[path] = next(
            (
                end
                for number, end in enumerate(ends, 1)
                if not any(o[-number:] == parts[-number:] for o in others)
            ),
            path,
        )
    return short


def brief(letters: str) -> str:
    """Shorten a pattern of many runs: its first ones, and how many of each letter came then."""
    runs = letters.split()
    if len(runs) <= MOST_RUNS:
        return letters
    rest: Counter[str] = Counter()
    for run in runs[FIRST_RUNS:]:
        rest[run[0]] += int(run[1:])
    return f"{' '.join(runs[:FIRST_RUNS])}, then {' '.join(f'{letter}{count}' for letter, count in rest.items())}"


def place(file: str | None, line: int | None, names: Mapping[str, str]) -> str:
    """Name a line of a file; empty if it is not known."""
    return f"{names.get(file, file)}:{line}" if file and line else ""


def _cells(row: Row, names: Mapping[str, str]) -> Iterator[Cells]:
    """Yield what is said of a row: its limit, then each scenario that differs from what the limit lets expect."""
    judge = row["decided_by"]
    if "cannot_run" in row:
        yield Cells("", "cannot be tried", row["cannot_run"], place(judge["file"], judge["line"], names))
        return
    where = place(judge["file"], judge["line"], names)
    policy = judge["rule"].startswith("policy") or judge["rule"] == "no rule"
    rule = f"{where} {judge['rule'] if policy or not where else ''}".strip()
    together = " together" if len(row["ports"]) > 1 else ""
    alone = admitted({**row, "ports": []})
    get_in = f"all {row['cap']}" if row["limit"] is None else f"{alone}{together}"
    yield Cells(brief(row["pattern"]), get_in, SEEN[row["refusal"]], rule)
    yield from (Cells(*words, "") for words in _scenarios(row))


def _scenarios(row: Row) -> Iterator[tuple[str, str, str]]:
    burst, limit = row["burst"], row["limit"]
    if burst and burst["established"] != (burst["dials"] if limit is None else min(limit, burst["dials"])):
        others = [
            f"{burst[kind]} {word}"
            for kind, word in (("refused", "refused"), ("silent", "silent"))
            if burst[kind]
        ]
        yield f"{burst['dials']} at once", str(burst["established"]), ", ".join(others)
    if row["late"] and set(row["late"]) & {"E", "R"}:
        yield "repeated SYNs", row["late"], ""
    if row.get("found") is False and limit != 0:
        yield "new neighbours", "nobody", "find no host"
    if row["live"] in LIVE:
        yield "those in", LIVE[row["live"]], ""
    for field, words in AGES:
        if row[field] and set(row[field]) != {"e"}:
            yield words, pattern(row[field]), ""
    if limit and row["frees"] != "at once":
        yield "after one closes", f"after {row['frees']} s" if row["frees"] else "not in time", ""
    if row["again"] and not _goes_on(row["again"], row["pattern"]):
        yield "after all close", brief(row["again"]), ""
    if row["witnesses_agree"] is False:
        yield "trace, client", "disagree", f"a fault of the lab: {row['disagreements'][0]}"


def _goes_on(one: str, other: str) -> bool:
    """Tell whether two patterns are the same as far as the shorter one goes: one may have more dials."""
    expanded = ["".join(run[0] * int(run[1:]) for run in letters.split()) for letters in (one, other)]
    shorter, longer = sorted(expanded, key=len)
    return longer.startswith(shorter)
