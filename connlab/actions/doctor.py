"""Can this machine run the lab? Each check says PASS, WARN or FAIL, what it saw, and the fix."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connlab.actions import lab_checks, machine_checks
from connlab.actions.check_row import Row, failure, make_row
from connlab.base.errors import LabError, NotFit
from connlab.base.settings import Settings
from connlab.cluster import compose, engine, lab_knobs


def examine(settings: Settings, prepare: Callable[[Settings], None] = lambda _: None) -> list[Row]:
    """Run every check, in the order in which one depends on the other; without an engine, only that one.

    A lab that is up is judged by its own knobs, as `up` would take them; where they are no good, that is the first row.
    `prepare` makes a policy of one's own ready, as for `up`.
    """
    try:
        engine.client()
    except NotFit as error:
        return [failure("docker", error)]
    unusable = []
    try:
        settings = lab_knobs.wanted_settings(settings)
    except LabError as error:
        unusable = [failure(lab_checks.KNOBS, error)]
    except engine.ERRORS as error:
        unusable = [make_row(lab_checks.KNOBS, "FAIL", engine.why(error), "make status")]

    def check_policy(settings: Settings) -> Row:
        return lab_checks.check_policy(settings, prepare)

    checks: tuple[Callable[[Settings], Row], ...] = (
        machine_checks.check_engine, machine_checks.check_compose, machine_checks.check_tools,
        machine_checks.check_kernel, check_policy, lab_checks.check_hosts, lab_checks.check_running,
        lab_checks.check_sysctls, machine_checks.check_memory, machine_checks.check_leftovers,
    )  # fmt: skip
    return unusable + [_guarded(check, settings) for check in checks]


def _guarded(check: Callable[[Settings], Row], settings: Settings) -> Row:
    """Run a check and return its row; a check that fails by an exception is a row too, so that the others are run."""
    name = check.__name__.removeprefix("check_")
    try:
        return check(settings)
    except LabError as error:
        return failure(name, error)
    except engine.ERRORS as error:
        return make_row(name, "FAIL", engine.why(error), "make status")


def require_fit() -> None:
    """Run the fast checks for `up`. Raises `NotFit` for what would fail later with a worse message."""
    new = engine.at_least(engine.version(), engine.WITHOUT_COMPOSE_1)
    if new and compose.command() == ("docker-compose",):
        row = machine_checks.compose_row()
        if row["result"] == "FAIL":
            raise NotFit(row["detail"], next_step=row["fix"])


def exit_code(rows: Sequence[Row]) -> int:
    """Return the exit code of these rows: 3 for an unfit machine, 1 for a running lab that has a fault, else 0."""
    failures = {row["name"] for row in rows if row["result"] == "FAIL"}
    return 3 if failures - lab_checks.OF_THE_LAB else min(1, len(failures))
