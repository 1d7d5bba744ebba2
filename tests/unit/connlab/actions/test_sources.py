"""Whose numbers are whose: of a look at a real server (tests/unit/data/look.txt), changed in one thing at a time.

Two clients hold 15 each, after 25 and 26 refusals.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from connlab.actions import source_counts
from connlab.kernel import snapshot
from connlab.kernel.snapshot import Snapshot
from connlab.kernel.tables import Flow

SNAPSHOT = (Path(__file__).parents[2] / "data/look.txt").read_text()
FIRST, SECOND = "172.30.0.3", "172.30.0.4"
REPORTS = {"reported": True, "lost": 0, "behind": False}


def since(accepted: int, refused: int, **more: object) -> dict[str, Any]:
    nothing = {"accepted_perhaps": 0, "refused_perhaps": 0, "earlier": []}
    return {"accepted": accepted, "refused": refused, **nothing, **more}


def server_snapshot(
    first: dict[str, Any] | None = None, reports: dict[str, Any] = REPORTS, **more: Any
) -> Snapshot:
    """Return the recorded snapshot; `first` is what the first client did, by default all of its address."""
    current = snapshot.take_snapshot(lambda _: SNAPSHOT)
    sources = {
        FIRST: {**current.status["sources"][FIRST], "since": first or since(15, 25)},
        SECOND: {**current.status["sources"][SECOND], "since": since(15, 26)},
        **more.pop("sources", {}),
    }
    return dataclasses.replace(
        current, status={**current.status, "sources": sources, "refusals": reports}, **more
    )


def numbers(row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in ("held", "counted", "accepted", "refused")]


def test_hosts_that_were_always_there_have_all_of_their_address():
    """Nothing is left for others, and the server has the sum."""
    current = server_snapshot()
    assert numbers(source_counts.client(current, FIRST)) == [15, 15, 15, 25]
    assert numbers(source_counts.client(current, SECOND)) == [15, 15, 15, 26]
    assert numbers(source_counts.server(current)) == [30, 30, 30, 51]
    assert source_counts.others(current, [FIRST, SECOND]) == []


def test_who_is_no_client_has_a_row():
    """A client that left, and a source that was never one; the sums are the server's."""
    current = server_snapshot(sources={"9.9.9.9": {"open": 0, "accepted": 0, "refused": 4}})
    rows = source_counts.others(current, [SECOND])
    assert [(row["address"], row["earlier"], *numbers(row)) for row in rows] == [
        ("9.9.9.9", False, 0, 0, 0, 4), (FIRST, False, 15, 15, 15, 25),
    ]  # fmt: skip


def test_an_earlier_host_of_the_address_has_a_row():
    """What it did and what it left open are its own; the limit's count is the address's."""
    ports = sorted(
        socket.peer_port for socket in server_snapshot().established(12345) if socket.peer == FIRST
    )
    current = server_snapshot(since(3, 5, earlier=ports[:12]))
    assert numbers(source_counts.client(current, FIRST)) == [3, 15, 3, 5]
    (earlier,) = source_counts.others(current, [FIRST, SECOND])
    assert (earlier["address"], earlier["earlier"], *numbers(earlier)) == (FIRST, True, 12, None, 12, 20)


def test_what_is_not_certain_is_at_least():
    """Five accepted and one refused of which nobody knows whose they are: neither row claims them."""
    current = server_snapshot(since(3, 5, accepted_perhaps=5, refused_perhaps=1))
    row = source_counts.client(current, FIRST)
    (earlier,) = source_counts.others(current, [FIRST, SECOND])
    assert (row["accepted"], row["refused"], earlier["accepted"], earlier["refused"]) == (3, 5, 7, 19)
    assert row["accepted_at_least"] and row["refused_at_least"]
    assert earlier["accepted_at_least"] and earlier["refused_at_least"]
    assert not source_counts.client(current, SECOND)["refused_at_least"]


