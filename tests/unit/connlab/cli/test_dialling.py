"""How dials are shown: rows one by one, sums, holds; and which commands `up` ends with."""

from __future__ import annotations

import pytest

from connlab.actions.holding import HoldSample
from connlab.base.model import Attempt, Outcome
from connlab.cli.show import dialling, running


def attempt(
    number: int, outcome: Outcome, errno: str | None = None, source: str | None = "172.18.0.3"
) -> Attempt:
    port = source and 40_000 + number
    return Attempt(outcome, None, errno, source, port, "172.18.0.2", 12345, 1, 140, number=number)


RESULT = {"asked": 20, "outcomes": {"established": 1, "refused": 1}, "witness": "WITNESS", "judged": "RULES"}


def test_each_row_is_printed_when_it_is_known(capsys) -> None:
    """The heading with the first one; a dial that never had a source says so; the columns stand in line."""
    table = dialling.Rows(20)
    assert capsys.readouterr().out == ""
    table.add(attempt(2, Outcome.ESTABLISHED))
    first = capsys.readouterr().out.splitlines()
    assert [line.split() for line in first[1:]] == [
        ["#", "outcome", "source", "µs", "errno"],
        [first[2].strip()],
        ["2", "established", "172.18.0.3:40002", "140"],
    ]
    table.add(attempt(1, Outcome.REFUSED, "ECONNREFUSED"))
    table.add(attempt(3, Outcome.HARNESS_ERROR, "EINVAL", source=None))
    rows = capsys.readouterr().out.splitlines()
    assert [row.split() for row in rows] == [
        ["1", "refused", "172.18.0.3:40001", "140", "ECONNREFUSED"],
        ["3", "harness_error", "-", "140", "EINVAL"],
    ]
    assert {row.index("E") for row in rows} == {first[1].index("errno")}
    table.sums({**RESULT, "asked": 2})
    assert capsys.readouterr().out == "\n1 established, 1 refused; WITNESS\nRULES\n"


def test_sums_of_a_part_say_so(capsys) -> None:
    """Interrupted, or cut short: how many dials had ended, of how many."""
    table = dialling.Rows(20)
    table.sums(RESULT)
    table.sums({**RESULT, "outcomes": {}})
    assert capsys.readouterr().out == (
        "\n1 established, 1 refused (2 of 20 dials ended); WITNESS\nRULES\n"
        "\nnothing was dialled (0 of 20 dials ended); WITNESS\nRULES\n"
    )


@pytest.mark.parametrize(
    ("seconds", "moments"),
    [
        (3, [3, 2, 1]),
        (25, [25, 20, 10, 5, 4, 3, 2, 1]),
        (150, [150, 120, 60, 50, 40, 30, 20, 10, 5, 4, 3, 2, 1]),
    ],
)
def test_a_hold_counts_down(capsys, seconds, moments) -> None:
    """At first, each minute, each ten seconds of the last one, and the last five."""
    for left in range(seconds, 0, -1):
        dialling.hold(HoldSample(15, 0, 0, left, seconds))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"lab: holding 15 connections, {left} s left; Ctrl-C ends it" for left in moments]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (HoldSample(15, 3, 3, 47, 60),
         "holding 12 connections (the server ended 3 of 15 connections), 47 s left; Ctrl-C ends it"),
        (HoldSample(15, 3, 0, 46, 60), ""),
        (HoldSample(15, 14, 0, 40, 60),
         "holding 1 connection (the server ended 14 of 15 connections), 40 s left; Ctrl-C ends it"),
        (HoldSample(15, 15, 1, 33, 60), "the server ended 15 of 15 connections: none is left after 27 s"),
        (HoldSample(1, 1, 1, 60, 60), "the server ended 1 of 1 connection: none is left after 0 s"),
        (HoldSample(15, 3, 1, 0, 60), "the server ended 3 of 15 connections"),
        (HoldSample(15, 3, 0, 0, 60), ""),
        (HoldSample(15, 0, 0, 0, 60), ""),
    ],
)  # fmt: skip
def test_what_the_server_ended_is_no_longer_held(capsys, now, words) -> None:
    """It is said at once, whatever second it is; then only what is left is held, and nothing is when none is."""
    dialling.hold(now)
    assert capsys.readouterr().err == (words and f"lab: {words}\n")


@pytest.mark.parametrize(
    ("released", "words"),
    [
        ({"fin": 15}, ""),
        ({}, ""),
        (
            {"fin": 1, "reset": 2, "timeout": 3},
            "lab: at the close 2 had been reset, 3 got no FIN of the server\n",
        ),
    ],
)
def test_what_ended_otherwise_is_said(capsys, released, words) -> None:
    dialling.released({"released": released})
    assert capsys.readouterr().err == words


@pytest.mark.parametrize(("clients", "number"), [([1, 2, 3], 2), ([1], 1), ([4], 4), ([3, 7], 7)])
def test_the_next_command_names_a_client_that_is_there(capsys, clients, number) -> None:
    running.whats_next(clients)
    assert f"make attempt CLIENT={number} COUNT=20" in capsys.readouterr().out


def test_without_clients_there_is_nothing_to_dial_from(capsys) -> None:
    running.whats_next([])
    output = capsys.readouterr().out
    assert "attempt" not in output
    assert "make scale-clients N=20" in output
