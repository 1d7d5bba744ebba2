"""Rules that drop what neighbours ask: which families are asked over, what is said of the rows."""

from __future__ import annotations

import pytest

from connlab.trial.dialling import neighbours
from connlab.trial.dialling.neighbours import Discovery
from connlab.trial.findings.neighbours import neighbour_silent
from connlab.trial.rules.ruleset_reading import read
from tests.support.trials import FIRST_LINE, dials, evidence, laid_out, place, row, ruleset, tried

DROPS = ruleset("tcp dport 443 ct count over 5 reject", "meta l4proto ipv6-icmp drop")
OVER6 = row(family=6)


class Noting:
    """A conductor that takes requests."""

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []

    def begin(self, requests: list[dict[str, object]]) -> list[int]:
        self.asked += requests
        return list(range(len(requests)))


@pytest.mark.parametrize(
    ("table", "hook", "families"),
    [("inet", "input", [6]), ("ip6", "input", [6]), ("ip", "input", []), ("arp", "input", [4]),
     ("netdev", "ingress", [4, 6]), ("inet", "ingress", [4, 6])],
)  # fmt: skip
def test_families_are_asked_over_whose_questions_rules_see(table, hook, families):
    """ARP is in no chain of ip or inet, but where a packet comes in; once for each interface."""
    text = (
        f"table {table} t {{ # handle 1\n\tchain c {{ # handle 2\n"
        f"\t\ttype filter hook {hook} priority 0; policy drop;\n\t\tcounter drop # handle 3\n\t}}\n}}\n"
    )
    conductor = Noting()
    plan = laid_out(row(22), row(443), row(22, 6), row(443, 6))
    asked = neighbours.ask(conductor, plan, read({"nft": text}))  # type: ignore[arg-type]
    assert [each.family for each in asked.rows] == families
    assert all(each["strangers"] for each in conductor.asked)


def test_one_who_is_not_found_is_told_with_what_dropped_it():
    """And one who does not find others; by the line of the first."""
    of = tried(dials("E5 R10", {"R": 1}), of=OVER6)
    lost = Discovery(6, "eth0", False, True, [place(2)])
    (finding,) = neighbour_silent(evidence(DROPS, of, neighbours=[lost]))
    assert finding.text.startswith(
        "the server answers no neighbour solicitations: over IPv6 no SYN comes to it"
    )
    assert (finding.line and finding.line.line, finding.evidence) == (
        FIRST_LINE + 1,
        f"dropped by line {FIRST_LINE + 1}",
    )
    (finding,) = neighbour_silent(evidence(DROPS, of, neighbours=[lost._replace(server=True, client=False)]))
    assert finding.text.startswith("the server's own neighbour solicitations get no answer")


@pytest.mark.parametrize(
    ("pattern", "of"),
    [("R10", Discovery(6, "eth0", False, False, [])), ("E5 R10", Discovery(6, "eth0", True, True, [])),
     ("E5 R10", Discovery(6, "lan0", False, True, []))],
)  # fmt: skip
def test_nothing_is_said_where_nobody_gets_in_or_all_are_found(pattern, of):
    assert (
        list(neighbour_silent(evidence(DROPS, tried(dials(pattern, {"R": 1}), of=OVER6), neighbours=[of])))
        == []
    )


def test_interfaces_are_named_where_there_are_several():
    """Those that lose the same by the same rule are told together."""
    rows = [tried(dials("E5 R10", {"R": 1}), of=row(family=6, via=via)) for via in ("wan0", "lan0")]
    lost = [Discovery(6, via, False, True, [place(2)]) for via in ("wan0", "lan0")]
    (finding,) = neighbour_silent(evidence(DROPS, *rows, neighbours=lost))
    assert "solicitations via wan0, lan0: " in finding.text


def test_a_row_says_that_its_server_is_not_found():
    """The rows of that family and interface alone."""
    entries = [{"family": 6, "via": "eth0"}, {"family": 4, "via": "eth0"}, {"family": 6, "via": "lan0"}]
    noted = [neighbours.noted(each, [Discovery(6, "eth0", False, True, [])]) for each in entries]
    assert [each.get("found") for each in noted] == [False, None, None]
