"""Offices as people ask for them, where they dial, and what their dials add up to."""

from __future__ import annotations

import pytest

from connlab.base.errors import Usage
from connlab.trial.dialling import offices
from connlab.trial.dialling.offices import Office, Visit
from connlab.trial.dialling.plan import Plan, Wishes, plan
from connlab.trial.hosts.observations import observation
from connlab.trial.rules.facts import Facts
from connlab.trial.rules.named_nets import Named


def laid_out(*ports: int, wishes: Wishes) -> Plan:
    sources = [Named("198.18.0.0/16", 4, lambda port: True, "")]
    return plan(Facts(list(ports), [], [], sources, [], 12), [{"tool": "nft", "text": "x"}], wishes)


@pytest.mark.parametrize(
    ("text", "office"),
    [
        ("50x6", Office(50, 6)),
        (" 3 x 2 ", Office(3, 2)),
        ("50x6 on 8443", Office(50, 6, 8443)),
        ("50x6 on port 8443", Office(50, 6, 8443)),
    ],
)
def test_an_office_is_people_and_connections(text, office):
    """With a port or without."""
    assert offices.parse(text) == office


@pytest.mark.parametrize(
    "text", ["", "50", "50x", "x6", "0x6", "6x0", "50x6 on", "50x6 on 0", "50x6 on 70000", "5-6"]
)
def test_what_is_no_office_is_refused_with_an_example(text):
    """By a usage error."""
    with pytest.raises(Usage, match="is no office"):
        offices.parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [("5000000x6", "at most 8,000"), ("5x6 on 99999", "1 to 65535"), ("0x6", "1 at least")],
)
def test_the_bound_is_named_that_an_office_is_beyond(text, why):
    """Of connections, ports and people."""
    with pytest.raises(Usage, match="is no office") as refused:
        offices.parse(text)
    assert why in refused.value.why


@pytest.mark.parametrize(
    ("wishes", "ports"),
    [
        (Wishes(offices=[Office(5, 2)]), [443, 25]),
        (Wishes(offices=[Office(5, 2)], ports=[8090]), [443, 25, 8090]),
        (Wishes(offices=[Office(5, 2, 25)]), [25]),
        (Wishes(offices=[Office(5, 2, 9000)]), [9000]),
    ],
)
def test_it_dials_each_port_that_is_named_or_the_one_it_asks_for(wishes, ports):
    """Over IPv4, once for each; not the port that only stands for those that no rule names."""
    visits = offices.visits(laid_out(443, 25, wishes=wishes), wishes)
    assert [visit.row.port for visit in visits] == ports
    assert {(visit.row.family, visit.row.net) for visit in visits} == {(4, "any")}


def test_without_any_named_port_it_dials_the_other_one():
    """A limit of every port names none."""
    wishes = Wishes(offices=[Office(5, 2)])
    assert [visit.row.port for visit in offices.visits(laid_out(wishes=wishes), wishes)] == [8090]


def test_too_many_connections_are_refused_with_one_port_to_ask_for():
    """4,100 on each of two ports."""
    wishes = Wishes(offices=[Office(410, 10)])
    with pytest.raises(Usage, match="8,200 connections") as refused:
        offices.visits(laid_out(443, 25, wishes=wishes), wishes)
    assert refused.value.next_step == "--office '410x10 on 443'"


def test_the_neighbour_is_in_the_routers_net_and_nobody_of_the_office():
    """The server sees the router alone."""
    wishes = Wishes(offices=[Office(5, 2)])
    chosen = laid_out(443, wishes=wishes)
    visit = offices.visits(chosen, wishes)[0]
    request = offices.scenario(chosen, visit)
    assert request["office"] == visit.router != visit.neighbour
    assert visit.router.rpartition(".")[0] == visit.neighbour.rpartition(".")[0]
    assert request["steps"][-1]["routes"] == [[visit.neighbour, visit.row.target, 443]]
    assert request["steps"][-2] == {
        "do": "people_dial", "people": 5, "each": 2, "target": visit.row.target, "port": 443,
    }  # fmt: skip


def test_the_dials_of_a_person_are_those_of_each_round():
    """Three people twice, then a neighbour: the first of each, then the second of each."""
    wishes = Wishes(offices=[Office(3, 2)])
    chosen = laid_out(443, wishes=wishes)
    visit = Visit(wishes.offices[0], offices.visits(chosen, wishes)[0].row)
    answer = {
        "dials": [[letter, "", "", [], []] for letter in "EEREDTER"], "paths": [], "hits": [], "lost": False,
        "counters": [],
        "results": [{}, {}, {"dials": [0, 6]}, {"dials": [6, 8]}],
    }  # fmt: skip
    assert offices.entry(visit, observation(answer, offices.scenario(chosen, visit))) == {
        "port": 443, "people": 3, "each": 2, "got": 3, "per_person": [2, 1, 0], "neighbour": "E1 R1",
    }  # fmt: skip
