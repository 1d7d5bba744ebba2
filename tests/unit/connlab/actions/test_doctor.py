"""Whose knobs `doctor` judges: those of the lab that is up, else those of the menu."""

from __future__ import annotations

import pytest

from connlab.actions import doctor, lab_checks, machine_checks
from connlab.base import settings
from connlab.cluster import capacity, engine, hosts, lab_knobs, plan
from connlab.cluster.lab_knobs import LabKnobs
from tests.support import menu


@pytest.fixture(autouse=True)
def _one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an engine, room for every lab, and each check but that of the capacity pass."""
    monkeypatch.setattr(engine, "client", lambda: None)
    monkeypatch.setattr(hosts, "find", lambda *_: [])
    monkeypatch.setattr(capacity, "check", lambda *_: None)
    monkeypatch.setattr(plan, "shortages", lambda *_: [])
    for module in (machine_checks, lab_checks):
        for name in vars(module):
            if name.startswith("check_") and name != "check_memory":
                monkeypatch.setattr(module, name, lambda *_: {"name": "other", "result": "PASS"})


def capacity_row(monkeypatch: pytest.MonkeyPatch, own: LabKnobs | None, **given: str) -> str:
    """Return what is said of the capacity where a lab has these knobs of its own and the call these."""
    monkeypatch.setattr(lab_knobs, "read_lab_knobs", lambda *_: own)
    asked = settings.checked({**menu.MENU, **given}, frozenset(given), menu.MENU)
    (row,) = [row for row in doctor.examine(asked) if row["name"] == "capacity"]
    return row["detail"]


def test_the_capacity_is_for_the_lab_that_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six clients, though the menu has three; as many as are asked for; without a lab those of the menu."""
    own = LabKnobs({**menu.MENU, "CLIENTS": "6"}, menu.MENU)
    assert capacity_row(monkeypatch, own).startswith("enough for 6 clients, ")
    assert capacity_row(monkeypatch, own, CLIENTS="9").startswith("enough for 9 clients, ")
    assert capacity_row(monkeypatch, own, CLIENTS="1").startswith("enough for 1 client, ")
    assert menu.MENU["CLIENTS"] == "3"
    assert capacity_row(monkeypatch, None).startswith("enough for 3 clients, ")


def test_a_knob_of_the_lab_that_is_no_good_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy whose file is gone: said first, a fault of the lab (1) and not of the machine; all else is examined."""
    own = LabKnobs({**menu.MENU, "FIREWALL": "gone"}, menu.MENU)
    monkeypatch.setattr(lab_knobs, "read_lab_knobs", lambda *_: own)
    rows = doctor.examine(settings.checked(menu.MENU, frozenset(), menu.MENU))
    assert (rows[0]["name"], rows[0]["result"]) == ("knobs", "FAIL")
    assert "FIREWALL='gone' of the running lab names no file" in rows[0]["detail"]
    assert rows[0]["fix"] == "make up FIREWALL=connlimit"
    assert (len(rows), doctor.exit_code(rows)) == (11, 1)
