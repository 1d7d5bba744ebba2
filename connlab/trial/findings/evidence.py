"""What a finding may look at, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial import facts
from connlab.trial.battery import Tried
from connlab.trial.lines import Line
from connlab.trial.loading import Loaded
from connlab.trial.plan import Plan
from connlab.trial.ruleset import Place, Rule


class Evidence(NamedTuple):
    """All that a finding may look at."""

    loaded: Loaded
    plan: Plan
    tried: Sequence[Tried]
    rows: Sequence[Mapping[str, Any]]

    def line(self, place: Place | None) -> Line | None:
        """Return the line of a rule, if it is known."""
        return self.loaded.lines.rules.get(place) if place else None

    def limiting(self) -> list[Rule]:
        """Return the rules that count connections, packets or time."""
        return [rule for rule in self.loaded.ruleset.rules if facts.limits(rule)]


class Finding(NamedTuple):
    """One finding: a sentence in plain words, whose row it is about, the line, and the dials that show it."""

    text: str
    tried: Tried | None = None
    line: Line | None = None
    evidence: str = ""


class Kind(NamedTuple):
    """A kind of finding: its id, the sentence that defines it by what was observed, and the function that looks."""

    id: str
    definition: str  # completes "it is said when"; docs/try.md has the same
    find: Callable[[Evidence], Iterator[Finding]]
