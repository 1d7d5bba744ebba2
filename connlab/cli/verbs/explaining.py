"""The verb `explain`: a row of the pages, or the way past a line of the newest trial. It asks no engine."""

from __future__ import annotations

from typing import Any

import click

from connlab.base.errors import Usage
from connlab.base.settings import HOME
from connlab.cli.verbs.options import json_option, print_json

STANDARD_INPUT = "standard input"  # as a file's name here, because `-:9` would be an option


class Explain(click.Command):
    """The command, to which `-:9` is a line of standard input."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give the file `-` a name that is no option."""
        named = [f"{STANDARD_INPUT}{each[1:]}" if each.startswith("-:") else each for each in args]
        return super().parse_args(ctx, named)


@click.command(cls=Explain)
@click.argument("what", metavar="ID|[FILE:]LINE")
@click.option("--run", "folder", default=None, help="Folder of a trial, runs/<UTC>-try; else the newest.")
@json_option
def explain(what: str, folder: str | None, as_json: bool) -> None:
    """Explain a row of docs/kernel.md (C03), a finding (bans), or a line of the newest `lab try` (9, prod.rules:9)."""
    from connlab.cli.show import explanation as show
    from connlab.trial.answer import reference

    file, _, line = what.rpartition(":")
    if line.isdigit():
        found = _line("-" if file == STANDARD_INPUT else file, int(line), folder)
        print_json({"schema": 1, **found}) if as_json else show.line(found)
        return
    entry = reference.entry(what)
    if entry is None:
        raise Usage(
            f"{what!r} is neither a row, a finding nor a line",
            next_step="lab explain C03, lab explain bans, or lab explain 9 after lab try FILE",
        )
    print_json({"schema": 1, **entry._asdict()}) if as_json else show.entry(entry)


def _line(file: str, line: int, run: str | None) -> dict[str, Any]:
    """Put together what a trial saw of a line. Raises `Usage` if it has no such file or line."""
    from connlab.trial.answer import record as trial_record
    from connlab.trial.answer import ways

    folder = trial_record.newest() if run is None else HOME / run
    answer = trial_record.read(folder, trial_record.ANSWER)
    path, text = trial_record.line(folder, [each["path"] for each in answer["files"]], file, line)
    known = trial_record.read(folder, trial_record.RULES)
    entries = [{key: entry[key] for key in ("rule", "packets", "decided")}
               for entry in answer["rules"] if (entry["file"], entry["line"]) == (path, line)]  # fmt: skip
    # There are none where kernel settings alone were tried.
    exchanges = trial_record.exchanges(folder) if known["rules"] else []
    return {
        "run": folder.name, "file": path, "line": line, "text": text, "rules": entries,
        "loaded": next(each["loaded"] for each in answer["files"] if each["path"] == path),
        "offices": bool(answer["offices"]),  # whose dials are in the ways, and not in the counters of the answer
        "ways": ways.ways(known, exchanges, path, line),
        "sysctls": [entry for entry in answer["sysctls"] if (entry["file"], entry["line"]) == (path, line)],
    }  # fmt: skip
