"""The big run without a lab: its plan, how attempts are summed up, and what is said of an answer that is not exact."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from connlab.actions import scale_memory, scale_plan, scale_witness
from connlab.actions.scale_dials import Dials
from connlab.actions.scale_plan import DIALS, LIMIT, Plan
from connlab.actions.scale_problems import problems, reasons
from connlab.actions.scale_witness import Tables
from connlab.base import settings
from connlab.base.errors import NotFit, Usage
from connlab.base.model import Attempt, Outcome
from connlab.cluster import engine_machine

SOURCES = ["198.18.4.0", "198.18.4.1"]
JIFFY = 4_000_000


def attempts(outcome_of=lambda at: at < LIMIT * 2, sources=SOURCES) -> list[Attempt]:
    """Return twenty dials of each source in turn, a jiffy apart, of which the first fifteen are admitted."""
    outcomes = (Outcome.ESTABLISHED if outcome_of(at) else Outcome.REFUSED for at in range(DIALS * 2))
    return [
        Attempt(
            outcome,
            None,
            None,
            sources[at % 2],
            50_000 + at,
            "198.18.0.2",
            12345,
            10**9 + at * JIFFY,
            100 + at,
        )
        for at, outcome in enumerate(outcomes)
    ]


def summed(*clients: list[Attempt], each: int = 2) -> Dials:
    dials = Dials()
    for client in clients:
        dials.add(client, each)
    return dials


@pytest.mark.parametrize(
    ("sources", "clients", "each", "held", "refused"),
    [
        (16, 1, 16, 240, 80),
        (256, 1, 256, 3840, 1280),
        (1024, 4, 256, 15_360, 5120),
        (16_384, 64, 256, 245_760, 81_920),
    ],
)
def test_a_plan_is_whole_clients(sources, clients, each, held, refused):
    plan = scale_plan.plan_of(sources)
    assert (plan.clients, plan.each, plan.held, plan.refused) == (clients, each, held, refused)


@pytest.mark.parametrize("sources", [0, 1, 8, 15, 17, 1000, 16_385, 32_768])
def test_any_other_number_of_sources_is_refused(sources):
    with pytest.raises(Usage, match="is no power of two from 16 to 16384"):
        scale_plan.plan_of(sources)


@pytest.mark.parametrize(
    ("memory", "tracked", "said"),
    [
        (10**11, 262_144, ""),
        (None, None, ""),
        (10**9, 262_144, "bytes of memory, and there are 1,000,000,000; next: SOURCES=2048"),
        (10**6, 262_144, "and there are 1,000,000; next: a larger machine"),
        (10**11, 65_536, r"needs 245,776 tracked connections .*, and there are 65,536; next: SOURCES=4096"),
    ],
)
def test_a_machine_that_is_too_small_is_named(monkeypatch, memory, tracked, said):
    """With what is short, both numbers, and how many sources would fit."""
    monkeypatch.setattr(engine_machine, "available_bytes", lambda _: memory)
    monkeypatch.setattr(engine_machine, "conntrack_entries", lambda _: tracked)
    if not said:
        scale_plan.check(settings.read(), Plan(16_384))
        return
    with pytest.raises(NotFit) as refusal:
        scale_plan.check(settings.read(), Plan(16_384))
    words = f"{refusal.value.what}; next: {refusal.value.next_step}"
    assert re.search(said, words), words


@pytest.mark.parametrize(
    ("sources", "knobs"), [(1024, ("selectors", "2")), (2048, ("prefork", "3")), (16_384, ("prefork", "14"))]
)
def test_the_server_has_one_process_more_than_it_needs(sources, knobs):
    """Or one alone, where that has descriptors for all."""
    values = scale_plan.settings_for(settings.read(), Plan(sources)).values
    assert (values["SERVER_MODE"], values["WORKERS"]) == knobs


def test_the_lab_of_a_run_has_its_own_knobs():
    """Whatever the user's are, but for a BACKLOG that is given; one process where that has descriptors enough."""
    menu = settings.read().changed(SERVER_MODE="pool", POOL_SIZE=3, GREETING="hello", CONNLIMIT=3, BACKLOG=1)
    values = scale_plan.settings_for(menu, Plan(1024)).values
    knobs = ("SERVER_MODE", "GREETING", "CONNLIMIT", "BACKLOG", "CLIENTS", "SOURCES_PER_CLIENT")
    assert [values[name] for name in knobs] == ["selectors", "", "15", "1", "4", "256"]


def test_every_source_with_exactly_its_outcomes_is_right():
    dials = summed(attempts())
    assert dials.wrong(SOURCES) == []
    assert dials.admitted(SOURCES) == [LIMIT, LIMIT]
    assert dials.outcomes == Counter({Outcome.ESTABLISHED: 30, Outcome.REFUSED: 10})


@pytest.mark.parametrize("at", [0, 29, 30, 39])
def test_one_outcome_more_or_less_is_wrong(at):
    """Of the one source that it was of."""
    dials = summed(attempts(lambda n: (n < LIMIT * 2) != (n == at)))
    established = LIMIT + (1 if at >= LIMIT * 2 else -1)
    assert dials.wrong(SOURCES) == [
        {"source": SOURCES[at % 2], "established": established, "refused": DIALS - established}
    ]


