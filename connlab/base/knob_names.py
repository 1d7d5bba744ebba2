"""Misspelt knobs: a name that nobody reads is an error with the nearest name that somebody does.

How strictly a name is judged depends on where it stands. What was typed after `make VERB`, and what is in `.env`, was
meant for the lab, so every unknown name is refused, and after make an option of another verb too. The environment is
full of other programs' names: there only one is refused that differs from a knob of six letters or more in one place.
One that may as well be another program's (a knob's plural or singular, what is like one of five letters) is told only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence, Set

from connlab.base.errors import Usage
from connlab.base.wording import listed

# What each target of the Makefile takes beside knobs; the bench reads its own.
OPTIONS_OF = {
    "try": ("EXPECT", "KERNEL", "RULES"),
    "scale-clients": ("N",),
    "logs": ("F", "S"),
    "attempt": ("CLIENT", "COUNT", "HOLD", "SOURCE"),
    "connect": ("CLIENT", "TO"),
    "talk": ("CLIENT",),
    "sockets": ("CLIENT",),
    "claims": ("RUN",),
    "report": ("RUN",),
    "pages": ("RUN",),
    "kernels": ("CLAIMS", "KERNELS"),
    "truth-at-scale": ("IN_FLIGHT", "SOURCES"),
    "bench": ("QUICK", "ROUNDS"),
}
OPTIONS = frozenset(name for names in OPTIONS_OF.values() for name in names)
OF_MAKE = frozenset({"PYTHON", "SHELL", "MAKEFLAGS", "LAB"})  # what a person may give to make itself
OF_OTHERS = ("COMPOSE_", "DOCKER_", "BUILDKIT_")  # .env is read by Compose too
SURE, LEAST = 6, 5  # letters of a knob: a name that is like one is refused, is told


def judge_make_names(names: Iterable[str], knobs: Set[str], goals: Sequence[str] = ()) -> None:
    """Refuse a name typed on make's command line that means nothing, or nothing to any of its goals. Raises `Usage`.

    Of several goals (`make up attempt CLIENT=2`) each is given every name, so one that takes it is enough.
    """
    for name in names:
        if name not in knobs | OPTIONS | OF_MAKE:
            name_meant = nearest(name, knobs | OPTIONS)
            raise Usage(f"make was given {name}, which is no knob and no option{_suggestion(name_meant)}")
        takers = [goal for goal, options in OPTIONS_OF.items() if name in options]
        if goals and takers and not set(takers) & set(goals):
            raise Usage(
                f"make was given {name}, which is an option of {listed(takers)}, and not of {listed(goals)}",
                next_step=f"leave {name} out; make help says what each verb takes",
            )


def judge_file(names: Iterable[str], knobs: Set[str]) -> None:
    """Refuse a line of .env that no knob and no other reader of the file has. Raises `Usage`."""
    for name in names:
        if name in knobs:
            continue
        name_meant = nearest(name, knobs)
        if name_meant or not name.startswith(OF_OTHERS):
            raise Usage(f".env has {name}, which is no knob{_suggestion(name_meant)}")


def judge_environment(names: Iterable[str], knobs: Set[str]) -> None:
    """Refuse a name of the environment that is surely one of these knobs with one letter wrong. Raises `Usage`."""
    for name, knob in _misspelt(names, knobs):
        if _is_sure(name, knob):
            raise Usage(
                f"the environment has {name}, which is no knob{_suggestion(knob)}",
                next_step=f"unset {name}, or call it {knob}",
            )


def doubts(names: Iterable[str], knobs: Set[str]) -> list[str]:
    """Say which names of the environment may be one of these knobs misspelt, and may as well be another program's."""
    return [
        f"the environment has {name}, which is no knob and is not read; {knob} is one"
        for name, knob in _misspelt(names, knobs)
        if not _is_sure(name, knob)
    ]


def unread_options(names: Iterable[str], verb: str) -> list[str]:
    """Say which names of the environment only `make` hands to this verb as its options; `lab` itself reads none."""
    return [
        f"the environment has {name}, which make alone reads; lab {verb} --help says how it is given here"
        for name in sorted(set(names) & set(OPTIONS_OF.get(verb, ())))
        if len(name) > 1  # N, F and S are anybody's
    ]


def _misspelt(names: Iterable[str], knobs: Set[str]) -> Iterator[tuple[str, str]]:
    """Yield each name that is one place away from a knob, with that."""
    long_knobs = [knob for knob in sorted(knobs) if len(knob) >= LEAST]
    for name in sorted(set(names) - knobs - OPTIONS):
        yield from ((name, knob) for knob in long_knobs if one_apart(name, knob))


def _is_sure(name: str, knob: str) -> bool:
    return len(knob) >= SURE and f"{name}S" != knob and name != f"{knob}S"


def one_apart(name: str, knob: str) -> bool:
    """Whether two names differ in one place: a letter more, less or another, or two that changed places."""
    if abs(len(name) - len(knob)) > 1 or name == knob:
        return False
    letters = enumerate(zip(name, knob, strict=False))
    same = next((at for at, (one, other) in letters if one != other), min(len(name), len(knob)))
    rest, knobs_rest = name[same:], knob[same:]
    swapped = rest[1::-1] + rest[2:]
    return knobs_rest in (rest[1:], swapped) or knobs_rest[1:] in (rest, rest[1:])


def nearest(name: str, known: Set[str]) -> str:
    """Return the name that was probably meant; empty if none is like it."""
    return next(iter(difflib.get_close_matches(name.upper(), sorted(known), 1, 0.7)), "")


def _suggestion(name_meant: str) -> str:
    return f"; {name_meant} is one" if name_meant else ""
