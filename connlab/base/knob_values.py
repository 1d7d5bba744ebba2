"""What the knobs may be, by the files of this checkout; connlab/machine/knobs.py has the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from connlab.base.checkout import HOME
from connlab.base.errors import Usage
from connlab.machine import knobs

# Knobs that only some modes read: what their names are, and how they are told.
OF_MODES = {"WORKERS": (r"prefork", "prefork"), "POOL_SIZE": (r".*pool.*", "pool (or unbounded_pool)")}
PROJECT = "COMPOSE_PROJECT_NAME"
KNOBS = frozenset(knobs.names_of("lab"))
REQUIRED = tuple(name for name in knobs.names_of("lab") if name != "GREETING")  # of every .env


def check(values: Mapping[str, str], menu: Mapping[str, str]) -> None:
    """Check the values of all knobs, each alone and together; `menu` is what .env says. Raises `Usage`."""
    if missing := sorted(set(REQUIRED) - values.keys()):
        raise Usage(f".env lacks {', '.join(missing)}", next_step="git checkout .env")
    for name, value in values.items():
        if problem := knob_problem(name, value):
            raise Usage(f"{name}={value!r} {problem}")
    if problem := _clash(values, menu):
        raise Usage(problem)


def knob_problem(name: str, value: str) -> str:
    """Say what is wrong with the value of a knob, by this checkout's files; nothing if it is good, or no knob's."""
    return knobs.problem(name, value, _files)


def whole_number(low: int, high: int) -> Callable[[str], str]:
    """Make a check of whole numbers from `low` to `high`, which returns what is wrong, or nothing."""
    check_number, _ = knobs.whole_number(low, high)
    return lambda text: check_number(text, _files)


def of_other_modes(mode: str) -> dict[str, str]:
    """Return the knobs that a mode does not read, each with the words for those that do."""
    return {name: words for name, (names, words) in OF_MODES.items() if not re.fullmatch(names, mode)}


def _clash(values: Mapping[str, str], menu: Mapping[str, str]) -> str:
    """Say what is wrong with knobs that are each good alone; the server knows the same rules.

    Except those of other modes: only here it is known what was changed. A shell that exports all of `.env` is fine.
    """
    mode = values["SERVER_MODE"]
    for name, others in of_other_modes(mode).items():
        if values.get(name) != menu.get(name):
            return f"{name} is for SERVER_MODE={others} only, and it is {mode}"
    return knobs.clash(mode, values["HANDLER"], values.get("GREETING", ""))


def _files(folder: str, suffix: str) -> list[str]:
    return sorted(path.stem for path in (HOME / folder).glob(f"*{suffix}") if path.stem[0] != "_")
