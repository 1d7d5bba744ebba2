"""`lab try --kernel` of several: which kernels are meant, and what the screen says of their answers."""

from __future__ import annotations

from typing import Any

import pytest

from connlab.base import settings
from connlab.base.errors import Usage
from connlab.cli.show import kernels_tried
from connlab.cli.show.terminal import Terminal
from connlab.cli.verbs import trying_kernels
from connlab.cli.verbs.trial_request import Typed, request
from connlab.kernels.archive import Kernel
from connlab.trial.answer.differences import differences
from tests.support.trial_answers import answer, row

LOCKED = {"dials": 45, "took_ms": [4, 4, 4], "established": [20, 0, 0], "alone": 28, "alone_established": 20}
TWO = [Kernel("6.12.57", (), ("a",)), Kernel("6.12.118", ("trixie",), ("b",))]


def one(release: str, of: dict[str, Any] | None, reason: str = "") -> dict[str, Any]:
    """Return the entry of a kernel."""
    return {"release": release, "answer": of, "reason": reason}


def shown(capsys: pytest.CaptureFixture[str], *rows: dict[str, Any]) -> list[list[str]]:
    """Return the words of each line that the screen has."""
    answers = {each["release"]: each["answer"] for each in rows if each["answer"]}
    kernels_tried.screen({"kernels": rows, "findings": differences(answers) if len(answers) > 1 else []})
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_each_kernel_has_a_line_with_its_figures(capsys):
    """Of a row that is limited; what differs is below, and a kernel that was not tried is named with the reason."""
    lines = shown(
        capsys,
        one("5.10.262", answer(ports=[row(), row(port=8090, limit=None)])),
        one("6.12.57", answer(ports=[row(bursts=LOCKED, frees=2.5), row(port=8090, limit=None)])),
        one("5.10.257", None, "Linux 5.10.257 cannot be had: 404"),
    )
    (usual,) = [line for line in lines if "5.10.262" in line and "443" in line]
    assert " ".join(usual).startswith(
        "443 IPv4 5.10.262 E20 T10 20 of 30 20, 20, 20 of 45 30 of 30 at once E20 T10"
    )
    (other,) = [" ".join(line) for line in lines if line[:1] == ["6.12.57"]]
    assert other.startswith("6.12.57 E20 T10 20 of 30 20, 0, 0 of 45 20 of 28 after 2.5 s")
    assert sum(line[:1] == ["kernels-differ"] for line in lines) == 2
    assert lines[-1][:3] == ["not", "run", "5.10.257"]


def test_a_burst_that_was_none_has_its_time(capsys):
    """On a busy machine: twenty of each got in, in a time in which a kernel forgets them."""
    slow = {**LOCKED, "established": [20] * 3, "took_ms": [4, 33.5, 41]}
    (line,) = [
        line for line in shown(capsys, one("6.12.57", answer(ports=[row(bursts=slow)]))) if "443" in line
    ]
    assert "20, 20, 20 of 45 (in 33.5 ms) 20 of 28" in " ".join(line)


def test_of_a_rate_of_seconds_it_is_said_what_is_not_compared(capsys):
    """Numbers that differ are there, and yet no finding."""
    rows = [row(by_seconds=True, pattern=pattern) for pattern in ("E6 R4 E1 R5", "E5 R1 E1 R9")]
    lines = shown(
        capsys,
        *(one(name, answer(ports=[each, row(port=80)])) for name, each in zip("ab", rows, strict=True)),
    )
    said = " ".join(word for line in lines for word in line)
    assert "a matter of pace, and not compared: 443 over IPv4 the same on each kernel" in said


def test_rows_of_one_port_are_told_apart(capsys):
    """Of several nets each is named by its own, in the table and below: one is limited, and the other is not."""
    inside, outside = {"from": "10.0.0.0/8", "via": "eth0"}, {"via": "wan0"}
    ports = [row(**inside, by_seconds=True), row(**outside, limit=None), row(port=80, limit=None)]
    lines = [" ".join(line) for line in shown(capsys, *(one(name, answer(ports=ports)) for name in "ab"))]
    assert sum(line.startswith("443 IPv4 from 10.0.0.0/8 via eth0 a") for line in lines) == 1
    assert any(line.endswith("not compared: 443 over IPv4 from 10.0.0.0/8 via eth0") for line in lines)
    assert any(line == "not limited on any: 443 over IPv4 via wan0, 80 over IPv4" for line in lines)


def test_at_80_columns_no_word_and_no_kernel_is_broken(capsys, monkeypatch):
    """The widest rows that there are; what is folded is folded between words."""
    monkeypatch.setattr(kernels_tried, "console", lambda: Terminal(highlight=False, width=80))
    lines = shown(capsys, one("6.12.118", answer(ports=[row(bursts=LOCKED, frees=2.5)])))
    table = lines[: next(n for n, line in enumerate(lines) if line[:2] == ["E", "established,"])]
    words = {word for line in table for word in line}
    assert words >= {"443", "IPv4", "6.12.118", "after", *" ".join(kernels_tried.COLUMNS).split()}


def test_kernels_that_do_the_same_are_said_to(capsys):
    """Nothing else is between the table and their findings."""
    lines = shown(capsys, one("5.10.262", answer()), one("6.12.57", answer()))
    assert ["the", "same", "on", "each", "kernel"] in lines


def test_a_page_is_of_one_kernel():
    """Said before anything is booted."""
    asked = request(
        Typed(files=["tests/unit/data/iptables-save.txt"], kernels=["6.12.57 6.12.118"]), of_make=False
    )
    assert list(asked.kernels) == ["6.12.57", "6.12.118"]
    with pytest.raises(Usage, match="--open draws one trial"):
        trying_kernels.try_several(asked, TWO, as_json=False, is_opened=True, junit=lambda compared: None)


def test_without_a_word_it_is_the_engines_own():
    """No archive is asked."""
    asked = request(Typed(files=["tests/unit/data/iptables-save.txt"]), of_make=False)
    assert (asked.settings, trying_kernels.chosen(asked)) == (settings.read(), [])
