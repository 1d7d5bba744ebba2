"""The verb that restarts the server without its host."""

from __future__ import annotations

import sys

import click

from connlab.base import settings as knobs
from connlab.base.errors import LabError, Usage
from connlab.base.knob_values import knob_problem
from connlab.cli.verbs.options import json_option, print_json


@click.command()
@click.option("--reuse-address", "flag", default=None, help="SO_REUSEADDR from now on: 1 or 0.")
@json_option
def restart(flag: str | None, as_json: bool) -> None:
    """Restart the server in its network namespace. It closes listener and connections, and binds again."""
    from connlab.actions import restart as restarting
    from connlab.cli.show.terminal import console

    settings = knobs.unchecked(used={"REUSE_ADDRESS"})
    if flag is None and "REUSE_ADDRESS" in settings.explicit:
        flag = settings.values["REUSE_ADDRESS"]
    if flag is not None and (problem := knob_problem("REUSE_ADDRESS", flag)):
        raise Usage(f"REUSE_ADDRESS={flag!r} {problem}")
    result = restarting.restart(settings.project, flag)
    if as_json and result["error"]:
        refusal = LabError(
            f"{result['server']} does not listen",
            f"bind(2): {result.pop('error')}",
            next_step="make status, which says when it listens again",
        )
        refusal.answer = result
        raise refusal
    if as_json:
        print_json(result)
    else:
        for line in [*restarting.sentences(result), *restarting.advice(result)]:
            console().sentence(line)
    if result["error"]:
        sys.exit(1)
