"""Verbs on what a test run left: verdicts and charts. They ask no engine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from connlab.base import output
from connlab.cli.verbs.options import json_option, print_json

if TYPE_CHECKING:
    from connlab.evidence.verdicts import Judgement

run_option = click.option(
    "--run", "folder", default=None, help="Folder of one run; else the newest verdicts of all."
)


def _judgements(folder: str | None) -> list[Judgement]:
    """Return every claim as it was judged, and say on standard error if no run has judged any."""
    from connlab.evidence import verdicts

    rows = verdicts.read(folder)
    if folder is None and all(row.verdict == verdicts.NOT_RUN for row in rows):
        output.notice("no run in runs/ has a verdict yet; next: make test, which leaves them")
    return rows


@click.command()
@run_option
@json_option
def claims(folder: str | None, as_json: bool) -> None:
    """Show each claim, what real hosts said of it last, and when."""
    from connlab.cli.show import judging as show

    rows = _judgements(folder)
    if as_json:
        print_json({"schema": 1, "claims": [asdict(row) for row in rows]})
    else:
        show.claims(rows)


@click.command()
@run_option
@json_option
def effects(folder: str | None, as_json: bool) -> None:
    """Show what each setting does to each side. Expected, measured last, verdict."""
    from connlab.cli.show import judging as show

    rows = [row for row in _judgements(folder) if row.setting]
    if as_json:
        print_json({"schema": 1, "effects": [asdict(row) for row in rows]})
    else:
        show.effects(rows)


@click.command()
@click.argument("folder", metavar="RUN", default="runs/latest")
@json_option
def report(folder: str, as_json: bool) -> None:
    """Draw a run's charts, a page for each family of experiments, or its kernels. It is in the run's folder."""
    from connlab.evidence import runs, verdicts
    from connlab.report.run import draw

    run = runs.find(folder)
    pages = draw(run, [asdict(row) for row in verdicts.judgements(run)])
    if as_json:
        entries = [{"family": family, "path": str(path)} for family, path in pages.items()]
        print_json({"schema": 1, "run": run.name, "pages": entries})
    else:
        output.show("\n".join(map(output.visible, pages.values())))


@click.command()
@run_option
@json_option
def pages(folder: str | None, as_json: bool) -> None:
    """Write the tables of verdicts and of kernels into README.md and docs/. Every claim must have a verdict."""
    from connlab.evidence import verdicts
    from connlab.report import kernel_table, verdict_tables

    paths = verdict_tables.fill(verdicts.read(folder))
    if (page := kernel_table.fill()) is None:
        output.notice(
            f"{kernel_table.PAGE} stays as it is: no run has every claim on each default kernel; next: make kernels"
        )
    paths += [page] if page else []
    if as_json:
        print_json({"schema": 1, "pages": [str(path) for path in paths]})
    else:
        output.show("\n".join(map(output.visible, paths)))
