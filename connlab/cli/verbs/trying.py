"""The verb `try`: rules of one's own on hosts of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from connlab.base import output
from connlab.base import settings as knobs
from connlab.base.errors import Usage
from connlab.cli.verbs.options import json_option, print_json


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
    type=click.IntRange(1, 65535),
    help="Try this port too; may be repeated.",
)
@click.option(
    "--dials", default=64, type=click.IntRange(1, 5000), help="How many dials at most, where nothing refuses."
)
@click.option(
    "--listen",
    "backlog",
    default=511,
    type=click.IntRange(0, 65535),
    help="Backlog of the server's listeners.",
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
@json_option
def try_(
    files: tuple[str, ...],
    *,
    sysctls: tuple[str, ...],
    ports: tuple[int, ...],
    dials: int,
    backlog: int,
    patience: float,
    offices: tuple[str, ...],
    changed: tuple[str, ...],
    expected: tuple[str, ...],
    as_json: bool,
) -> None:
    """Try firewall rules and sysctls: what they do to clients, dial by dial, with the rule that decided."""
    from connlab.cli.show import trial as show
    from connlab.trial import (
        changes,
        expectation_files,
        expectations,
        forms,
        placeholders,
        plan,
        summary,
        trial,
    )
    from connlab.trial.offices import parse
    from connlab.trial.trial_record import ANSWER, TrialRecord

    if not files and not sysctls:
        raise Usage("there is nothing to try", next_step="lab try FILE, or lab try --sysctl FILE")
    settings = knobs.read()
    named = placeholders.values(settings)
    expects = [each for argument in expected for each in expectation_files.expected(argument, named)]
    brought = [forms.recognise(path, _read(path)) for path in files]
    brought += [forms.recognise(path, _read(path), reader="sysctls") for path in sysctls]
    readable = [placeholders.filled(each, named) for each in brought]
    inputs, told = changes.apply(readable, [changes.parse(text) for text in changed])
    wishes = plan.Wishes(
        [*ports, *expectations.ports(expects)],
        max(dials, expectations.dials(expects)),
        backlog,
        patience,
        expectations.offices(expects, [*map(parse, offices)]),
    )
    record = TrialRecord()
    with show.progress() as progress:
        answer = trial.try_files(settings, inputs, wishes, progress, expected=expects, record=record) | {
            "set": told
        }
    record.files(brought)
    record.keep(ANSWER, answer)
    if as_json:
        print_json(answer)
    else:
        show.screen(summary.summary(answer, {each.path: each.text for each in brought}))
    output.notice(
        f"no evidence is kept: {record.problem}" if record.problem else f"evidence: {_shown(record.folder)}"
    )
    sys.exit(trial.exit_status(answer))


def _shown(folder: Path) -> str:
    """Give a path as seen from here, if it is below."""
    return str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder)


def _read(path: str) -> bytes:
    """Read a file, or standard input for `-`. Raises `Usage`."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Usage(f"{path} cannot be read", error.strerror) from error
