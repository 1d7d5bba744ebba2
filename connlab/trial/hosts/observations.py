"""What a scenario's answer says: the letters of its dials, and who judged the first SYN of each."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.rules.ruleset import Place

# iptables has a table `nat`, whose policies let everything in after the table `filter` has judged; and so on.
NO_JUDGES = {(family, table) for family in ("ip", "ip6") for table in ("nat", "mangle", "raw", "security")}


class Event(NamedTuple):
    """A rule that a packet matched, or the policy at the end of a chain (`kind` policy, handle 0)."""

    place: Place
    kind: str
    verdict: str


class Path(NamedTuple):
    """The way of a packet; `through`: nobody dropped it."""

    through: bool
    events: Sequence[Event]


class Judge(NamedTuple):
    """Who decided over a SYN: a rule, or a chain's policy (handle 0); `verdict` accept or drop."""

    place: Place
    verdict: str


class Dial(NamedTuple):
    """What became of a dial: `letter` E, D, R or T; `late` what a repeated SYN got; `matched` every rule it matched.

    `judge` is None if no rule and no policy saw the first SYN; `agrees`: trace and client say the same of it, None if
    the trace has not seen it.
    """

    letter: str
    refusal: str
    late: str
    judge: Judge | None
    matched: frozenset[Place]  # by its SYNs
    answer_matched: frozenset[Place]  # by the answers to them
    agrees: bool | None

    @property
    def unseen(self) -> bool:
        """Tell whether it did not get in, and the trace has no SYN: no rule of the server is known to be why."""
        return self.letter in "TR" and self.agrees is None

    @property
    def first_syn_lost(self) -> bool:
        """Tell whether its first SYN got no answer, though nobody dropped it, and a repeated one got in."""
        let_through = self.judge is None or self.judge.verdict == "accept"
        return self.letter == "T" and self.late == "E" and let_through


class Observation(NamedTuple):
    """The answer of one scenario."""

    dials: Sequence[Dial]
    results: Sequence[Mapping[str, Any]]
    names: Sequence[str]  # of the steps
    complete: bool  # there is a trace, and it lost nothing
    counters: Mapping[Place, int]  # packets that rules with a counter have at the end
    traced: Counter[
        Place
    ]  # packets that the trace saw match each rule: every SYN and answer, some of the others
    syns: Counter[Place]  # of these the SYNs and the answers to them

    @property
    def contradicted(self) -> Mapping[Place, int]:
        """Return the counters of rules that have less than the trace saw come, with what they counted."""
        return {place: packets for place, packets in self.counters.items() if packets < self.syns[place]}

    def step(self, name: str) -> Mapping[str, Any]:
        """Return the result of the step of this name."""
        return self.results[self.names.index(name)]

    def of(self, step: str) -> Sequence[Dial]:
        """Return the dials of the step of this name."""
        first, after = self.step(step)["dials"]
        return self.dials[first:after]


def observation(answer: Mapping[str, Any], request: Mapping[str, Any]) -> Observation:
    """Read the answer of a scenario; the request has the names of the steps."""
    paths = [_path(*path) for path in answer["paths"]]
    hits: Counter[Place] = Counter({_place(place): count for *place, count in answer["hits"]})
    counters = {_place(place): packets for *place, packets in answer["counters"]}
    followed: Counter[Place] = Counter()
    dials = []
    older = _before_rules(answer, request)
    for letter, refusal, late, syns, answers in answer["dials"]:
        dials.append(_dial(letter, refusal, late, [paths[at] for at in syns], [paths[at] for at in answers]))
        if letter == "T" and len(dials) <= older:
            dials[-1] = dials[-1]._replace(agrees=False)  # it was lost: nobody was there to refuse it
        followed.update(event.place for at in (*syns, *answers) for event in _rules(paths[at]))
    names = [step.get("name", step["do"]) for step in request["steps"]]
    complete = not answer["lost"] and not any(step.get("untraced") for step in request["steps"])
    return Observation(
        dials, answer["results"], names, complete, counters, hits + followed, followed,
    )  # fmt: skip


def _before_rules(answer: Mapping[str, Any], request: Mapping[str, Any]) -> int:
    """Count the dials that were made before any rules were loaded."""
    steps = zip(request["steps"], answer["results"], strict=False)
    before = itertools.takewhile(lambda pair: pair[0]["do"] != "load", steps)
    return max((result["dials"][1] for _, result in before if "dials" in result), default=0)


def _dial(letter: str, refusal: str, late: str, syns: Sequence[Path], answers: Sequence[Path]) -> Dial:
    first, answered = syns[:1], answers[:1]
    judges = [found for path in (*first, *answered) if (found := judge(path.events))]
    drops = [each for each in judges if each.verdict == "drop"]
    through = bool(first) and first[0].through and all(path.through for path in answered)
    return Dial(
        letter, refusal, late, next(iter(drops or judges), None),
        frozenset(event.place for path in syns for event in _rules(path)),
        frozenset(event.place for path in answers for event in _rules(path)),
        _agrees(letter, through, bool(answered)) if first else None,
    )  # fmt: skip


def _agrees(letter: str, through: bool, answered: bool) -> bool:
    """Tell whether client and trace say the same of a first SYN.

    Who is in had a SYN, and an answer to it if the trace knows that by its addresses, that nobody dropped. Who is not
    had not both: a SYN that comes through is left without an answer where a queue is full, or nobody listens.
    """
    return through if letter in "ED" else not (through and answered)


def judge(events: Sequence[Event]) -> Judge | None:
    """Find who decided: the rule or policy that dropped; else the last rule that let in, else the last policy."""
    for place, _, verdict in events:
        if verdict in ("drop", "queue", "stolen"):
            return Judge(place, "drop")
    mine = [event for event in events if event.place[:2] not in NO_JUDGES] or events
    last = [event for event in mine if event.kind == "rule" and event.verdict == "accept"] or [
        event for event in mine if event.kind == "policy"
    ]
    return Judge(last[-1].place, "accept") if last else None


def _rules(path: Path) -> list[Event]:
    return [event for event in path.events if event.kind == "rule"]


def _path(through: bool, events: Sequence[Sequence[Any]]) -> Path:
    return Path(through, [Event(_place(place), kind, verdict) for *place, kind, verdict in events])


def _place(words: Sequence[Any]) -> Place:
    family, table, chain, handle = words
    return family, table, chain, handle
