"""Which scenarios are asked for, and when: as soon as what they depend on is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from connlab.trial.dialling import battery
from connlab.trial.hosts.observations import Observation
from connlab.trial.rules.ruleset import Ruleset
from tests.support.trials import dials, laid_out, row, ruleset, seen

COUNT = "tcp dport 443 ct count over 5 reject with tcp reset"
RATE = "tcp dport 443 limit rate over 3/minute burst 5 packets drop"
FORGETS = "tcp dport 443 ip saddr @known accept"
TIMEOUTS = "\tset known { # handle 80\n\t\ttype ipv4_addr\n\t\ttimeout 3s\n\t}\n"


class Sandbox:
    """A conductor whose first source gets five in, by rule 1; `again` is what it gets after all is closed.

    It answers what was asked last first, and notes in `told` what is asked and what is answered: port and steps.
    """

    def __init__(self, again: str = "E5 R10") -> None:
        self.again = again
        self.told: list[tuple[str, int, str]] = []
        self._requests: list[Mapping[str, Any]] = []

    def begin(self, requests: Sequence[Mapping[str, Any]]) -> list[int]:
        """Take requests."""
        first = len(self._requests)
        self._requests += requests
        self.told += [("asked", *_what(request)) for request in requests]
        return list(range(first, len(self._requests)))

    def next(self, numbers: Collection[int]) -> tuple[int, Observation]:
        """Answer one."""
        number = max(numbers)
        self.told.append(("answered", *_what(self._requests[number])))
        steps = self._requests[number]["steps"]
        return number, seen(**{step.get("name", step["do"]): self._of(step) for step in steps})

    def steps(self, verb: str) -> list[Mapping[str, Any]]:
        """Return the steps of this verb, of all requests."""
        return [step for request in self._requests for step in request["steps"] if step["do"] == verb]

    def _of(self, step: Mapping[str, Any]) -> Any:
        by = {"R": 1, "E": 0}
        results = {"say": {"one": "", "segments": ""}, "places": {"places": []}}
        patterns = {"again": self.again, "others": f"E{step.get('count')}"}
        return results.get(step["do"]) or dials(patterns.get(step.get("name", ""), "E5 R10"), by)


def _names(request: Mapping[str, Any]) -> list[str]:
    return [step.get("name", step["do"]) for step in request["steps"]]


def _what(request: Mapping[str, Any]) -> tuple[int, str]:
    port = next(step["routes"][0][2] for step in request["steps"] if "routes" in step)
    names = _names(request)
    return port, next(
        (name for name in ("mark", "again", "after", "others", "outside", "held") if name in names), ""
    )


def tried(sandbox: Sandbox, rules: Ruleset) -> list[tuple[str, int, str]]:
    battery.run(sandbox, laid_out(row(22), row(443)), rules)  # type: ignore[arg-type]
    return sandbox.told


def test_a_port_goes_on_while_the_limit_of_another_is_not_known():
    """What is held of another port waits for all."""
    told = tried(Sandbox(), ruleset(COUNT))
    limits = [told.index(("answered", port, "mark")) for port in (22, 443)]
    assert told.index(("asked", 443, "again")) < max(limits)
    assert told.index(("asked", 443, "outside")) > told.index(("answered", 443, "others"))
    held = [at for at, (what, _, name) in enumerate(told) if (what, name) == ("asked", "held")]
    assert all(at > max(limits) for at in held)


@pytest.mark.parametrize(
    ("rules", "rationing"),
    [(ruleset(COUNT), False), (ruleset(COUNT, RATE), True), (ruleset(COUNT, FORGETS, more=TIMEOUTS), True)],
)
def test_much_is_said_and_many_come_only_where_a_rule_may_ration(monkeypatch, rules, rationing):
    """Segments of who got in, and dials one after another for two seconds, on every port whose SYNs come to a count."""
    monkeypatch.setattr(battery.marks, "reached", lambda seen, rules: [{each.place for each in rules}])
    sandbox = Sandbox()
    tried(sandbox, rules)
    said = [step for step in sandbox.steps("say") if step["group"] == "in"]
    assert {step["segments"] for step in said} == {rationing}
    assert len([step for step in sandbox.steps("rate") if "name" not in step]) == (2 if rationing else 0)


@pytest.mark.parametrize(
    ("again", "rules", "asked", "at_once"),
    [
        ("E5 R10", ruleset(COUNT), False, False),
        ("R15", ruleset(COUNT), True, False),
        ("E5 R10", ruleset(RATE), True, True),
        ("E5 R10", ruleset(COUNT, RATE), False, False),  # no SYN of the row came to the rate
        ("E5 R10", ruleset(COUNT, FORGETS, more=TIMEOUTS), True, True),
    ],
)  # fmt: skip
def test_seconds_after_all_is_closed_only_who_may_be_refused_dials(again, rules, asked, at_once):
    """At once where a rule keeps time; else who was refused right after all was closed."""
    told = tried(Sandbox(again), rules)
    assert (("asked", 443, "after") in told) is asked
    if asked:
        waited = told.index(("answered", 443, "again")) < told.index(("asked", 443, "after"))
        assert waited is not at_once
