"""A row with what was observed of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from connlab.trial.dialling.dial_words import got_in
from connlab.trial.dialling.plan import Row
from connlab.trial.hosts.observations import Dial, Judge, Observation
from connlab.trial.rules.ruleset import Place


@dataclass
class Tried:
    """What was observed of a row, by the name of the scenario.

    `reached`: rules that count and that some SYN of the row came as far as. `shared_prefix`: the shortest whose
    neighbour found the count used. `held`: by the port that was held before this one was dialled.
    """

    row: Row
    seen: dict[str, Observation]
    reached: frozenset[Place]
    exact: bool = True  # no rate has a part in how many get in
    shared_prefix: int | None = None
    sources: tuple[str, str] = ("", "")  # of the check: one inside the net that shares, one outside
    untraced: dict[str, Observation] = field(
        default_factory=dict
    )  # clients and counters are all that is known
    held: dict[int, Observation] = field(default_factory=dict)
    ports: frozenset[int] = frozenset()  # others that share the count
    came: Sequence[frozenset[Place]] = ()  # of each dial of the first source, as `reached`

    @cached_property
    def dials(self) -> Sequence[Dial]:
        """Return the dials of the first source, as many as it may, and some more."""
        return self.seen["limit"].of("dial")

    @cached_property
    def limit(self) -> int | None:
        """Return how many got in before the first that did not; None if all up to the cap did."""
        return got_in(self.dials)

    @cached_property
    def refused(self) -> Sequence[Dial]:
        """Return the dials that did not get in."""
        return [dial for dial in self.dials if dial.letter != "E"]

    @cached_property
    def judge(self) -> Judge | None:
        """Return who decided: the rule that refused; where none did, the one that let in; else a policy.

        The SYN of a connection that ended at once (D) was let in: that rule is none that refused. Where all got in, it
        is who let in those whom nobody did before: above a limit that lets in, what is behind it.
        """
        if not self.refused:
            return next(reversed(dict.fromkeys(dial.judge for dial in self.dials if dial.judge)), None)
        judges = [dial.judge for dial in [*self.refused, *self.dials] if dial.judge]
        judges.sort(key=lambda judge: judge.verdict != "drop")
        return next((each for each in judges if each.place[3]), None) or next(iter(judges), None)

    @cached_property
    def first_match(self) -> dict[Place, int]:
        """Return the number of the first dial that matched each rule."""
        found: dict[Place, int] = {}
        for number, dial in enumerate(self.dials):
            for place in dial.matched:
                found.setdefault(place, number)
        return found

    def fewer(self, dials: Sequence[Dial]) -> bool:
        """Tell whether fewer of these dials got in, before the first that did not, than of the row's own.

        Where a rate has a part in it, a busy machine changes how many those are: fewer is then less than half of those
        that one rule or policy let in.
        """
        let_in = got_in(dials)
        if not self.limit or let_in is None or let_in >= self.limit:
            return False
        alone = Counter(dial.judge for dial in self.dials[: self.limit])
        then = Counter(dial.judge for dial in dials[:let_in])
        return self.exact or any(then[judge] * 2 < many for judge, many in alone.items())

    def lost(self, dials: Sequence[Dial]) -> list[Judge]:
        """Return who let in fewer of these dials, before the first that did not get in, than of the row's own."""
        alone = Counter(dial.judge for dial in self.dials[: self.limit])
        then = Counter(dial.judge for dial in dials[: got_in(dials)])
        return [judge for judge, many in alone.items() if judge and then[judge] < many]

    @cached_property
    def outside(self) -> Sequence[Dial]:
        """Return the dials of the source outside the net that shares, made while the first one has its places."""
        return self.seen["two_more"].of("outside") if self.sources[1] and "two_more" in self.seen else ()

    @cached_property
    def passing(self) -> Mapping[Place, frozenset[Judge]]:
        """Return for each rule that counts who decided over dials that did not come as far as it."""
        found = {}
        for place in self.reached:
            by_came = [(place in came, dial.judge) for dial, came in zip(self.dials, self.came, strict=False)]
            found[place] = frozenset(
                judge for came, judge in by_came if judge and not came and (True, judge) not in by_came
            )
        return found

    def letters_of(self, scenario: str, step: str) -> list[str]:
        """Return the letters of a step's dials; none if the scenario was not tried."""
        return [dial.letter for dial in self.seen[scenario].of(step)] if scenario in self.seen else []

    def observations(self) -> list[Observation]:
        """Return what was observed in every scenario of the row."""
        return [*self.seen.values(), *self.held.values()]
