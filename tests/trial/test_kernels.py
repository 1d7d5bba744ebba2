"""`lab try --kernel`: the same trial in a guest with another kernel, of which every number is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from connlab.base import settings
from connlab.base.errors import NotFit
from connlab.cluster import engine
from connlab.cluster.idle_host import OWNER
from connlab.kernel.measured_kernels import LIMIT, MEASURED
from connlab.kernels import archive
from connlab.kernels.archive import Kernel
from connlab.trial.dialling.plan import BEYOND
from tests.support.in_process import call_lab
from tests.support.trial_schema import problems

# One guest at a time: another folder boots one, too.
pytestmark = [pytest.mark.xdist_group("kernels"), pytest.mark.timeout(900)]
RULES = f"""*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp --syn --dport 8081 -m connlimit --connlimit-above {LIMIT} -j REJECT --reject-with tcp-reset
-A INPUT -p tcp --syn --dport 8082 -m hashlimit --hashlimit-name x --hashlimit-above 5/sec -j DROP
COMMIT
"""
CONF = """net.ipv4.tcp_tw_reuse = 1
net.ipv4.tcp_tw_recycle = 1
vm.swappiness = 10
kernel.shmmax = 123456789
"""


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    """Return the newest kernel of stable; skips, with the reason, where no archive is in reach."""
    try:
        known = archive.listing(settings.read())
    except NotFit as unreachable:
        pytest.skip(f"no kernel is booted: {unreachable.what}")
    return next(each for each in reversed(known) if each.release in MEASURED and each.default)


@pytest.fixture(scope="module")
def answer(kernel: Kernel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Try a file of rules and one of kernel settings there."""
    folder: Path = tmp_path_factory.mktemp("kernel")
    (folder / "a.rules").write_text(RULES)
    (folder / "a.conf").write_text(CONF)
    files = (str(folder / "a.rules"), "--sysctl", str(folder / "a.conf"))
    # An emulated processor is slow: no more dials than the limit needs.
    result = call_lab("try", *files, "--dials", str(LIMIT + BEYOND), "--kernel", kernel.release, "--json")
    return dict(json.loads(result.stdout))


@pytest.fixture(scope="module")
def limited(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the count."""
    return next(row for row in answer["ports"] if (row["port"], row["family"]) == (8081, 4))


def test_the_answer_names_the_kernel(answer, kernel):
    """Its package, and what it says of itself, which the engine's own does not; nothing is left of the guest."""
    told = answer["kernel"]
    assert (told["release"], told["package"]) == (kernel.release, " ".join(kernel.packages))
    assert kernel.release in told["uname"]
    assert str(engine.client().version()["KernelVersion"]) not in told["uname"]
    assert problems(answer) == []
    mine = engine.client().api.containers(all=True, filters={"label": f"{OWNER}={os.getpid()}"})
    assert [each["Image"] for each in mine if archive.KERNEL in each["Image"]] == []


def test_a_count_does_what_was_measured_of_that_kernel(limited, kernel):
    """In turn, at once, at once again, and over loopback; with every witness."""
    measured = MEASURED[kernel.release]
    assert limited["pattern"] == f"E{LIMIT} R{BEYOND}"
    assert limited["burst"]["established"] == limited["bursts"]["established"][0] == LIMIT
    assert (min(limited["bursts"]["established"]) < LIMIT) == measured.locks_out
    assert limited["loopback"][0] == f"E{LIMIT} R{BEYOND}"
    assert limited["witnesses_agree"] is not False


def test_a_rate_of_seconds_is_not_tried(answer):
    """An emulated processor dials too slowly: the row says so, and nothing is found about the port."""
    row = next(row for row in answer["ports"] if (row["port"], row["family"]) == (8082, 4))
    assert "rate of seconds" in row["cannot_run"]
    assert not [each for each in answer["findings"] if (each["port"], each["family"]) == (8082, 4)]


def test_kernel_settings_are_those_of_the_guest(answer):
    """Set and read back there; of its machine no key is changed."""
    seen = {each["key"].rpartition(".")[2]: (each["after"], each["verdict"]) for each in answer["sysctls"]}
    assert seen["tcp_tw_reuse"] == ("1", ["other-side", "applied"])
    assert seen["tcp_tw_recycle"] == (None, ["absent"])
    assert seen["swappiness"] == ("60", ["machine-wide"])
    assert seen["shmmax"][0] == "123456789"
