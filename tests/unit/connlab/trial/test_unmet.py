"""What is said of a rule that no packet came to."""

from __future__ import annotations

from connlab.trial.answer.unmet import told
from tests.support.trials import dials, place, ruleset, seen, tried

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
