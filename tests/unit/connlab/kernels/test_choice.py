"""Which kernels are meant, and which cells contradict what was measured before."""

from __future__ import annotations

import pytest

from connlab.base.errors import Usage
from connlab.base.settings import HOME
from connlab.cli.main import run
from connlab.kernels.archive import Kernel
from connlab.kernels.choice import choose
from connlab.kernels.claims.registry import CLAIMS, groups
from connlab.kernels.matrix import contradictions

OWN = Kernel("6.18.44-x", (), ())
KNOWN = [
    Kernel("5.10.259", (), ("a",)), Kernel("5.10.262", ("bullseye-security",), ("b",)),
    Kernel("6.12.57", (), ("c",)), Kernel("6.12.117", ("trixie",), ("d",)),
    Kernel("6.12.118", ("trixie-security",), ("e",)), Kernel("7.3.4", ("trixie-backports",), ("f", "g")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "releases"),
    [
        ([], ["6.18.44-x", "5.10.262", "6.12.118", "7.3.4"]),  # a suite's security updates are its own
        (["newest"], ["6.18.44-x", "5.10.262", "6.12.118", "7.3.4"]),
        (["engine"], ["6.18.44-x"]),
        (["7.3.4", "engine", "engine"], ["7.3.4", "6.18.44-x"]),
        (["6.12.57", "5.10.259"], ["6.12.57", "5.10.259"]),
        (["7.3.4", "7.3.4"], ["7.3.4"]),
        (["all"], ["6.18.44-x", *(kernel.release for kernel in KNOWN)]),
    ],
)
def test_kernels_are_chosen_by_release(words, releases):
    """Or the engine's own and the newest of each suite, or all."""
    assert [kernel.release for kernel in choose(words, KNOWN, OWN)] == releases


@pytest.mark.parametrize(
    ("word", "said"),
    [("6.12", "names several"), ("6.1", "no suite"), ("6.12.5", "no suite"), ("", "no suite")],
)
def test_what_names_none_or_several_is_refused(word, said):
    """6.12.5 is not the beginning of 6.12.57."""
    with pytest.raises(Usage, match=said):
        choose([word], KNOWN, OWN)


@pytest.mark.parametrize("words", [["all", "6.12.57"], ["engine", "newest"], ["all", "all"]])
def test_a_word_for_several_stands_alone(words):
    """It is no release that no suite has."""
    with pytest.raises(Usage, match=r"'(all|newest)' is several kernels"):
        choose(words, KNOWN, OWN)


def test_a_claim_that_is_none_is_bad_usage(capsys):
    """Before any engine is asked."""
    assert run(["kernels", "--claims", "bursts"]) == 2
    assert "no claim is named bursts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("claim", "verdict", "figures", "contradicts"),
    [
        ("burst", "refuted", {}, False), ("burst", "holds", {}, True), ("burst", "cannot_run", {}, False),
        ("loopback", "holds", {"rounds": ["15/5", "15/5"]}, False),
        ("loopback", "refuted", {"rounds": ["20/0", "0/0"]}, True),
        ("ports", "refuted", {}, False),
    ],
)  # fmt: skip
def test_a_cell_is_held_against_what_was_measured_before(claim, verdict, figures, contradicts):
    """6.12.57 locks a source out, and limits loopback."""
    cell = {"kernel": "6.12.57", "claim": claim, "verdict": verdict, "figures": figures, "words": "x"}
    assert bool(contradictions({"cells": [cell]})) is contradicts
    assert bool(contradictions({"cells": [{**cell, "kernel": "6.12.57-fc-v2"}]})) is contradicts
    assert contradictions({"cells": [{**cell, "kernel": "6.12.58"}]}) == []


def test_the_page_has_every_claim():
    """With its sentence."""
    page = (HOME / "docs" / "kernels.md").read_text()
    assert [name for name, claim in CLAIMS.items() if f"| `{name}` | {claim.sentence} |" not in page] == []


def test_claims_that_wait_are_measured_beside_each_other():
    """In the order that was asked for; one that is alone in what was asked for, is alone."""
    assert list(groups(["syns", "boundary", "ports", "burst"])) == [
        ["syns", "ports"],
        ["boundary"],
        ["burst"],
    ]
    assert list(groups(["ports", "loopback"])) == [["ports"], ["loopback"]]