@pytest.mark.parametrize(
    ("reports", "rules", "lost", "unsure"),
    [
        ({"reported": True, "lost": 0, "behind": False}, 51, 0, False),
        ({"reported": True, "lost": 9, "behind": False}, 60, 9, True),
        # The rules counted more than was told, and the server knows of no loss: still nobody knows whose they are.
        ({"reported": True, "lost": 0, "behind": False}, 60, 9, True),
        # It has not read all reports yet: at least, and no loss that anybody knows of.
        ({"reported": True, "lost": 0, "behind": True}, 60, 0, True),
        # The counters went back: that is no loss.
        ({"reported": True, "lost": 0, "behind": False}, 3, 0, False),
        ({"reported": True, "lost": 2, "behind": False}, 3, 2, True),
    ],
)
def test_lost_refusals(reports, rules, lost, unsure):
    """What was told is compared with what the rules counted, at every look."""
    refusing = dataclasses.replace(
        next(rule for rule in server_snapshot().rules if rule.refuses), packets=rules
    )
    current = server_snapshot(reports=reports)
    current = dataclasses.replace(current, ruleset=dataclasses.replace(current.ruleset, rules=[refusing]))
    total = source_counts.server(current)
    assert (total["refused"], total["refused_lost"], total["refused_behind"]) == (
        max(rules, 51), lost, reports["behind"],
    )  # fmt: skip
    assert total["refused_at_least"] == (rules < 51)
    assert [source_counts.client(current, address)["refused_at_least"] for address in (FIRST, SECOND)] == [
        unsure
    ] * 2
    assert source_counts.client(current, FIRST)["refused"] == 25


def test_a_policy_that_reports_nothing_leaves_sources_unknown():
    """Not 0: nobody knows. The rules' own counter is still the server's number."""
    current = server_snapshot(reports={"reported": False, "lost": 0, "behind": False})
    assert source_counts.client(current, FIRST)["refused"] is None
    assert [row["refused"] for row in source_counts.others(current, [])] == [None, None]
    assert (source_counts.server(current)["refused"], source_counts.server(current)["refused_lost"]) == (
        51,
        None,
    )


def test_counted_is_what_the_limit_can_count():
    """Conntrack's states, not the sockets': a closed one and one in TIME_WAIT hold no slot, all others do (C03)."""
    states = [
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "FIN_WAIT",
        "CLOSE_WAIT",
        "LAST_ACK",
        "TIME_WAIT",
        "CLOSE",
    ]
    flows = [Flow(state, FIRST, 5000 + n, "172.30.0.2", 12345) for n, state in enumerate(states)]
    elsewhere = Flow("ESTABLISHED", FIRST, 6000, "172.30.0.2", 80)
    current = server_snapshot(flows=[*flows, elsewhere], sockets=[])
    assert numbers(source_counts.client(current, FIRST))[:2] == [0, 6]
    assert source_counts.server(current)["counted"] == 6


@pytest.mark.parametrize(
    ("uncounted", "first", "second", "total"),
    [
        (None, (None, False), (None, False), (None, False)),
        ({"at_least": 5, "at_most": 5, "sources": {FIRST: [5, 5]}}, (10, False), (15, False), (25, False)),
        ({"at_least": 5, "at_most": 7, "sources": {FIRST: [5, 5], SECOND: [0, 2]}},
         (10, False), (13, True), (23, True)),
    ],
)  # fmt: skip
def test_connections_older_than_the_count_are_not_counted(uncounted, first, second, total):
    """Of each source its own; at least, where it is not known which are; nothing where no rule counts."""
    current = server_snapshot()
    policy = {**current.ruleset.policy, "uncounted": uncounted}
    current = dataclasses.replace(current, ruleset=dataclasses.replace(current.ruleset, policy=policy))
    rows = [
        source_counts.client(current, FIRST),
        source_counts.client(current, SECOND),
        source_counts.server(current),
    ]
    assert [(row["counted"], row["counted_at_least"]) for row in rows] == [first, second, total]
    assert [row["held"] for row in rows] == [15, 15, 30]


def test_a_silent_server_leaves_the_kernel_s_numbers():
    """Its process does not answer: what it accepted, and whom the rules refused, nobody knows; the slots are known."""
    current = server_snapshot()
    current = dataclasses.replace(
        current, status={"port": 12345, "silent": "timed out", "sources": {}, "refusals": None}
    )
    assert numbers(source_counts.client(current, FIRST)) == [15, 15, None, None]
    assert numbers(source_counts.server(current)) == [30, 30, None, 51]
    assert source_counts.server(current)["silent"] == "timed out"
    assert [numbers(row) for row in source_counts.others(current, [FIRST])] == [[15, 15, None, None]]
