"""`lab truth-at-scale`: 1,024 sources, each admitted to its limit and refused beyond it, by every witness."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest

from connlab.base.settings import HOME
from connlab.cluster import hosts
from connlab.evidence import runs
from tests.support.in_process import call_lab
from tests.support.laboratory import own_settings
from tests.support.processes import lab_command

SOURCES = 1024


def project() -> str:
    """Return a name that no other lab has."""
    return own_settings().project


def test_every_source_of_a_thousand_is_judged_exactly() -> None:
    """15 of 20 for each: by the clients, the rule's counter, sockets and conntrack; all alive, and all gone again.

    The lab is removed, and what is left in runs/ can be drawn.
    """
    name = project()
    result = call_lab("truth-at-scale", "--json", COMPOSE_PROJECT_NAME=name)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    answer = json.loads(result.stdout)
    assert (answer["exact"], answer["problems"]) == (True, [])
    assert answer["admitted"] == [15] * SOURCES
    assert answer["client"]["outcomes"] == {"established": 15_360, "refused": 5_120}
    assert answer["server"]["rule_packets"] == 5_120
    assert (answer["server"]["sockets"], answer["server"]["counted"], answer["alive"]) == (15_360,) * 3
    assert (answer["left"]["sockets"], answer["left"]["counted"]) == (0, 0)
    memory = answer["memory"]
    assert memory["server"]["held"] > memory["server"]["before"] > 0
    assert memory["clients"]["held"] > memory["clients"]["before"] > 0
    assert memory["per_connection"] * 15_360 >= memory["clients"]["held"]
    assert sum(row["dials"] for row in answer["over_time"]) == 20_480
    assert len(runs.charts(HOME / answer["evidence"])) == 2
    assert re.search(r"of 15,360 established, [\d,]+/s", result.stderr), result.stderr
    assert hosts.projects(name) == set()


@pytest.mark.variation
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_takes_its_lab_along(number: signal.Signals) -> None:
    """In the middle of the dials: nothing of it is left, and the exit status is a shell's."""
    name = project()
    variables = {**os.environ, "COMPOSE_PROJECT_NAME": name}
    with subprocess.Popen(
        lab_command("truth-at-scale", "--sources", "256"), cwd=HOME, env=variables,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        words = next(line for line in process.stderr if "sources each are up" in line)
        assert hosts.projects(name)
        process.send_signal(number)
        process.communicate()
    assert process.returncode == 128 + number, words
    assert hosts.projects(name) == set()


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ("1000", "SOURCES=1000 is no power of two from 16 to 16384"),
        ("0", "sources='0' is not a whole number from 1"),
    ],
)
def test_a_plan_that_cannot_be_starts_nothing(sources: str, words: str) -> None:
    name = project()
    result = call_lab("truth-at-scale", "--sources", sources, COMPOSE_PROJECT_NAME=name)
    assert (result.returncode, words in result.stderr) == (2, True), result.stderr
    assert hosts.projects(name) == set()
