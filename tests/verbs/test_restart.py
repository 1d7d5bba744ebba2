"""`lab restart`: the server binds again in its own network namespace, over what its connections left there.

client-1 ── connections, closed first by either side ──> server
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from connlab.actions.restart import STATUS
from connlab.agent.session import Agent
from connlab.base.model import Outcome, tally
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.kernel import snapshot
from tests.support.in_process import call_lab, call_on
from tests.support.laboratory import Lab, laboratory, own_settings
from tests.support.processes import knob_variables, lab_command, run_make

IN_USE = "[Errno 98] Address already in use"
HELD = 5


def restart(lab: Lab, reuse_address: int) -> dict:
    """Run `lab restart`, and return what it prints as JSON, with its exit status as `exit`."""
    command = call_on(lab.settings, "restart", "--json", REUSE_ADDRESS=str(reuse_address))
    assert command.returncode in (0, 1), command.stderr
    return {**json.loads(command.stdout), "exit": command.returncode}


def make(lab: Lab, *argv: str) -> subprocess.CompletedProcess:
    """Run `make ARGV` on this lab."""
    return run_make(*argv, **knob_variables(lab.settings))


def test_who_closed_first_decides_what_bind_says() -> None:
    """The client: nothing is in the way. The server: TIME_WAIT is, unless old and new socket have the flag (R01).

    The host, its policy and its client stay what they were, and the limit holds afterwards. In words, through make;
    a flag that is none is exit status 2.
    """
    with laboratory(CLIENTS=1) as lab, Agent(lab.clients[0]) as agent:
        before = lab.server.inspect()["State"]["StartedAt"], rules(lab)

        agent.open(HELD)
        agent.close()
        wait_until_closed(lab)
        client_first = restart(lab, 0)
        both = restart(lab, 1)  # from here on the old socket has the flag

        agent.open(HELD)
        at_once = restart(lab, 1)
        agent.recv()
        agent.close()
        over_time_wait = restart(lab, 1)
        without = restart(lab, 0)
        status = json.loads(call_on(lab.settings, "status", "--json").stdout)
        in_words = make(lab, "status")
        (nobody,) = agent.open(1)
        again = restart(lab, 1)
        attempts = agent.open(20)
        after = lab.server.inspect()["State"]["StartedAt"], rules(lab)

        agent.close()
        wait_until_closed(lab)
        agent.open(1)
        bad = make(lab, "restart", "REUSE_ADDRESS=2")
        failed = make(lab, "restart", "REUSE_ADDRESS=0")

    assert outcome(client_first) == (0, 0, None, 0)
    assert outcome(both) == (0, 0, None, 0)
    assert outcome(at_once)[:3] == (0, HELD, None)
    assert outcome(over_time_wait) == (0, 0, None, HELD)
    assert outcome(without) == (1, 0, IN_USE, HELD)
    listener = status["server"]["listener"]
    assert (listener["state"], listener["error"]) == ("failed", IN_USE)
    assert "LISTEN" not in without["sockets"]
    assert "not listening" in in_words.stdout
    assert f"none: bind(2), without SO_REUSEADDR: {IN_USE}; tried again each second" in in_words.stdout
    assert nobody.outcome is Outcome.REFUSED
    assert outcome(again) == (0, 0, None, HELD)
    assert tally(attempts) == {Outcome.ESTABLISHED: 15, Outcome.REFUSED: 5}
    assert after == before

    assert (bad.returncode, "REUSE_ADDRESS='2' is not a whole number from 0 to 1" in bad.stderr) == (2, True)
    assert failed.returncode == 2, "make's own, for the verb's 1"
    assert "server-1 closed its listener and 1 connection (FIN)" in failed.stdout
    assert f"bind(2), without SO_REUSEADDR: {IN_USE}; nobody is served" in failed.stdout
    assert "next: make status" in failed.stdout


@pytest.mark.variation
def test_where_nothing_is_in_the_way_it_says_how_to_see_what_the_flag_is_for() -> None:
    """Without the flag and without TIME_WAIT bind succeeds: said, with what to type, which does what is said of it.

    Not with the flag, nor where bind failed; the attempt that was to hold for ten minutes ends with its connections.
    """
    with laboratory(CLIENTS=1) as lab:
        with_flag, quiet = (call_on(lab.settings, "restart", REUSE_ADDRESS=flag) for flag in "10")
        held = ["attempt", "--count", "2", "--hold", "600", "--json"]
        variables = {**os.environ, **knob_variables(lab.settings)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(lab_command(*held), cwd=HOME, env=variables, **pipes) as attempt:
            assert "holding 2 connections" in attempt.stderr.readline()
            in_the_way = call_on(lab.settings, "restart", REUSE_ADDRESS="0")
            out, err = attempt.communicate(timeout=60)
    told = "nothing was in TIME_WAIT on port 12345: during `make attempt HOLD=60` the server closes first"
    assert (quiet.returncode, told in quiet.stdout) == (0, True)
    assert (with_flag.returncode, "nothing was" in with_flag.stdout) == (0, False)
    assert (in_the_way.returncode, IN_USE in in_the_way.stdout) == (1, True)
    assert "nothing was" not in in_the_way.stdout
    assert "the server ended 2 of 2 connections: none is left after " in err
    assert json.loads(out)["ended_by_server"] == 2


def test_a_lab_that_is_not_there() -> None:
    """It is told as that, exit status 1."""
    lab_settings = own_settings(CLIENTS=0)
    absent = call_lab("restart", COMPOSE_PROJECT_NAME=lab_settings.project)
    assert (absent.returncode, f"the lab {lab_settings.project} is not up" in absent.stderr) == (1, True)


def wait_until_closed(lab: Lab) -> None:
    """Wait until the server's own account has no open connection."""

    def account() -> dict:
        return json.loads(lab.server.run(STATUS))["sources"]

    until(lambda: not any(counts["open"] for counts in account().values()), "all are closed", within=20)


def outcome(result: dict) -> tuple:
    """Return exit status, connections closed, error and sockets in TIME_WAIT."""
    error = result["error"] and result["error"]["why"].removeprefix("bind(2): ")
    return result["exit"], result["closed"], error, result["time_wait"]


def rules(lab: Lab) -> list[str]:
    """Return the rules in the server's kernel, without their counters."""
    return [rule.text for rule in snapshot.read_ruleset(lab.server.run).rules]
