"""The table of `up`, `scale` and `status`: what it shows of numbers that nobody knows, and at 80 columns."""

from __future__ import annotations

from typing import Any

import pytest

from connlab.cli.show import details, running
from connlab.cli.show.terminal import Terminal

HELD = (
    "held: established, by the server's sockets; counted: what the limit counts, by its conntrack, without connections"
    " that are older than its count"
)
NUMBERS = {
    "held": 15, "counted": 15, "counted_at_least": False,
    "accepted": 1500, "accepted_at_least": False, "refused": 248_000, "refused_at_least": False,
}  # fmt: skip
IN_FORCE = {"state": "in_force", "went_back": [], "uncounted": 0, "uncounted_at_most": 0}


def status(**changes: Any) -> dict[str, Any]:
    """Return the status of a lab of one server and two clients, with `changes` to the server's numbers."""
    server = {"name": "server-1", "address": "172.120.130.2", "state": "running", "policy": "connlimit", "port": 12345,
              "mode": "threading", "listener": {"state": "listening"}, **NUMBERS, "refused_lost": 0,
              "refused_behind": False, "silent": None, **changes}  # fmt: skip
    clients = [
        {"name": f"client-{number}", "address": f"172.120.130.{number}", "state": "running", **NUMBERS}
        for number in (3, 100)
    ]
    return {"project": "connlab", "server": server, "clients": clients, "others": [], "policy": IN_FORCE}


def other(number: int, held: int = 0, *, earlier: bool = False) -> dict[str, Any]:
    return {**NUMBERS, "address": f"172.120.131.{number}", "earlier": earlier, "held": held,
            "counted": None if earlier else held, "accepted": 1}  # fmt: skip


@pytest.fixture
def show_status(monkeypatch, capsys):
    """Return a function that shows a status on a terminal of so many columns, and returns its lines."""

    def show(answer: dict[str, Any], width: int = 80) -> list[str]:
        monkeypatch.setattr(running, "console", lambda: Terminal(highlight=False, width=width))
        running.hosts(answer)
        return capsys.readouterr().out.splitlines()

    return show


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits(show_status, width):
    """Long addresses, six-digit numbers and a state of several words: a number is never cut, a name never folded."""
    answer = status()
    answer["clients"][0] |= {
        "state": "not on the lab's network",
        "address": "",
        "held": None,
        "refused": None,
    }
    answer["clients"][1]["refused_at_least"] = True
    answer["others"] = [other(250, 15), other(251, 3, earlier=True)]
    lines = show_status(answer, width)
    assert max(len(line) for line in lines if not line.startswith(("held:", "≥ at least:"))) <= width
    assert lines[1] == "connlab: policy connlimit, port 12345, mode threading"
    cells = [line.split() for line in lines]
    assert ["client-100", "172.120.130.100", "running", "15", "15", "1500", "≥248000"] in cells
    assert any(row[:2] == ["client-3", "-"] and row[-4:] == ["-", "15", "1500", "-"] for row in cells)
    assert any(
        row[:2] == ["other", "172.120.131.251"] and row[-4:] == ["3", "-", "1", "248000"] for row in cells
    )
    assert "…" not in "".join(lines)


def test_many_other_sources_are_summed_up(show_status):
    """Those that hold connections come first, and the rest is one line whose numbers are their sums."""
    answer = status()
    answer["others"] = [other(number, held=number % 50) for number in range(1, 101)]
    lines = [line.split() for line in show_status(answer) if line.split()[:1] in (["other"], ["others"])]
    assert len(lines) == running.OTHERS + 1
    assert [row[-4] for row in lines[:2]] == ["49", "49"]
    first = sum(int(row[-4]) for row in lines[:-1])
    held = sum(number % 50 for number in range(1, 101))
    assert lines[-1][:3] == ["others", str(100 - running.OTHERS), "more"]
    assert lines[-1][-4:] == [str(held - first), str(held - first), "90", str(90 * 248_000)]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, ""),
        ({"held": 0}, HELD),
        (
            {"silent": "timed out", "listener": None, "refused_lost": None},
            "the server process does not answer (timed out), so nobody knows what it accepted, nor which sources were"
            " refused",
        ),
        ({"refused_lost": None}, "refused: the policy reports no refusals, so nobody knows of which source they were"),
        ({"refused_behind": True}, "≥ at least: the server has not read all reports of refusals yet"),
        (
            {"refused_lost": 11_425},
            "≥ at least: 11425 refusals that the rules counted were told by no event, so nobody knows of which source"
            " they were",
        ),
        (
            {"held": 0, "counted": 0, "accepted": 0, "refused": 33},
            "accepted: nobody has got in, while the rules refused 33; if that is not what they are for, `lab try FILE`"
            " says whom a file of rules lets in",
        ),
        ({"held": 0, "counted": 0, "accepted": 0, "refused": 0}, ""),
        ({"accepted": 0, "refused": 33}, ""),  # established, and not accepted yet
    ],
)  # fmt: skip
def test_what_a_number_means_is_said(changes, note):
    """Nothing if the numbers are what they seem."""
    assert "".join(running.notes(status(**changes))) == note


def test_a_silent_server_is_seen_in_the_table(show_status):
    """Whether it listens is not known either."""
    (line,) = [
        one
        for one in show_status(status(silent="timed out", listener=None, accepted=None))
        if "server-1" in one
    ]
    assert "does not answer" in line
    assert line.split()[-4:] == ["15", "15", "-", "248000"]


def test_an_uncertain_number_is_explained():
    """The other reason for ≥, where nothing was lost."""
    answer = status()
    answer["clients"][0]["accepted_at_least"] = True
    assert list(running.notes(answer)) == [
        "≥ at least: it is not known of all whether an earlier host of the address did them"
    ]


def test_hosts_with_the_same_sockets_are_one_line():
    """Twenty clients alike, one that is not, one whose sockets nobody saw."""
    rows = [{"name": f"client-{number}", "sockets": {"ESTAB": 15}} for number in (1, 2, 3, 5, 7, 8)]
    rows += [
        {"name": "client-4", "sockets": {}},
        {"name": "client-6", "sockets": None, "sockets_unknown": "paused"},
    ]
    groups = details._by_sockets([{"name": "server-1", "sockets": {"ESTAB": 90, "LISTEN": 1}}, *rows])
    assert {words: list(details._ranges(names)) for words, names in groups.items()} == {
        "ESTAB 90, LISTEN 1": ["server-1"], "ESTAB 15": ["client-1 to 3", "client-5", "client-7 to 8"],
        "none": ["client-4"], "- (paused)": ["client-6"],
    }  # fmt: skip


def test_a_server_that_does_not_listen_is_not_just_running(show_status):
    """After `lab restart` without SO_REUSEADDR, say."""
    line = next(
        line
        for line in show_status(status(listener={"state": "failed"}))
        if line.strip().startswith("server-1")
    )
    assert "not listening" in line


def test_without_a_server_there_are_states_and_no_numbers(monkeypatch, capsys):
    """A dead server cannot be asked; the engine still knows who runs."""
    monkeypatch.setattr(running, "console", lambda: Terminal(highlight=False, width=80))
    rows = [{"name": "server-1", "address": "", "state": "exited (137)"},
            {"name": "client-1", "address": "10.0.0.3", "state": "running"}]  # fmt: skip
    running.states({"project": "connlab", "server": rows[0], "clients": rows[1:]})
    cells = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["server-1", "-", "exited", "(137)"] in cells
    assert ["client-1", "10.0.0.3", "running"] in cells
