"""What the pages say of a word, and what a trial saw of a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connlab.cli.show import kernel_settings
from connlab.cli.show.terminal import console, joined, new_table, pale, strong
from connlab.trial.answer.reference import Entry
from connlab.trial.answer.row_words import FAMILIES


def entry(found: Entry) -> None:
    """Print a row of a page: what it says, and where it stands."""
    out = console()
    for cell in found.cells[:1]:
        out.sentence(cell, strong(f"{found.id}  "))
    for cell in found.cells[1:]:
        out.sentence(pale(cell), " " * (len(found.id) + 2))
    out.print(pale(f'{found.page}, "{found.heading}"'))


def line(found: Mapping[str, Any]) -> None:
    """Print a line of a file: its rules with their counters, and the ways of the SYNs that matched them."""
    out = console()
    out.sentence(found["text"].strip(), strong(f"{found['file']}:{found['line']}  "))
    apart = " (offices apart: below)" if found["offices"] else ""
    for rule in found["rules"]:
        counts = f"{rule['packets']:,} packets, decided over {rule['decided']:,} first SYNs{apart}"
        words = "" if rule["rule"] == found["text"].strip() else f": {rule['rule']}"
        out.sentence(pale(f"{counts}{words}"))
    kernel_settings.settings(out, found["sysctls"])
    if not found["rules"] and not found["ways"] and not found["sysctls"]:
        out.print(
            "no rule comes from this line, or none that met a SYN"
            if found["loaded"] is True
            else "the file did not load, or not all of it, and there is no rule of this line"
        )
    if found["ways"]:
        table = new_table(">port", "over", ">SYNs", "of dials", "their way")
        for way in found["ways"]:
            steps = joined(
                *(part for number, step in enumerate(way["way"]) for part in _step(step, number, found))
            )
            table.add_row(
                str(way["port"]), FAMILIES[way["family"]], f"{way['syns']:,}", way["letters"], steps
            )
        out.print(table)
    out.print(pale(f"runs/{found['run']}"))


def _step(step: Mapping[str, Any], number: int, found: Mapping[str, Any]) -> list[Any]:
    """Give a step of a way: where, and what became of the packet there."""
    mine = (step["file"], step["line"]) == (found["file"], found["line"])
    line = f" line {step['line']}" if step["line"] else f" {step['rule']}"
    file = f" {step['file']}" if step["line"] and step["file"] != found["file"] else ""
    verdict = "" if step["rule"].startswith("policy ") else f" {step['verdict']}"
    words = f"{step['chain']}{file}{line}{verdict}"
    return [" > " if number else "", strong(words) if mine else words]
