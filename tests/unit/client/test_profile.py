"""The profile of a client host: told, or not started with."""

import json
import os
from pathlib import Path

import pytest

from connlab.cluster import readiness
from tests.support.files_variable import files_variable
from tests.unit.client.processes import WITHIN, lines


def kernel_value(key):
    """Read what this machine's kernel has for a key."""
    return Path("/proc/sys", key.replace(".", "/")).read_text().strip()


FIN, REUSE, RECYCLE = (f"net.ipv4.tcp_{name}" for name in ("fin_timeout", "tw_reuse", "tw_recycle"))


def profile(**keys):
    """Return the variable of a client whose profile `stock` has these values."""
    declared = "".join(f"net.ipv4.tcp_{key} = {value}\n" for key, value in keys.items())
    return files_variable(**{"sysctl/stock.conf": declared})


@pytest.mark.parametrize("workload", ["idle", "hold"])
def test_the_profile_is_told_before_ready(run, workload):
    """Each key with its values, one that this kernel does not have as absent."""
    own = profile(tw_recycle="1", fin_timeout=kernel_value(FIN), tw_reuse=kernel_value(REUSE))
    process = run("-m", "client", CLIENT_SYSCTL="stock", WORKLOAD=workload, **own)
    events = lines(process.stdout)
    keys = [next(events) for _ in range(3)]
    assert next(events)["event"] == "ready"
    assert [tuple(key[field] for field in ("event", "key", "declared", "effective", "state")) for key in keys] == [
        ("sysctl", RECYCLE, "1", None, "absent"),
        ("sysctl", FIN, kernel_value(FIN), kernel_value(FIN), "applied"),
        ("sysctl", REUSE, kernel_value(REUSE), kernel_value(REUSE), "applied"),
    ]  # fmt: skip


def test_a_host_that_is_not_what_it_claims_does_not_start(run):
    """Another value than declared: one line that says so, exit 1, never ready; the lab tells that line."""
    own = profile(tw_reuse=kernel_value(REUSE), fin_timeout="4711")
    process = run("-m", "client", CLIENT_SYSCTL="stock", WORKLOAD="idle", **own)
    output, _ = process.communicate(timeout=WITHIN)
    error = f"{FIN} is {kernel_value(FIN)}, sysctl/stock.yaml declares 4711"
    events = [json.loads(line) for line in output.splitlines()]
    assert [line["event"] for line in events] == ["sysctl", "sysctl", "sysctl_failed"]
    assert (process.returncode, events[1]["state"], events[2]["profile"]) == (1, "differs", "stock")
    assert (events[2]["error"], process.log.read_text()) == (error, "")
    assert readiness.reason(output.decode()) == error


def test_without_a_profile_nothing_is_claimed(run):
    """A process that nobody gave a profile is of the machine, whatever that is set to."""
    process = run("-m", "client", WORKLOAD="idle", **profile(fin_timeout="4711"))
    assert next(lines(process.stdout))["event"] == "ready"


def test_the_lab_can_look_at_the_profile(run):
    """`python3 -m client.sysctls`: what the events say, as one list; a bad name is refused."""
    output, _ = run("-m", "client.sysctls", CLIENT_SYSCTL="article", **files_variable()).communicate(
        timeout=WITHIN
    )
    values = {key["key"]: (key["declared"], key["effective"]) for key in json.loads(output)}
    assert values == {RECYCLE: ("1", None), REUSE: ("1", kernel_value(REUSE)), FIN: ("15", kernel_value(FIN))}
    process = run("-m", "client.sysctls", "echo", "more", CLIENT_SYSCTL="nope", **files_variable())
    assert (process.wait(WITHIN), "CLIENT_SYSCTL='nope'" in process.log.read_text()) == (2, True)


def test_a_command_takes_the_place_of_the_look_at_the_profile(run):
    """So one start of a process tells both: the list is a line, and what the command says comes after it."""
    command = ["sh", "-c", "echo $PPID; echo more"]
    process = run("-m", "client.sysctls", *command, CLIENT_SYSCTL="article", **files_variable())
    keys, parent, more = process.communicate(timeout=WITHIN)[0].splitlines()
    assert [key["key"] for key in json.loads(keys)] == [RECYCLE, REUSE, FIN]
    assert (int(parent), more.decode()) == (os.getpid(), "more")
