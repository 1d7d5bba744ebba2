"""The same files on several kernels: a table with a line a kernel for each row that is limited, and what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.cli.show.terminal import TIGHT, Terminal, coloured, console, joined, new_table, pale, strong
from connlab.cli.show.trial import LETTERS
from connlab.trial.answer.row_words import dials_words, key
from connlab.trial.answer.rows import drawn_out
from connlab.trial.answer.summary_rows import brief

Entry = Mapping[str, Any]
COLUMNS = (
    "port", "over", "kernel", "in turn", "at once", "bursts", "then alone", "one closes", "all close", "over loopback",
)  # fmt: skip
NEVER = "-"
WIDE = 120  # columns


def screen(compared: Entry) -> None:
    """Print what was tried, then what differs, then what could not be tried."""
    out = console()
    tried = {row["release"]: row["answer"] for row in compared["kernels"] if row["answer"]}
    _rows(out, tried)
    for each in compared["findings"]:
        out.sentence(each["text"], strong(f"{each['id']}  "))
    if len(tried) > 1 and not compared["findings"]:
        out.print("the same on each kernel")
    _findings(out, tried)
    for row in compared["kernels"]:
        if row["reason"]:
            out.sentence(row["reason"], joined(coloured("not run"), f"  {row['release']}  "))


def _rows(out: Terminal, tried: Mapping[str, Entry]) -> None:
    """Print a line a kernel of each row that some kernel limits; the others are told in one line."""
    table, quiet, paced, limited = new_table(*COLUMNS), [], [], set()
    if out.width < WIDE:
        table.padding = TIGHT
    for column in table.columns:
        column.no_wrap = column.header in ("port", "kernel")  # folded, they are no number any more
    for answer in tried.values():
        limited |= {key(row) for row in answer["ports"] if row["limit"] is not None or "cannot_run" in row}
    keys = dict.fromkeys(key(row) for answer in tried.values() for row in answer["ports"])
    for at in keys:
        rows = {
            release: row for release, answer in tried.items() for row in answer["ports"] if key(row) == at
        }
        dials = dials_words(next(iter(rows.values())), keys)
        where = f"{at[0]} over {dials}"
        if at not in limited:
            quiet.append(where)
            continue
        if any("by_seconds" in row for row in rows.values()):
            paced.append(where)
        for number, (release, row) in enumerate(rows.items()):
            first = ("", "") if number else (str(at[0]), dials)
            table.add_row(*first, release, *_cells(row))
    if limited:
        out.print(table)
        out.sentence(pale(LETTERS))
    if paced:
        why = "a rate of seconds, so how many get in is a matter of pace, and not compared"
        out.sentence(pale(f"{why}: {', '.join(paced)}"))
    if quiet:
        out.sentence(pale(f"not limited on any: {', '.join(quiet)}"))
    out.print()


def _cells(row: Entry) -> Sequence[str]:
    """Say what a row met, in the order of the columns."""
    if "cannot_run" in row:
        return [f"cannot be tried: {row['cannot_run']}"]
    burst, bursts = row["burst"], row["bursts"]
    frees = (
        row["frees"] if isinstance(row["frees"], str) else f"after {row['frees']} s" if row["frees"] else "no"
    )
    doubt = "" if row["witnesses_agree"] is not False else " (witnesses disagree)"
    return [
        brief(row["pattern"]) + doubt,
        f"{burst['established']} of {burst['dials']}" if burst else NEVER,
        _bursts(bursts) if bursts else NEVER,
        f"{bursts['alone_established']} of {bursts['alone']}" if bursts else NEVER,
        frees if row["limit"] else NEVER,
        brief(row["again"]) if row["again"] else NEVER,
        ", again ".join(map(brief, row["loopback"] or [])) or NEVER,
    ]


def _bursts(bursts: Entry) -> str:
    """Say how many got in of each, and how long the fastest of the later ones took if that is no burst."""
    slow = f" (in {min(bursts['took_ms'][1:]):g} ms)" if drawn_out(bursts) else ""
    return f"{', '.join(map(str, bursts['established']))} of {bursts['dials']}{slow}"


def _findings(out: Terminal, tried: Mapping[str, Entry]) -> None:
    """Print the ids of the findings on each kernel, those that are the same together."""
    sides: dict[str, list[str]] = {}
    for release, answer in tried.items():
        names = ", ".join(dict.fromkeys(each["id"] for each in answer["findings"])) or "none"
        sides.setdefault(names, []).append(release)
    for names, releases in sides.items():
        out.sentence(names, strong(f"findings on {', '.join(releases)}  "))