def test_a_source_that_did_not_dial_and_one_that_was_not_to_are_wrong():
    dials = summed(attempts(sources=[SOURCES[0], "10.0.0.1"]))
    assert dials.wrong(SOURCES) == [
        {"source": SOURCES[1]}, {"source": "10.0.0.1", "established": LIMIT, "refused": DIALS - LIMIT},
    ]  # fmt: skip


def test_times_are_those_of_all_clients():
    """The closest two dials of one source, the slowest dial, from first start to last end; tenths of a second."""
    late = [replace(each, start_ns=each.start_ns + 10**9) for each in attempts()]
    dials = summed(attempts(), late)
    assert (dials.closest_ns, dials.slowest_us) == (2 * JIFFY, 139)
    assert dials.seconds == pytest.approx(1 + 39 * 0.004 + 139e-6)
    assert dials.establishing == pytest.approx(1 + 29 * 0.004 + 129e-6)
    rows = dials.over_time()
    assert [row["dials"] for row in rows] == [25, 15, *[0] * 8, 25, 15]
    assert sum(row["established"] for row in rows) == 60
    assert rows[-1]["seconds"] == pytest.approx(1.1)


def tables(sockets: dict[str, int], counted: dict[str, int]) -> Tables:
    return Tables(sockets, counted, {}, {})


def test_the_tables_must_have_each_source_exactly():
    """A source that is missing in one of them, or too often, or not to be there, is told with both numbers."""
    right = dict.fromkeys(SOURCES, LIMIT)
    assert scale_witness.wrong(tables(right, right), SOURCES) == []
    first = {"source": SOURCES[0], "sockets": LIMIT, "counted": LIMIT + 1}
    assert scale_witness.wrong(tables(right, {**right, SOURCES[0]: LIMIT + 1}), SOURCES) == [first]
    second = {"source": SOURCES[1], "sockets": 0, "counted": LIMIT}
    assert scale_witness.wrong(tables({SOURCES[0]: LIMIT}, right), SOURCES) == [second]
    stranger = {"source": "10.0.0.1", "sockets": LIMIT, "counted": LIMIT}
    more = {**right, "10.0.0.1": LIMIT}
    assert scale_witness.wrong(tables(more, more), SOURCES) == [stranger]


RIGHT: dict[str, Any] = {
    "plan": {"held": 30, "refused": 10}, "client": {"outcomes": {"established": 30, "refused": 10}},
    "server": {"rule_packets": 10}, "alive": 30, "released": 30, "left": {}, "left_problem": None,
    "wrong": [], "wrong_in_tables": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"wrong": [{}]}, ["1 sources were not"]),
        ({"client": {"outcomes": {"established": 30, "refused": 9, "timed_out": 1}}}, ["the clients saw"]),
        ({"server": {"rule_packets": 11}}, ["the rule counted 11 packets"]),
        ({"wrong_in_tables": [{}, {}]}, ["2 sources stand otherwise"]),
        ({"alive": 29}, ["29 connections gave an echo"]),
        ({"released": 29}, ["29 connections were closed"]),
        ({"left": None, "left_problem": "3 sockets"}, ["not empty again: 3 sockets"]),
    ],
)
def test_whatever_is_not_exact_is_said(changes, words):
    said = problems({**RIGHT, **changes})
    assert [line[: len(part)] for line, part in zip(said, words, strict=True)] == words


OVERFLOWS = {"TcpExtListenOverflows": 7, "TcpExtListenDrops": 7}


@pytest.mark.parametrize(
    ("counters", "server", "words"),
    [
        ({}, {"rule_packets": 12}, []),
        ({"TcpExtListenDrops": 7}, {}, []),
        (OVERFLOWS, {}, ["7 times the accept queue was full"]),
        (
            OVERFLOWS,
            {"rule_packets": 12},
            ["7 times the accept queue was full", "the rule refused 2 SYNs more"],
        ),
        (
            OVERFLOWS,
            {"counted": 31, "tracked_states": {"ESTABLISHED": 30, "SYN_SENT": 1}},
            [
                "7 times the accept",
                "the limit counts 1 connections that have no socket; conntrack has ESTABLISHED 30",
            ],
        ),
    ],
)
def test_what_the_counters_mean_is_said(counters, server, words):
    """Nothing of a rule that refused too much while no queue was full: that is a fault, and has no such reason."""
    kernel = {"rule_packets": 10, "sockets": 30, "counted": 30, "tracked_states": {}, **server}
    said = reasons({**RIGHT, "counters": counters, "server": kernel})
    assert [line[: len(part)] for line, part in zip(said, words, strict=True)] == words


def test_memory_of_a_connection_is_that_of_all_processes():
    """The server's and all clients', and what they had before the dials, which no connection costs, is in it."""
    told = scale_memory.growth([1000, 10, 20], [4000, 100, 200], 10)
    assert told == {
        "server": {"before": 1000, "held": 4000},
        "clients": {"before": 30, "held": 300},
        "per_connection": 430,
    }
