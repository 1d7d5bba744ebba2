"""Which value a lab's knob has: given now > edited in .env since > the lab's own; and what is said of it."""

from __future__ import annotations

import pytest

from connlab.base import settings
from connlab.base.errors import LabError, Usage
from connlab.cluster import lab_knobs
from connlab.cluster.lab_knobs import LabKnobs
from tests.support import menu


def asked_settings(**knobs: str) -> settings.Settings:
    """Return the settings of a call, with these knobs given."""
    return settings.checked({**menu.MENU, **knobs}, frozenset(knobs), menu.MENU)


def lab(then: dict[str, str] | None = None, **knobs: str) -> LabKnobs:
    """Return a lab's own knobs; `then` is what differed in .env when it came up."""
    return LabKnobs({**lab_knobs.recorded_knobs(asked_settings()), **knobs}, {**menu.MENU, **(then or {})})


@pytest.mark.parametrize(
    ("asked", "then", "own", "port"),
    [
        ({}, {}, "443", "443"),  # nobody gives one: the lab's own
        ({"PORT": "80"}, {}, "443", "80"),  # given now
        ({}, {"PORT": "99"}, "443", "12345"),  # .env said 99 when the lab came up: it was edited since
        ({"PORT": "80"}, {"PORT": "99"}, "443", "80"),  # both
        ({"PORT": "12345"}, {}, "443", "12345"),  # given, though it is what .env says
    ],
)
def test_whose_value_counts(asked, then, own, port):
    """For one knob; the others stay the lab's."""
    merged = lab_knobs.merge_settings(asked_settings(**asked), lab(then, PORT=own, CONNLIMIT="3"))
    assert (merged.values["PORT"], merged.values["CONNLIMIT"]) == (port, "3")


def test_without_a_record_the_lab_keeps_what_its_hosts_have():
    """Plain Compose made it: what .env said then is not known, so no line of it counts as edited."""
    current = LabKnobs({"PORT": "443", "WORKLOAD": "hold"}, None)
    merged = lab_knobs.merge_settings(asked_settings(CONNLIMIT="7"), current)
    assert {name: merged.values[name] for name in ("PORT", "WORKLOAD", "CONNLIMIT", "DIALS")} == {
        "PORT": "443", "WORKLOAD": "hold", "CONNLIMIT": "7", "DIALS": "20",
    }  # fmt: skip


def test_a_pool_size_goes_with_the_mode_that_had_it():
    """Another mode is asked for: the number that only the old one used is no reason to refuse."""
    current = lab(SERVER_MODE="pool", POOL_SIZE="5")
    assert (
        lab_knobs.merge_settings(asked_settings(SERVER_MODE="threading"), current).values["POOL_SIZE"] == "10"
    )
    assert lab_knobs.merge_settings(asked_settings(), current).values["POOL_SIZE"] == "5"
    current = lab(SERVER_MODE="prefork", WORKERS="13")
    assert lab_knobs.merge_settings(asked_settings(SERVER_MODE="threading"), current).values["WORKERS"] == "2"
    assert lab_knobs.merge_settings(asked_settings(), current).values["WORKERS"] == "13"
    with pytest.raises(Usage, match="WORKERS is for SERVER_MODE=prefork"):
        lab_knobs.merge_settings(asked_settings(SERVER_MODE="threading", WORKERS="4"), current)
    with pytest.raises(Usage, match="POOL_SIZE is for SERVER_MODE=pool"):
        lab_knobs.merge_settings(asked_settings(SERVER_MODE="threading", POOL_SIZE="4"), current)


def test_a_value_of_the_lab_that_is_gone_is_told_as_the_labs():
    """A policy whose file was deleted: whose value it is, and how to give another."""
    with pytest.raises(
        LabError, match=r"(?s)FIREWALL='gone' of the running lab names no file.*make up FIREWALL=connlimit"
    ):
        lab_knobs.merge_settings(asked_settings(), lab(FIREWALL="gone"))


def test_changes_are_said_with_what_they_replace(capsys):
    """Old, new and whose containers; and what is kept although .env says otherwise."""
    current = lab(PORT="443", CONNLIMIT="3", WORKLOAD="hold", GREETING="hi")
    lab_knobs.report_changes(
        current, lab_knobs.merge_settings(asked_settings(PORT="80", WORKLOAD="idle", GREETING=""), current)
    )
    assert capsys.readouterr().err.splitlines() == [
        "lab: GREETING hi -> empty: the server is replaced",
        "lab: PORT 443 -> 80: every host is replaced",
        "lab: WORKLOAD hold -> idle: the clients are replaced",
        "lab: keeping CONNLIMIT=3 of this lab; .env has CONNLIMIT=15, and make up CONNLIMIT=15 changes it",
    ]
    lab_knobs.report_changes(lab(), lab_knobs.merge_settings(asked_settings(), lab()))
    assert capsys.readouterr().err == ""
