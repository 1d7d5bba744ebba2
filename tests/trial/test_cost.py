"""What rules cost a dial (`make rule-cost`): so many connections are held, and each dial beside them is timed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.rule_cost import curve, measure
from bench.rules import PORT, RULES
from connlab.base import settings
from connlab.base.errors import LabError
from tests.support.sandboxes import Sandboxes

LIMIT = (
    f"*filter\n-A INPUT -p tcp --dport {PORT} --syn -m connlimit --connlimit-above {{}} -j REJECT"
    " --reject-with tcp-reset\nCOMMIT\n"
)


def asked(sandboxes: Sandboxes, text: str, held: list[int]) -> dict[str, Any]:
    """Ask for the cost of a text of iptables."""
    texts = [{"tool": "iptables", "text": text}]
    with sandboxes.sandbox(settings.read(), 60) as stream:
        stream.write(
            json.dumps({"id": 1, "do": "cost", "texts": texts, "port": PORT, "held": held, "dials": 5})
        )
        return dict(json.loads(stream.read_line(30)))


def test_so_many_are_held_and_each_dial_has_its_time(sandboxes: Sandboxes) -> None:
    """Two are held; a limit counts all that were closed in a tick, so it is beyond those."""
    rows = asked(sandboxes, LIMIT.format(60), [0, 2])["rows"]
    assert [(row["held"], row["open"], len(row["alone"]), len(row["row"])) for row in rows] == [
        (0, 0, 5, 50),
        (2, 2, 5, 50),
    ]
    assert all(took > 0 for row in rows for took in (*row["alone"], *row["row"]))


def test_a_dial_that_is_refused_is_no_figure(sandboxes: Sandboxes) -> None:
    """Three are held, one more is refused."""
    assert asked(sandboxes, LIMIT.format(3), [3])["error"].startswith("ConnectionRefusedError")


@pytest.mark.variation
def test_every_rule_is_loaded_and_lets_everybody_in(sandboxes: Sandboxes) -> None:
    """One round with few connections: a cost of each rule for each number, and a curve that a report can draw."""
    with sandboxes.sandbox(settings.read(), 60) as stream:
        costs = measure(stream, rounds=1, held=(0, 20))
    assert [(cost.rule, cost.held) for cost in costs] == [(rule, held) for rule in RULES for held in (0, 20)]
    drawn = {row["series"] for row in curve(costs)["vconcat"][0]["data"]["values"]}
    assert drawn == set(RULES)


def test_connections_that_the_kernel_lacks_are_told() -> None:
    """The count of the server's kernel is the second witness."""

    class Short:
        def write(self, line: str) -> None:
            self.line = line

        def read_line(self, within: float) -> str:
            return json.dumps({"id": 1, "rows": [{"held": 5, "open": 4, "alone": [1, 1], "row": [1, 1]}]})

    with pytest.raises(LabError, match="no rule: 5 connections were held, the kernel had 4"):
        measure(Short(), rounds=1, held=(5,))  # type: ignore[arg-type]
