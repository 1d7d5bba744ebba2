"""`lab try --kernel`: which kernels are meant, a guest in the place of the engine's machine, several side by side."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from connlab.base import output
from connlab.base.errors import Usage
from connlab.cli.verbs.options import print_json

if TYPE_CHECKING:
    from connlab.cli.verbs.trial_request import Request
    from connlab.kernels.archive import Kernel
    from connlab.trial.answer.record import TrialRecord
    from connlab.trial.hosts.machine import Machine


def chosen(asked: Request) -> Sequence[Kernel]:
    """Return the kernels that are meant; none for the engine's own. Raises `Usage`, `NotFit` without an archive."""
    from connlab.kernels import archive, choice

    if not asked.kernels:
        return []
    known = [] if set(asked.kernels) == {choice.OWN} else archive.listing(asked.settings)
    return choice.choose(asked.kernels, known, archive.engines_own())


@contextlib.contextmanager
def machine(asked: Request, kernels: Sequence[Kernel]) -> Iterator[Machine]:
    """Give the machine whose kernel is tried: a guest with the one kernel, or the engine's own."""
    from connlab.trial.hosts.guest_machine import of_guest
    from connlab.trial.hosts.machine import of_engine

    if not kernels or kernels[0].own:
        yield of_engine(asked.settings)
        return
    output.notice(f"Linux {kernels[0].release} boots in emulation: a small file takes about a minute")
    with of_guest(asked.settings, kernels[0], threading.Event()) as guest:
        yield guest


def try_several(
    asked: Request,
    kernels: Sequence[Kernel],
    *,
    as_json: bool,
    is_opened: bool,
    junit: Callable[[Mapping[str, Any]], None],
) -> NoReturn:
    """Try on each kernel, print what differs, and exit. Raises `Usage`, before anything is tried."""
    from connlab.cli.show import kernels_tried as show
    from connlab.trial import each_kernel, trial
    from connlab.trial.answer.record import ANSWER, TrialRecord

    if is_opened:
        raise Usage(
            "--open draws one trial, and there are several kernels",
            next_step=f"--kernel {kernels[-1].release}, or without --open",
        )

    def tried(machine: Machine, record: TrialRecord) -> dict[str, Any]:
        answer = trial.try_files(
            machine, asked.inputs, asked.wishes, lambda done, of: None, expected=asked.expected, record=record
        ) | {"set": asked.changes}
        record.keep(ANSWER, answer)
        return answer

    output.notice(each_kernel.announcement(kernels))
    compared = each_kernel.try_each(
        asked.settings, kernels, lambda: TrialRecord(asked.brought), tried, output.notice
    )
    junit(compared)
    print_json(compared) if as_json else show.screen(compared)
    output.notice(f"evidence: runs/{each_kernel.keep(compared).name}")
    sys.exit(each_kernel.exit_status(compared, trial.exit_status))
