"""The `lab` command: its verbs, and the one place where a refusal becomes a sentence and an exit code."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from connlab.base import output, settings
from connlab.base.errors import LabError, NotFit, interrupted
from connlab.cli.verbs import dialling, explaining, judging, matrix, restarting, running, scaling, trying
from connlab.cli.verbs.options import print_json

STDOUT = 1  # its descriptor
NAMES = ("connlab", "lab")  # of the command (pyproject.toml)
EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Verbs(click.Group):
    """The verbs; a reader who has seen enough (`lab logs | head`) ends one, which is no failure of it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb that was typed."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            if not reader_is_gone():
                raise  # it was another pipe
            discard_output()
            ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="connlab")
@click.pass_context
def lab(context: click.Context) -> None:
    """Run a laboratory for TCP connection limits: one server host, N client hosts, real kernels.

    Knobs are environment variables; .env lists them. Exit codes: 0 ok, 1 checked and failed, 2 usage,
    3 this machine is not fit, 4 gave up waiting, 130 interrupted.
    """
    settings.check_make_names()
    settings.tell_unread_options(context.invoked_subcommand or "")


for _verb in (
    running.clean, running.up, running.scale, running.down, running.status, running.logs, running.doctor,
    restarting.restart,
    dialling.attempt, dialling.connect, dialling.sockets, dialling.talk,
    trying.try_, explaining.explain, matrix.kernels,
    scaling.truth_at_scale,
    judging.claims, judging.effects, judging.report, judging.pages,
):  # fmt: skip
    lab.add_command(_verb)


@lab.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of the name that was typed: eval "$(lab completion bash)"."""
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    assert completer is not None, "click knows every shell of the choice above"
    typed = context.find_root().info_name or ""
    name = typed if typed in NAMES else NAMES[0]  # `python -m connlab` is none of them
    click.echo(completer(lab, {}, name, f"_{name.upper()}_COMPLETE").source())


@lab.command(hidden=True)
def typed() -> None:
    """Refuse names after make that mean nothing, as each verb does: for targets that call no other (Makefile)."""


def main() -> None:
    """Run the command line and exit: the one place where an error becomes words and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what the locale has not, as on standard error
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str], name: str | None = None) -> int:
    """Run the verb that these arguments name; its exit code. Raises SystemExit where the verb has a code of its own."""
    options = argv[: argv.index("--")] if "--" in argv else argv
    return guarded(
        lambda: lab(list(argv), prog_name=name, standalone_mode=False), as_json="--json" in options
    )


def guarded(call: Callable[[], Any], *, as_json: bool = False) -> int:
    """Run `call`; a refusal becomes its exit code, and a sentence on standard error.

    With `as_json` it is data on standard output too.
    """
    try:
        call()
        sys.stdout.flush()
    except click.exceptions.Exit as request:
        return request.exit_code
    except (Exception, KeyboardInterrupt) as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        output.notice(refusal)
        if as_json:
            print_json(refusal.as_json())
        return refusal.status
    return 0


def reader_is_gone() -> bool:
    """Return whether nobody reads standard output any more (poll(2))."""
    poller = select.poll()
    poller.register(STDOUT, 0)
    return bool(poller.poll(0))


def discard_output() -> None:
    """Lead standard output nowhere: what is left in its buffer would be tried once more at the end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)


def _refusal(error: BaseException) -> LabError | None:
    """Say what happened, in the lab's words; None for a defect, whose traceback is the report."""
    if isinstance(error, LabError):
        return error
    if isinstance(error, (KeyboardInterrupt, click.exceptions.Abort)):
        return interrupted()
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        if context:
            click.echo(context.get_usage(), err=True)
        verb = context.command_path if context else "lab"
        refusal = LabError(error.format_message(), next_step=f"{verb} --help")
        refusal.status = error.exit_code
        return refusal
    if isinstance(error, OSError) and error.errno in EXHAUSTED:
        discard_output()
        where = f"{error.filename}: " if error.filename else ""
        return NotFit("this machine refuses", f"{where}{error.strerror}", next_step="df; ulimit -a")
    from connlab.cluster import engine

    if isinstance(error, engine.Refused):  # it is there and says no: a host that is paused, stopped or gone
        return LabError("the Docker engine refuses", engine.why(error), next_step="make status")
    if isinstance(error, engine.ERRORS):
        return NotFit("the Docker engine went away", engine.why(error), next_step="make doctor")
    return None
