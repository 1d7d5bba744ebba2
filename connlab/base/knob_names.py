"""Misspelt knobs: a name that nobody reads is an error with the nearest name that somebody does.

How strictly a name is judged depends on where it stands. What was typed after `make VERB`, and what is in `.env`, was
meant for the lab, so every unknown name is refused. The environment is full of other programs' names: there
only one is refused that differs from a knob of six letters or more in one place.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Set

from connlab.base.errors import Usage

OPTIONS = frozenset({
    "N", "S", "F", "CLIENT", "COUNT", "HOLD", "SOURCE", "SOURCES", "TO", "RUN", "RULES", "EXPECT", "KERNEL", "KERNELS",
    "CLAIMS", "IN_FLIGHT", "QUICK", "ROUNDS",
})  # fmt: skip  # of the verbs (Makefile), and of the bench
OF_MAKE = frozenset({"PYTHON", "SHELL", "MAKEFLAGS", "LAB"})  # what a person may give to make itself
OF_OTHERS = ("COMPOSE_", "DOCKER_", "BUILDKIT_")  # .env is read by Compose too
LEAST = 6  # letters


def judge_make_names(names: Iterable[str], knobs: Set[str]) -> None:
    """Refuse a name typed on make's command line that means nothing. Raises `Usage`."""
    for name in names:
        if name not in knobs | OPTIONS | OF_MAKE:
            name_meant = nearest(name, knobs | OPTIONS)
            raise Usage(f"make was given {name}, which is no knob and no option{_suggestion(name_meant)}")


def judge_file(names: Iterable[str], knobs: Set[str]) -> None:
    """Refuse a line of .env that no knob and no other reader of the file has. Raises `Usage`."""
    for name in names:
        name_meant = nearest(name, knobs)
        if name not in knobs and (name_meant or not name.startswith(OF_OTHERS)):
            raise Usage(f".env has {name}, which is no knob{_suggestion(name_meant)}")


def judge_environment(names: Iterable[str], knobs: Set[str]) -> None:
    """Refuse a name of the environment that is surely a knob with one letter wrong. Raises `Usage`."""
    for name in names:
        if name in knobs | OPTIONS:
            continue
        for knob in sorted(knobs):
            if len(knob) >= LEAST and name != f"{knob}S" and one_apart(name, knob):
                raise Usage(
                    f"the environment has {name}, which is no knob{_suggestion(knob)}",
                    next_step=f"unset {name}, or call it {knob}",
                )


def one_apart(name: str, knob: str) -> bool:
    """Whether two names differ in one place: a letter more, less or another, or two that changed places."""
    if abs(len(name) - len(knob)) > 1 or name == knob:
        return False
    same = sum(block.size for block in difflib.SequenceMatcher(None, name, knob, False).get_matching_blocks())
    return same >= max(len(name), len(knob)) - 1


def nearest(name: str, known: Set[str]) -> str:
    """Return the name that was probably meant; empty if none is like it."""
    return next(iter(difflib.get_close_matches(name.upper(), sorted(known), 1, 0.7)), "")


def _suggestion(name_meant: str) -> str:
    return f"; {name_meant} is one" if name_meant else ""
