"""What a scenario's answer says: the letters of its dials, and who judged the first SYN of each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.ruleset import Place


class Judge(NamedTuple):
    """Who decided over a SYN: a rule, or a chain's policy (handle 0); `verdict` accept or drop."""

    place: Place
    verdict: str


class Dial(NamedTuple):
    """What became of a dial: `letter` E, D, R or T; `late` what a repeated SYN got; `matched` every rule it matched."""

    letter: str
    refusal: str
    late: str
    judge: Judge | None  # None: no rule and no policy saw it, or the trace is not complete
    matched: frozenset[Place]
    syns: int


class Observation(NamedTuple):
    """The answer of one scenario."""

    dials: Sequence[Dial]
    results: Sequence[Mapping[str, Any]]
    complete: bool  # the trace lost nothing
    listing: str  # nft's, at the end: the counters

    def of(self, step: int) -> Sequence[Dial]:
        """Return the dials of a step, counted from the end of the steps or from the start."""
        first, after = self.results[step]["dials"]
        return self.dials[first:after]


def observation(answer: Mapping[str, Any]) -> Observation:
    """Read the answer of a scenario."""
    paths = [[_event(event) for event in path] for path in answer["paths"]]
    dials = []
    for letter, refusal, late, indices in answer["dials"]:
        first = paths[indices[0]] if indices else []
        matched = frozenset(place for index in indices for place, kind, _ in paths[index] if kind == "rule")
        dials.append(Dial(letter, refusal, late, judge(first), matched, len(indices)))
    return Observation(dials, answer["results"], not answer["lost"], answer["nft"])


def judge(path: Sequence[tuple[Place, str, str]]) -> Judge | None:
    """Find who decided: the rule or policy that dropped; else, of the last table, the rule or policy that let in."""
    for place, _, verdict in path:
        if verdict in ("drop", "queue", "stolen"):
            return Judge(place, "drop")
    if not path:
        return None
    last_table = path[-1][0][:2]
    mine = [event for event in path if event[0][:2] == last_table]
    accepted = [event for event in mine if event[1] == "rule" and event[2] == "accept"]
    place, _, verdict = (accepted or mine)[-1]
    return Judge(place, verdict)


def pattern(letters: Sequence[str]) -> str:
    """Write letters as runs, in order: `E5 T3`."""
    return " ".join(f"{letter}{len(list(run))}" for letter, run in itertools.groupby(letters))


def letters(dials: Sequence[Dial]) -> list[str]:
    """Return the letters of dials."""
    return [dial.letter for dial in dials]


def got_in(dials: Sequence[Dial]) -> int | None:
    """How many got in before the first that did not; None if all did."""
    return next((number for number, dial in enumerate(dials) if dial.letter != "E"), None)


def refusal(dials: Sequence[Dial], *, dead: bool = False) -> str:
    """Say what those who did not get in saw."""
    if dead:
        return "connected, then silence"
    kinds = [
        "silence" if dial.letter == "T" else dial.refusal or "rst" for dial in dials if dial.letter in "RT"
    ]
    kinds += ["rst" for dial in dials if dial.letter == "D"]
    if not kinds:
        return "none"
    if "icmp" in kinds:
        return "icmp, then silence" if "silence" in kinds else "icmp"
    return "rst" if "rst" in kinds else "silence"


def _event(event: Sequence[Any]) -> tuple[Place, str, str]:
    family, table, chain, handle, kind, verdict = event
    return (family, table, chain, handle if kind == "rule" else 0), kind, verdict
