"""How often the server itself dials: beyond each limit on the way out."""

from __future__ import annotations

import pytest

from connlab.trial.dialling import own_dials, scenarios
from connlab.trial.rules.ruleset import Ruleset
from connlab.trial.rules.ruleset_reading import read
from tests.support.trials import dials, laid_out, place, row, ruleset, seen, tried

OUT = (
    "\tchain out { # handle 40\n\t\ttype filter hook output priority filter; policy accept;\n"
    "\t\t%s # handle 41\n\t}\n"
)


def outward(rule: str) -> Ruleset:
    return ruleset("tcp dport 443 ct count over 200 drop", more=OUT % rule)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("tcp dport 443 ct count over 50 reject", 60),
        ("ct count over 20 drop", 30),  # of any port
        ("tcp dport 25 ct count over 50 reject", 0),
        ("ip6 daddr ::/0 tcp dport 443 ct count over 50 reject", 0),
        ("tcp dport 443 ct count over 600 reject", 64),  # as many as are tried at all
        ("tcp dport 443 limit rate 30/second burst 40 packets accept", 50),
        ("tcp dport 443 accept", 0),
    ],
)
def test_a_limit_on_the_way_out_is_gone_beyond(rule, wanted):
    """By ten; a limit on what comes in is nothing to outgoing dials."""
    assert own_dials.wanted(laid_out(row()), outward(rule), row()) == wanted


def test_a_chain_that_only_output_leads_to_is_on_the_way_out():
    """And one of ip6tables is not on the way of IPv4."""
    chains = (
        "\tchain OUTPUT { # handle 1\n\t\ttype filter hook output priority filter; policy accept;\n"
        "\t\tjump EGRESS # handle 2\n\t}\n\tchain EGRESS { # handle 3\n\t\tct count over 50 drop # handle 4\n\t}\n}\n"
    )
    for family, wanted in (("ip", 60), ("ip6", 0), ("inet", 60)):
        rules = read({"nft": f"table {family} filter {{ # handle 1\n{chains}"})
        assert own_dials.wanted(laid_out(row()), rules, row()) == wanted


def test_so_many_are_dialled_and_no_fewer_than_before():
    """A client's limit and twelve, where that is more."""
    for limit, wanted, count in ((None, 60, 60), (None, 0, 2), (5, 10, 17), (5, 60, 60)):
        steps = scenarios.outgoing(laid_out(row()), row(), limit, wanted)["steps"]
        assert next(step["count"] for step in steps if step.get("name") == "out") == count


def test_what_was_open_at_most_is_counted_out_and_over_loopback():
    rules = ruleset("tcp dport 443 ct count over 9 drop")
    each = tried(dials("E5"), outgoing=seen(out=dials("E4")), loopback=seen(dial=dials("E6")))
    assert own_dials.most(rules, [each], rules.of(place(1)[:3])[0]) == 6
