"""What was observed of a trial, by hand: rules as nft lists them, dials by their pattern, rows and evidence."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connlab.trial.answer import rows
from connlab.trial.answer.unmet import Unmet
from connlab.trial.dialling.neighbours import Discovery
from connlab.trial.dialling.plan import Plan, Row
from connlab.trial.dialling.tried import Tried
from connlab.trial.files.lines import Line, Lines
from connlab.trial.files.loading import Loaded
from connlab.trial.findings.evidence import Evidence
from connlab.trial.hosts.observations import Dial, Judge, Observation
from connlab.trial.rules.ruleset import Place, Ruleset
from connlab.trial.rules.ruleset_reading import read

TABLE, CHAIN = ("inet", "guard"), "input"
TOOK_MS = 4.0  # a burst
FIRST_LINE = 101  # of the file that the rules come from: rule 1 is its line 101


def listing(*rules: str, policy: str = "accept", more: str = "") -> str:
    """Return what `nft -a list ruleset` prints of rules in one chain, rule n with handle n, and `more` chains."""
    inside = "".join(f"\t\t{rule} # handle {number}\n" for number, rule in enumerate(rules, 1))
    return (
        f"table inet guard {{ # handle 1\n{more}\tchain input {{ # handle 90\n"
        f"\t\ttype filter hook input priority filter; policy {policy};\n{inside}\t}}\n}}\n"
    )


def ruleset(*rules: str, policy: str = "accept", more: str = "") -> Ruleset:
    """Return these rules as they are read."""
    return read({"nft": listing(*rules, policy=policy, more=more)})


def place(number: int) -> Place:
    """Return the place of rule `number`; of the policy, for 0."""
    return (*TABLE, CHAIN, number)


def dials(pattern: str, by: Mapping[str, int] | None = None, refusal: str = "rst", **more: Any) -> list[Dial]:
    """Return dials by their pattern; `by`: the number of the rule that judged each letter, and was matched."""
    return [_dial(run[0], by or {}, refusal, **more) for run in pattern.split() for _ in range(int(run[1:]))]


def _dial(letter: str, by: Mapping[str, int], refusal: str, **more: Any) -> Dial:
    judge = Judge(place(by.get(letter, 0)), "accept" if letter in "ED" else "drop")
    matched = frozenset({judge.place} if judge.place[3] else ())
    return Dial(
        letter, refusal if letter == "R" else "", "", judge, matched, frozenset(), agrees=True
    )._replace(**more)


def seen(
    counters: Mapping[Place, int] | None = None,
    complete: bool = True,
    **steps: Sequence[Dial] | Mapping[str, Any],
) -> Observation:
    """Return an observation: of each step its dials, or its result."""
    every: list[Dial] = []
    results: list[Mapping[str, Any]] = []
    for result in steps.values():
        if isinstance(result, Mapping):
            results.append(result)
        else:
            results.append({"dials": [len(every), len(every) + len(result)], "took_ms": TOOK_MS})
            every += result
    matched = Counter(itertools.chain.from_iterable(dial.matched for dial in every))
    return Observation(every, results, list(steps), complete, counters or {}, matched, matched)


def row(port: int = 443, family: int = 4, net: str = "any", via: str = "eth0") -> Row:
    """Return a row to dial."""
    source, target = {4: ("198.18.85.170", "198.51.100.10"), 6: ("2001:db8::5", "2001:db8::a")}[family]
    return Row(port, family, via, net, source, target)


def tried(
    first: Sequence[Dial], said: tuple[str, str] = ("", ""), reached: Iterable[int] = (), of: Row | None = None,
    *, held: Mapping[int, Observation] | None = None, came: Sequence[Iterable[int]] = (), **scenarios: Observation,
) -> Tried:  # fmt: skip
    """Return a row that was tried: the dials of its first source, what those in said, and its other scenarios.

    `reached` and `came`: numbers of the rules that count and that any dial, that each dial came as far as.
    """
    one = said[0] or "e" * sum(dial.letter == "E" for dial in first)
    limit = seen(dial=first, say={"one": one, "segments": said[1]})
    places = frozenset(map(place, reached))
    of_each = [frozenset(map(place, each)) for each in came]
    return Tried(of or row(), {"limit": limit, **scenarios}, places, held=dict(held or {}), came=of_each)


def laid_out(*those: Row) -> Plan:
    """Return a plan of these rows."""
    ports = list(dict.fromkeys(each.port for each in those))
    return Plan(those, [], ["eth0"], [], [], ports, [], ports, 8090, 64, 511, 5.0)


def evidence(
    rules: Ruleset, *those: Tried, unmet: Sequence[Unmet] = (), neighbours: Sequence[Discovery] = ()
) -> Evidence:
    """Return all that a finding may look at."""
    places = {rule.place: Line("a.nft", FIRST_LINE - 1 + rule.place[3]) for rule in rules.rules}
    loaded = Loaded([], rules, Lines(places, {}), [], [], [], [])
    plan = laid_out(*(each.row for each in those))
    entries = [rows.row(each, plan, rules, loaded.lines) for each in those]
    return Evidence(loaded, plan, those, entries, unmet, neighbours=neighbours)
