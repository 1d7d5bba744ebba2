"""A queue that is too short for its clients: the big run is not exact, and says which counters moved and why."""

from __future__ import annotations

import json
import re

import pytest

from connlab.base.settings import HOME
from tests.support.in_process import call_lab
from tests.support.laboratory import own_settings

SOURCES, DIALS, LIMIT = 16, 20, 15


@pytest.mark.xdist_group("overload")  # a minute of it is echoes that do not come
def test_an_overloaded_listener_is_explained() -> None:
    """16 dials under way and room for three (BACKLOG=2): SYNs are dropped, and hold slots until they are sent again.

    Clients and kernel agree all the same: each refusal is one of the rule's packets, each admission a tracked
    connection. Sockets are fewer than these, because the ACK of an admitted dial finds the queue full (C10).
    """
    name = own_settings().project
    sizes = ("--sources", str(SOURCES), "--in-flight", str(SOURCES))
    result = call_lab("truth-at-scale", *sizes, COMPOSE_PROJECT_NAME=name, BACKLOG="2")
    assert result.returncode == 1, result.stdout[-2000:] + result.stderr
    (folder,) = re.findall(r"evidence: (runs/\S+);", result.stderr)
    answer = json.loads((HOME / folder / "truth-at-scale/answer.json").read_text())
    assert not answer["exact"]
    outcomes, server = answer["client"]["outcomes"], answer["server"]
    assert outcomes.keys() == {"established", "refused"}
    assert sum(outcomes.values()) == SOURCES * DIALS
    assert (outcomes["established"], outcomes["refused"]) == (server["counted"], server["rule_packets"])
    assert max(answer["admitted"]) <= LIMIT
    overflows, missing = answer["counters"]["TcpExtListenOverflows"], server["counted"] - server["sockets"]
    assert overflows > 0
    assert missing > 0
    more = server["rule_packets"] - SOURCES * (DIALS - LIMIT)
    assert f"{len(answer['wrong_in_tables'])} sources stand otherwise in the tables" in answer["problems"]
    assert len(answer["reasons"]) == 2 + (more > 0)
    assert f"\n{overflows:,} times the accept queue was full (ListenOverflows)" in result.stdout
    refused_more = re.findall(r"^the rule refused ([\d,]+) SYNs more", result.stdout, re.MULTILINE)
    assert refused_more == [f"{more:,}"] * (more > 0)
    assert f"\nthe limit counts {missing:,} connections that have no socket" in result.stdout
    assert (answer["left"]["sockets"], answer["left"]["counted"]) == (0, 0)
