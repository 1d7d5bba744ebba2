"""Where packets come from to a chain."""

from __future__ import annotations

from connlab.trial.answer.unmet import jumps_to_limits
from connlab.trial.rules.jumps import Jumps, jumps
from connlab.trial.rules.ruleset import Rule
from connlab.trial.rules.ruleset_reading import read

LISTING = """table ip filter { # handle 1
\tchain INPUT { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport { 80, 443 } jump WEB # handle 10
\t\ttcp dport vmap { 22 : jump SSH, 25 : drop } # handle 11
\t\tjump ALL # handle 12
\t}
\tchain FORWARD { # handle 2
\t\ttype filter hook forward priority filter; policy accept;
\t\tjump USER # handle 13
\t}
\tchain WEB { # handle 3
\t\tct count over 12 reject # handle 14
\t}
\tchain SSH { # handle 4
\t\tgoto LAST # handle 15
\t}
\tchain LAST { # handle 5
\t\tlimit rate over 3/minute drop # handle 16
\t}
\tchain ALL { # handle 6
\t\tct count over 99 drop # handle 17
\t}
\tchain USER { # handle 7
\t\tct count over 5 drop # handle 18
\t}
\tchain ORPHAN { # handle 8
\t\ttcp dport 443 ct count over 5 drop # handle 19
\t}
}
"""
RULES = read({"nft": LISTING})
CHAINS: Jumps = jumps(RULES)


def rule(handle: int) -> Rule:
    """Return a rule by its handle."""
    return next(each for each in RULES.rules if each.place[3] == handle)


def test_a_chain_has_the_hooks_that_jump_to_it():
    """Over others; one to which nothing jumps has none."""
    hooks = {name: CHAINS.hooks(("ip", "filter", name)) for name in ("INPUT", "LAST", "USER", "ORPHAN")}
    assert hooks == {"INPUT": {"input"}, "LAST": {"input"}, "USER": {"forward"}, "ORPHAN": set()}


LOGGING = """table ip filter { # handle 1
\tchain INPUT { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\tlimit rate 3/minute jump LOGGED # handle 10
\t\tlimit rate 3/minute jump EMPTY # handle 11
\t\tlimit rate 3/minute jump REFUSED # handle 12
\t\tlimit rate 3/minute log # handle 13
\t\tct count over 3 jump LOGGED # handle 14
\t\tlimit rate 3/minute accept # handle 15
\t\tlimit rate 3/minute return # handle 16
\t\tlimit rate 3/minute meta mark set 0x1 # handle 17
\t}
\tchain LOGGED { # handle 2
\t\tct state invalid return # handle 20
\t\tlog prefix "drop" # handle 21
\t}
\tchain EMPTY { # handle 3
\t}
\tchain REFUSED { # handle 4
\t\tjump LOGGED # handle 22
\t\tdrop # handle 23
\t}
}
"""


def test_a_rate_that_leads_to_a_log_alone_is_no_limit():
    """Nor one that leads to an empty chain; one of a source's connections is meant to be one."""
    chains = jumps(read({"nft": LOGGING}))
    rationing = {each.place[3] for each in chains.ruleset.rules if chains.rations_a_log(each)}
    assert rationing & {*range(10, 18)} == {10, 11, 13}


def test_a_rule_is_about_the_ports_of_the_jumps_to_it():
    """If it names none itself."""
    about = {
        handle: [port for port in (22, 25, 80, 443) if CHAINS.about(rule(handle), port)]
        for handle in range(14, 20)
    }
    assert about == {
        14: [80, 443],
        15: [22],  # not 25: the map of verdicts drops that
        16: [22],
        17: [22, 25, 80, 443],
        18: [22, 25, 80, 443],
        19: [443],
    }


def test_the_ways_to_a_chain_are_all_rules_that_jump_on_it():
    """Over others; none to which nothing jumps."""
    assert {place[3] for place in CHAINS.ways_to(("ip", "filter", "LAST"))} == {11, 15}
    assert CHAINS.ways_to(("ip", "filter", "ORPHAN")) == set()


def test_a_jump_that_saw_no_packet_is_told_where_others_came_to_the_limit():
    """If nobody came to that either, all is said of it."""
    assert jumps_to_limits(CHAINS, [], [rule(11)]) == [rule(11)]
    assert jumps_to_limits(CHAINS, [rule(16)], [rule(11), rule(16)]) == []
