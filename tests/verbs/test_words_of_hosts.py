"""What the lab says of hosts that ended, of a profile that nobody can read, and of names that are too long."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connlab.base.errors import LabError
from connlab.base.model import events
from connlab.cluster import hosts, lifecycle, readiness
from connlab.cluster.engine import client
from tests.support.checkout import checkout
from tests.support.laboratory import laboratory, own_settings
from tests.support.processes import run_lab
from tests.support.variations import then_variations


@pytest.mark.variation
def test_the_longest_project_and_an_end_without_a_word() -> None:
    """51 characters: with `_client_1000` a DNS label of 63, which Docker's resolver still answers.

    A host that was killed says nothing: the signal is told, and the exit status of one that refused to start.
    """
    name = own_settings().project
    with laboratory(COMPOSE_PROJECT_NAME=name + "0" * (51 - len(name)), CLIENTS=1) as lab:
        assert len(lab.settings.project) == 51
        names = [event.host for host in (lab.server, *lab.clients) for event in events(host.log())]
        assert set(names) == {"server-1", "client-1"}
        assert [host.name for host in lifecycle.hosts.find(lab.settings.project)] == ["server-1", "client-1"]

        for host, name, words in (
            (lab.clients[0], "KILL", r"client-1 ended, exit status 137 \(SIGKILL\): "),
            (lab.server, "KILL", r"server-1 ended, exit status 137 \(SIGKILL\): "),
        ):
            client().api.kill(host.id, name)
            client().api.wait(host.id)
            (host_now,) = [each for each in hosts.find(lab.settings.project) if each.id == host.id]
            with pytest.raises(LabError, match=words + r"\S+[^\0]+\n  next: "):
                readiness.is_ready(host_now, ask=False)


@pytest.mark.parametrize(
    ("damage", "why"),
    then_variations(
        (b"services: {host: [/proc/x]}\n", "sysctl/stock.yaml: it has no mapping"),
        (b"\xff\xfe\n", "sysctl/stock.yaml: it is not UTF-8"),
    ),
)
def test_doctor_tells_of_a_profile_that_it_cannot_read(tmp_path: Path, damage: bytes, why: str) -> None:
    """As a row that failed, with the fix, and all other rows are told; no traceback."""
    copy, lab_settings = checkout(tmp_path), own_settings(CLIENTS=0)
    (copy / "sysctl/stock.yaml").write_bytes(damage)
    variables = {"PYTHONPATH": str(copy), "COMPOSE_PROJECT_NAME": lab_settings.project}
    result = run_lab("doctor", "--json", folder=copy, **variables)
    assert (result.returncode, result.stderr) == (3, "")
    rows = {row["name"]: row for row in json.loads(result.stdout)["checks"]}
    assert rows["sysctls"]["result"] == "FAIL"
    assert rows["sysctls"]["detail"].startswith(why)
    assert rows["sysctls"]["fix"]
    assert rows["leftovers"]["result"] in ("PASS", "WARN")
