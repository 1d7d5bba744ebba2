"""What a trial found, on one screen: rows, findings, lines that do nothing, sysctls, offices, expectations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from connlab.cli.show import kernel_settings
from connlab.cli.show.terminal import (
    Terminal,
    coloured,
    console,
    joined,
    new_table,
    pale,
    progress_bar,
    strong,
)
from connlab.trial.answer.summary import Summary
from connlab.trial.answer.summary_notes import Note
from connlab.trial.hosts.conductor import Progress as Report

BELOW = "    "  # where what belongs to a finding begins
LETTERS = (
    "E established, D established and ended, R refused, T nothing within 150 ms; e, r, t: a byte came back, a reset, "
    "nothing. Dials of one source, 20 ms apart."
)


@contextlib.contextmanager
def progress() -> Iterator[Report]:
    """Show on standard error, at a terminal, how many scenarios are done."""
    with progress_bar("lab: scenarios") as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def screen(summary: Summary) -> None:
    """Print what matters first."""
    out = console()
    for where, words in summary.loading:
        out.sentence(words, strong(f"{where}  "))
    if summary.rows:
        _rows(out, summary)
    lines: set[str] = set()
    for note in summary.findings:
        _finding(out, note, lines)
    if summary.repairs:
        out.sentence(summary.repairs, strong("repairs  "))
    _idle(out, summary)
    if summary.sysctls:
        out.print()
    kernel_settings.settings(out, summary.sysctls)
    if summary.offices or summary.expectations:
        out.print()
    for office in summary.offices:
        out.sentence(office, strong("office  "))
    for expected in summary.expectations:
        verdict = coloured("PASS" if expected["holds"] else "FAIL")
        got = "" if expected["holds"] else f"; there is: {expected['got']}"
        out.sentence(f"{expected['text']}{got}", joined(verdict, "  "))


def _rows(out: Terminal, summary: Summary) -> None:
    table = new_table("port", "over", "dials", "get in", "the others", "by rule")
    for port, over, cells in summary.rows:
        table.add_row(
            port, over, cells.dialled if port else pale(cells.dialled), cells.get_in, cells.others, cells.rule
        )
    out.print(table)
    out.sentence(pale(LETTERS))
    out.print()


def _finding(out: Terminal, note: Note, lines: set[str]) -> None:
    """Print a finding: its sentence, what shows it, and the line that it is about, unless its text is in `lines`."""
    out.sentence(note.text, strong(f"{note.id}  "))
    if note.also:
        out.sentence(pale(f"also {note.also}"), BELOW)
    known = note.where in lines
    if note.evidence or known:
        out.sentence(pale("  ".join(filter(None, (note.evidence, note.where if known else "")))), BELOW)
    if note.where and not known:
        out.sentence(pale(note.line), pale(f"{BELOW}{note.where}  "))
        lines.add(note.where)
    _instead(out, note, lines)


def _instead(out: Terminal, note: Note, shown: set[str]) -> None:
    """Print what would do what was probably meant, of a line once."""
    if note.instead and (words := f"{note.where} {note.instead}") not in shown:
        out.sentence(note.instead, strong(f"{BELOW}tried as well  "))
        shown.add(words)


def _idle(out: Terminal, summary: Summary) -> None:
    if not summary.idle:
        return
    out.print()
    out.print(strong("lines that do nothing"))
    for note in summary.idle:
        out.sentence(pale(note.line), f"  {note.where}  " if note.where else "  ")
        words = note.text or note.evidence
        if words:
            out.sentence(words, joined(BELOW, strong(f"{note.id}  ") if note.id else ""))
        _instead(out, note, set())
