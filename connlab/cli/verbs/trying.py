"""The verb `try`: rules of one's own on hosts of their own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connlab.base import output
from connlab.base.errors import LabError, Usage
from connlab.cli.verbs.options import WholeNumber, json_option, print_json

if TYPE_CHECKING:
    from connlab.trial.answer.record import TrialRecord
    from connlab.trial.answer.summary import Summary


@click.command("try")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option(
    "--sysctl",
    "sysctls",
    multiple=True,
    metavar="FILE",
    help="Kernel settings: sysctl.conf, sysctl commands, a Compose file, a manifest; may be repeated.",
)
@click.option(
    "--port",
    "-p",
    "ports",
    multiple=True,
    type=WholeNumber(1, 65535),
    help="Try this port too; may be repeated.",
)
@click.option(
    "--dials", default=64, type=WholeNumber(1, 5000), help="How many dials at most, where nothing refuses."
)
@click.option(
    "--listen", "backlog", default=511, type=WholeNumber(0, 65535), help="Backlog of the server's listeners."
)
@click.option(
    "--patience", default=5.0, type=click.FloatRange(0.1, 600), help="Seconds that a step waits at most."
)
@click.option(
    "--office",
    "offices",
    multiple=True,
    metavar="PEOPLExEACH[ on PORT]",
    help="People behind one router, `50x6`: who gets how many; may be repeated.",
)
@click.option(
    "--set",
    "changed",
    multiple=True,
    metavar="[FILE:]LINE:WORD=NUMBER",
    help="Try another number after a word of a line, `9:above=400`; may be repeated.",
)
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="FILE|EXPR",
    help="'port 443: 20 per /24, silence', or a YAML file of such; exit 1 if one does not hold.",
)
@click.option(
    "--kernel",
    "kernels",
    multiple=True,
    metavar="VERSION|newest|all",
    help="Try it on kernels of Debian's, booted in emulation, `6.12.57` or several; may be repeated.",
)
@click.option(
    "--junit", type=click.Path(), help="Write files and expectations as JUnit's XML, for a CI server."
)
@click.option(
    "--open", "is_opened", is_flag=True, help="Draw the same as a page, and open it where a browser is."
)
@click.option("--of-make", is_flag=True, hidden=True)
@json_option
def try_(as_json: bool, is_opened: bool, of_make: bool, junit: str | None, **typed: Any) -> None:
    """Try firewall rules and sysctls: what they do to clients, dial by dial, with the rule that decided."""
    from connlab.cli.show import trial as show
    from connlab.cli.verbs import trying_kernels
    from connlab.cli.verbs.trial_request import Typed, request
    from connlab.trial import trial
    from connlab.trial.answer import junit as ci
    from connlab.trial.answer.record import ANSWER, TrialRecord
    from connlab.trial.answer.summary import summary

    _check_folder(junit)
    _write(
        junit, ci.failure("the trial did not end", "")
    )  # whatever ends it; a file of before would tell another
    record = None
    try:
        asked = request(Typed(**typed), of_make=of_make)
        kernels = trying_kernels.chosen(asked)
        if len(kernels) > 1:
            trying_kernels.try_several(
                asked, kernels, as_json=as_json, is_opened=is_opened,
                junit=lambda compared: _write(junit, ci.of_kernels(compared)),
            )  # fmt: skip
        record = TrialRecord(asked.brought)
        with trying_kernels.machine(asked, kernels) as machine, show.progress() as progress:
            answer = trial.try_files(
                machine, asked.inputs, asked.wishes, progress, expected=asked.expected, record=record
            ) | {"set": asked.changes}
    except LabError as refusal:
        _write(junit, ci.failure(refusal.what, refusal.why))
        if record and record.folder.is_dir():
            output.notice(f"evidence so far: {_seen_from_here(record.folder)}")
        raise
    record.keep(ANSWER, answer)
    _write(junit, ci.document(answer))
    texts = {each.path: each.text for each in asked.brought}
    found = summary(answer, texts)
    print_json(answer) if as_json else show.screen(found)
    if is_opened:
        _open(record, found, texts)
    folder = _seen_from_here(record.folder)
    output.notice(f"no evidence is kept: {record.problem}" if record.problem else f"evidence: {folder}")
    sys.exit(trial.exit_status(answer))


def _open(record: TrialRecord, found: Summary, texts: Mapping[str, str]) -> None:
    """Draw the page into the trial's folder; open it for who sits at a terminal, where there is a browser."""
    import webbrowser

    from connlab.cli.show.trial import LETTERS
    from connlab.report.trial_page import trial_page
    from connlab.trial.answer.summary_rows import short_names

    named = {short: texts[path] for path, short in short_names(list(texts)).items()}
    page = record.page(trial_page(found, named, record.folder.name, LETTERS))
    if page is not None:
        output.notice(f"page: {_seen_from_here(page)}")
        if sys.stdout.isatty():
            webbrowser.open(page.as_uri())


def _check_folder(path: str | None) -> None:
    """Refuse a file that could not be written in the end, before anything is tried. Raises `Usage`."""
    if path is not None and (not path or Path(path).is_dir() or not Path(path).parent.is_dir()):
        raise Usage(
            f"--junit {path!r} cannot be written",
            "it is a folder, or its folder is not there",
            next_step="--junit junit.xml",
        )


def _write(path: str | None, text: str) -> None:
    try:
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path} cannot be written", error.strerror) from error


def _seen_from_here(path: Path) -> str:
    """Give a path as seen from the working directory, if it is below."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
