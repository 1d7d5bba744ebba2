"""What is said of a rule that no packet came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.trial.answer.unmet import told, unmet
from connlab.trial.hosts.observations import Observation
from tests.support.trials import dials, laid_out, place, row, ruleset, seen, tried

RULES = ruleset("tcp dport 443 notrack", "tcp dport 443 accept", "tcp dport 443 ct count over 9 drop")


def test_a_count_that_only_the_servers_own_dials_match_is_about_those_whom_nobody_tracks():
    """Who let them in is told; where they are tracked, the server's own dials were too few for its number."""
    own = {"outgoing": seen(out=dials("E2")), "loopback": seen(dial=dials("E2"))}
    for passed, port, made in (({1, 2}, 443, None), ({2}, 0, 2)):
        matched = frozenset(map(place, passed))
        each = tried(dials("E64", {"E": 2}, matched=matched), **own)
        found = told(RULES, [each], RULES.rules[2], 0)
        assert (found.port, found.made) == (port, made)
        assert [judge.place for judge in found.judges] == ([place(2)] if port else [])


class Undecided:
    """A conductor of hosts where no rule decides: dials of port 443 match rule 1, those of others rule 2."""

    def begin(self, requests: Sequence[Mapping[str, Any]]) -> list[int]:
        """Take requests."""
        self.steps = [step for request in requests for step in request["steps"]]
        return [0]

    def observations(self, _: Sequence[int]) -> list[Observation]:
        """Answer them."""
        routes = next(step["routes"] for step in self.steps if step["do"] == "dial" and "routes" in step)
        dialled = [dials("E1", {"E": 1 if port == 443 else 2})[0] for _, _, port in routes]
        places = {"places": [[*place(number), 0] for number in (1, 2)]}
        return [seen(places=places, dial=dialled, out=[], loopback=[])]


def test_of_a_rule_that_only_a_row_is_about_that_was_left_out_nothing_is_said():
    """Nobody knows what more dials of that row would have come to; of the other rule it is told."""
    rules = ruleset("tcp dport 443 ct count over 5 drop", "tcp dport 22 ct count over 5 drop")
    rows = [tried(dials("E1"), of=row(port)) for port in (443, 22)]
    plan = laid_out(*(each.row for each in rows))
    for left_out, ports in ((lambda _: False, [443, 22]), (lambda each: each.row.port == 443, [22])):
        told_of = unmet(Undecided(), plan, rules, rows, left_out)  # type: ignore[arg-type]
        assert [each.port for each in told_of] == ports
