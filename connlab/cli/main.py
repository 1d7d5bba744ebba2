"""The `lab` command: its verbs, and the one place where a refusal becomes a sentence and an exit code."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from connlab.base import output, settings
from connlab.base.errors import LabError
from connlab.cli.verbs import dialling, judging, restarting, running

STDOUT = 1
EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="connlab")
def lab() -> None:
    """A laboratory for TCP connection limits: one server host, N client hosts, real kernels.

    Knobs are environment variables; .env lists them. Exit codes: 0 ok, 1 checked and failed, 2 usage,
    3 this machine is not fit, 4 gave up waiting, 130 interrupted.
    """
    settings.typed()


for _verb in (
    running.clean, running.up, running.scale, running.down, running.status, running.logs, running.doctor,
    restarting.restart,
    dialling.attempt, dialling.connect, dialling.sockets, dialling.talk,
    judging.claims, judging.effects, judging.report, judging.pages,
):  # fmt: skip
    lab.add_command(_verb)


@lab.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script: eval "$(lab completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click knows every shell of the choice above"
    click.echo(found(lab, {}, "lab", "_LAB_COMPLETE").source())


def main() -> None:
    """The console script: one place where an error becomes words and an exit code."""
    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # a letter that the locale has not is escaped, as on standard error
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(guarded(lambda: lab(standalone_mode=False)))


def guarded(call: Callable[[], Any]) -> int:
    """Run `call`; a refusal is told on standard error and becomes its exit code."""
    try:
        call()
        sys.stdout.flush()
    except LabError as refusal:
        output.tell(refusal)
        return refusal.status
    except (KeyboardInterrupt, click.exceptions.Abort):
        output.tell("interrupted")
        return 130
    except click.ClickException as wrong:
        if context := getattr(wrong, "ctx", None):
            click.echo(context.get_usage(), err=True)
        output.tell(f"{wrong.format_message()}\n  next: {context.command_path if context else 'lab'} --help")
        return wrong.exit_code
    except click.exceptions.Exit as done:
        return done.exit_code
    except Exception as error:
        from connlab.cluster import engine

        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            with contextlib.suppress(
                OSError
            ):  # what is left in its buffer would be tried once more at the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
            where = f"{error.filename}: " if error.filename else ""
            output.tell(f"this machine refuses: {where}{error.strerror}\n  next: df; ulimit -a")
            return 3
        if not isinstance(error, engine.ERRORS):
            raise
        if isinstance(
            error, engine.Refused
        ):  # it is there and says no: a host that is paused, stopped or gone
            output.tell(f"the Docker engine refuses: {engine.why(error)}\n  next: make status")
            return 1
        output.tell(f"the Docker engine went away: {engine.why(error)}\n  next: make doctor")
        return 3
    return 0
