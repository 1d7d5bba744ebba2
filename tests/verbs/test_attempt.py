"""`lab attempt` as a person types it: results as they come, a second witness of its own, and a clean end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime
from typing import IO

import pytest

from connlab.actions import attempt as attempts
from connlab.actions import witness
from connlab.actions.running_client import running_client
from connlab.agent.session import Agent
from connlab.base import errors
from connlab.base.model import Event, Outcome
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cluster import engine, engine_machine, hosts
from connlab.cluster.host import Host
from connlab.evidence import recorder
from tests.support.in_process import call_on
from tests.support.laboratory import Lab, close_on_server, laboratory, wait_until_free
from tests.support.pausing import pause
from tests.support.processes import knob_variables, lab_command
from tests.support.sockets import established
from tests.support.terminal import terminal

ESTABLISHED, REFUSED, TIMED_OUT = Outcome.ESTABLISHED, Outcome.REFUSED, Outcome.TIMED_OUT


def start_verb(lab: Lab, *argv: str, **environment: str) -> subprocess.Popen:
    """Start `lab ARGV` on this lab."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    variables = {**os.environ, **knob_variables(lab.settings), **environment}
    return subprocess.Popen(lab_command(*argv), cwd=HOME, env=variables, **pipes)


def call_verb(lab: Lab, *argv: str, **environment: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error of `lab ARGV`."""
    result = call_on(lab.settings, *argv, **environment)
    return result.returncode, result.stdout, result.stderr


@contextlib.contextmanager
def answer_rule(lab: Lab, client: Host, *target: str) -> Iterator[None]:
    """Insert a rule of the server for all SYNs of one client to the lab's port, ahead of the policy."""
    port = str(lab.settings.port)
    rule = ["INPUT", "-s", client.address, "-p", "tcp", "--dport", port, "--syn", "-j", *target]
    lab.server.run(["iptables", "-I", *rule])
    try:
        yield
    finally:
        lab.server.run(["iptables", "-D", *rule])


def test_refusals_of_others_are_not_ours(trio: Lab) -> None:
    """While another client is refused without end: five of our source, and more of all sources together."""
    with Agent(trio.clients[0]) as other:
        other.open(15)
        other.start_open(20_000, gap_ms=12)  # as long as it takes: it stops with its stream
        result = attempts.attempt(trio.settings, 2, 20, 0)
    assert result["outcomes"] == {ESTABLISHED: 15, REFUSED: 5}
    assert (result["refused_by_policy"], result["complete"]) == (5, True)
    assert result["rule_packets"] > 5, "the control: others were refused meanwhile"
    assert "the server reported 5 refusals of this source" in result["witness"]


def test_both_looks_are_one_command_on_the_server(trio: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look sees what happened since the first, and nothing was started for it."""
    (client, *_), server = trio.clients, hosts.find(trio.settings.project)[0]
    monkeypatch.setattr(Host, "run", lambda *_: pytest.fail("a second command was started"))
    with Agent(client) as agent, witness.repeated_command(server) as asked:
        before = witness.sample_server(asked).snapshot
        agent.open(2)
        after = witness.sample_server(asked).snapshot
    held = [sample.held(trio.settings.port)[client.address] for sample in (before, after)]
    assert held == [0, 2]


def test_a_refusal_that_is_not_reported(trio: Lab) -> None:
    """The NFLOG rule reports RSTs; an ICMP answer is counted by its rule alone, and the count says `at least`."""
    client = trio.clients[1]
    with answer_rule(trio, client, "REJECT", "--reject-with", "icmp-port-unreachable"):
        result = attempts.attempt(trio.settings, client.number, 3, 0)
        status, out, _ = call_verb(trio, "connect", "--client", str(client.number), "--json")
    assert result["outcomes"] == {REFUSED: 3}
    assert (result["refused_by_policy"], result["complete"], result["rule_packets"]) == (0, False, 3)
    assert "at least 0 refusals of this source (not every refusal is reported)" in result["witness"]
    answer = json.loads(out)
    assert (status, answer["outcome"], answer["errno"]) == (1, "refused", "ECONNREFUSED")
    assert (answer["refused_by_policy"], answer["complete"]) == (0, False)


def test_dials_that_hang_run_together(trio: Lab) -> None:
    """All are started before the first one ends, 12 ms apart, and each row says when it was.

    Each repeats its SYN after a second, and the rule counts that again: the client's kernel has counted them too.
    """
    client = trio.clients[2]
    with answer_rule(trio, client, "DROP"):
        _, out, _ = call_verb(trio, "attempt", "--client", str(client.number), "--count", "20", "--json")
        _, silence, _ = call_verb(trio, "connect", "--client", str(client.number))
    result = json.loads(out)
    rows = sorted(result["attempts"], key=lambda row: row["number"])
    assert (result["outcomes"], result["error"]) == ({TIMED_OUT: 20}, None)
    assert [row["number"] for row in rows] == list(range(1, 21))
    first, last = rows[0], rows[-1]
    again = result["repeated_syns"]
    assert result["rule_packets"] == 20 + again >= 40
    why = f"(dials not established: 20; SYNs that the client repeated, each counted again: {again})"
    assert why in result["witness"]
    assert "(dials not established: 1; SYNs that the client repeated, each counted again: " in silence
    assert last["start_ns"] < first["start_ns"] + first["us"] * 1000
    assert last["start_ns"] - first["start_ns"] >= 19 * 12_000_000


@pytest.mark.parametrize("how", ["pipe", "terminal"])
def test_rows_come_as_they_are_known_and_an_interrupt_keeps_them(trio: Lab, how: str) -> None:
    """The first refusal is read while thousands of dials are to come; then Ctrl-C: the sums, 130, all released."""
    client = trio.clients[0]
    argv = ("attempt", "--client", str(client.number), "--count", "20000")
    if how == "terminal":
        with terminal(trio, *argv) as person:
            output = person.until("ECONNREFUSED")
            person.type("\x03")
            output += person.rest()
            status = person.status()
    else:
        with start_verb(trio, *argv) as process:
            output = _read_until(process, "ECONNREFUSED")
            process.send_signal(signal.SIGINT)
            rest, err = process.communicate(timeout=60)
            output, status = output + rest + err, process.returncode
    assert status == 130
    assert output.count("outcome") == 1, "one heading"
    assert "15 established" in output
    assert "of 20000 dials ended)" in output
    assert "lab: interrupted" in output
    wait_until_free(trio)


def test_an_interrupt_leaves_one_document(trio: Lab) -> None:
    """With --json: all attempts so far, `interrupted`, and 130. The host's own log says when the first is refused."""
    client, began = trio.clients[1], engine_machine.now()
    with start_verb(trio, "attempt", "--client", str(client.number), "--count", "20000", "--json") as process:
        until(
            lambda: _events(client, began, "attempt", outcome="refused"),
            "a dial is refused",
            within=30,
            every=0.1,
        )
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    result = json.loads(out)
    assert (process.returncode, result["interrupted"], result["asked"]) == (130, True, 20000)
    assert result["outcomes"]["established"] == 15, result["outcomes"]
    assert len(result["attempts"]) == sum(result["outcomes"].values()) < 20000
    assert result["refused_by_policy"] >= result["outcomes"].get("refused", 0)
    wait_until_free(trio)


def test_a_hold_is_announced_and_can_be_cut_short(trio: Lab) -> None:
    """The sums stand before it, the connections are the server's meanwhile, and Ctrl-C gives them back."""
    client = trio.clients[2]
    with terminal(trio, "attempt", "--client", str(client.number), "--count", "2", "--hold", "600") as person:
        output = person.until("holding 2 connections, 600 s left")
        assert "2 established; the server reported 0 refusals" in output
        connections = established(trio.server, trio.settings.port)
        assert [socket.peer for socket in connections] == [client.address] * 2
        person.type("\x03")
        assert "lab: interrupted" in person.rest()
        assert person.status() == 130
    wait_until_free(trio)


def test_a_hold_is_over_when_the_server_has_ended_all(trio: Lab) -> None:
    """Of two for ten minutes it ends one, and that is said at once; then the other: a result, long before its time."""
    client, port = trio.clients[1], trio.settings.port
    argv = ("attempt", "--client", str(client.number), "--count", "2", "--hold", "600", "--json")
    with start_verb(trio, *argv) as process:
        _read_until(process, "holding 2 connections, 600 s left", process.stderr)
        first, _ = established(trio.server, port)
        assert close_on_server(trio.server, client.address, first.peer_port) == 1
        _read_until(process, "holding 1 connection (the server ended 1 of 2 connections), ", process.stderr)
        assert close_on_server(trio.server, client.address) == 1
        out, err = process.communicate(timeout=60)
    assert "the server ended 2 of 2 connections: none is left after " in err
    result = json.loads(out)
    assert (process.returncode, result["error"], result["interrupted"]) == (0, None, False)
    assert (result["ended_by_server"], result["released"]) == (2, {"fin": 2})
    assert result["held_seconds"] < 600
    wait_until_free(trio)


def test_a_killed_attempt_dials_no_more(trio: Lab) -> None:
    """SIGKILL in the middle of 20,000 dials: its agent is gone, long before the ten seconds that a script has."""
    client, began = trio.clients[0], engine_machine.now()
    with start_verb(trio, "attempt", "--client", str(client.number), "--count", "20000") as process:
        until(
            lambda: _events(client, began, "attempt", outcome="refused"),
            "a dial is refused",
            within=30,
            every=0.1,
        )
        process.kill()
        until(
            lambda: _events(client, began, "agent", state="closed"), "its agent has gone", within=8, every=0.1
        )
    wait_until_free(trio)
    result = attempts.attempt(trio.settings, client.number, 20, 0)
    assert result["outcomes"] == {ESTABLISHED: 15, REFUSED: 5}


def test_talk_without_docker_s_command(trio: Lab) -> None:
    """This machine is not fit for it (3), in a sentence."""
    status, out, err = call_verb(trio, "talk", PATH="/nonexistent")
    assert (status, out) == (3, "")
    assert err.startswith("lab: the command docker cannot be run: No such file or directory")
    assert "next: install" in err


@pytest.mark.variation
def test_hosts_that_are_not_there_are_said_to_be_so() -> None:
    """A client off the network, one that is killed in the middle, a server that is paused, then one that is gone.

    Before that: a workload that an ICMP answer refuses tells it as refused.
    """
    with laboratory(CLIENTS=2, WORKLOAD="burst", DIALS=2, PERIOD=1) as lab:
        (one, other), began = lab.clients, engine_machine.now()
        with answer_rule(lab, one, "REJECT", "--reject-with", "icmp-port-unreachable"):
            until(
                lambda: _events(one, began, "tally", attempts=2, refused=2),
                "a round is refused",
                within=30,
                every=0.1,
            )

        network = hosts.networks(lab.settings.project)[0]["Id"]
        engine.client().api.disconnect_container_from_network(one.id, network)
        status, out, err = call_verb(lab, "attempt")
        assert (status, out) == (1, "")
        assert err == "lab: client-1 is not on the lab's network\n  next: make up, which brings it back\n"
        status, out, _ = call_verb(lab, "connect")
        assert status == 1
        assert out.endswith(
            "client-1 is not on the lab's network\n  next: make up, which brings it back\n"
        ), out

        with start_verb(lab, "attempt", "--client", "2", "--count", "20000") as process:
            _read_until(process, "ECONNREFUSED")
            other.signal("KILL")
            out, err = process.communicate(timeout=60)
        assert (process.returncode, "15 established" in out) == (1, True)
        assert "lab: client-2 is exited: it went away in the middle" in err
        with pytest.raises(
            errors.LabError, match=r"client-2 is not running: exited \(137\)\n  next: make up"
        ):
            running_client(hosts.find(lab.settings.project), 2)

        pause(lab.server.id)
        status, out, err = call_verb(lab, "attempt")
        assert (status, out) == (1, "")
        assert err.startswith(
            f"lab: server-1 of the lab {lab.settings.project} is not running: paused\n  next: "
        )
        status, out, _ = call_verb(lab, "connect", lab.server.address, "9", "--timeout", "1")
        assert (status, "server-1 could not be asked: it is paused" in out) == (1, True)

        status, _, err = call_verb(lab, "sockets")
        assert (status, "server-1 of the lab" in err, "is not running: paused" in err) == (1, True, True)

        engine.client().api.remove_container(lab.server.id, force=True)
        status, out, err = call_verb(lab, "attempt")
        assert (status, out) == (1, "")
        assert err == f"lab: the lab {lab.settings.project} has no server\n  next: make up\n"
        status, out, _ = call_verb(lab, "connect")
        assert (status, "nothing was dialled: the lab has no server\n  next: make up" in out) == (1, True)


def _read_until(process: subprocess.Popen, text: str, stream: IO[str] | None = None) -> str:
    """Return a command's output, or what this stream of it has, up to the line that has this text."""
    output = ""
    while text not in output:
        line = (stream or process.stdout).readline()
        assert line, f"ended without {text!r}: {output}{process.stderr.read()}"
        output += line
    return output


def _events(host: Host, since: datetime, event: str, **fields: object) -> list[Event]:
    """Return a host's events of this name with these fields since a moment; other tests use the host too."""
    events = recorder.read_events([host], since.isoformat())
    return [one for one in events if one.event == event and fields.items() <= dict(one.fields).items()]
