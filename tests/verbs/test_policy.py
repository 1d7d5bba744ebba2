"""The policy of a running lab: what is in the kernel is compared with what was loaded, told, and brought back.

client-1 ──┐
client-2 ──┼── bridge ── server   its rules are flushed, replaced, zeroed, or joined by others
client-3 ──┘
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from connlab.actions import doctor, lab_checks
from connlab.agent.session import Agent
from connlab.base.model import Outcome, tally
from connlab.cluster import lifecycle
from connlab.cluster.reload import reload
from connlab.kernel import policy, snapshot
from tests.support.in_process import call_on
from tests.support.laboratory import Lab
from tests.support.variations import then_variations

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT = (
    "-p tcp -m tcp --dport 12345 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above {} "
    "--connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset"
)
FOREIGN = "nft 'add table inet x; add chain inet x c {{ type filter hook input priority -10; }}; add rule inet x c {}'"


@pytest.fixture(scope="module")
def dialling(_trio: Lab) -> Iterator[Agent]:
    """Start one agent for the many tests that only see whether the limit holds."""
    with Agent(_trio.clients[1]) as agent:
        yield agent


@pytest.fixture
def lab(trio: Lab) -> Iterator[Lab]:
    """Return a lab whose policy tests may break, in force again afterwards."""
    yield trio
    reload(trio.server)


def state_after(lab: Lab, *commands: str) -> dict:
    """Run these commands on the server, and return the state of its policy."""
    lab.server.run(["sh", "-ec", "; ".join(commands)])
    return read_state(lab)


def read_state(lab: Lab) -> dict:
    """Return the state of the policy, as `status` has it."""
    return policy.policy_state(snapshot.read_ruleset(lab.server.run))


@pytest.mark.variation  # the fault walk flushes them too (docs/faults.md)
def test_flushed_rules_are_told_by_every_verb_and_up_brings_them_back(lab: Lab) -> None:
    """`iptables -F`: status, attempt and doctor say drift and exit 1; `up` heals, the connections live on.

    Those five are not counted from then on (C16): told exactly, until they end.
    """
    assert call_on(lab.settings, "status").returncode == 0
    lab.server.run(["iptables", "-F"])
    with Agent(lab.clients[0]) as agent:
        assert tally(agent.open(5)) == {ESTABLISHED: 5}

        status = call_on(lab.settings, "status")
        assert status.returncode == 1
        assert "policy drift" in status.stdout
        assert "missing in filter: -A INPUT -p tcp -m tcp --dport 12345" in status.stdout
        assert "15 connections per source" not in status.stdout
        attempt = call_on(lab.settings, "attempt", "--client", "2", "--count", "17")
        assert (attempt.returncode, attempt.stderr) == (1, "")
        assert "17 established" in attempt.stdout
        assert "no rule refused a packet" in attempt.stdout
        assert "policy drift" in attempt.stdout
        row = lab_checks.check_running(lab.settings)
        assert (row["result"], doctor.exit_code([row])) == ("FAIL", 1)

        up = call_on(lab.settings, "up")
        assert up.returncode == 0, up.stderr
        assert "missing in filter" in up.stderr
        assert "5 connections from before are not counted" in up.stdout
        assert lifecycle.hosts.find(lab.settings.project, "server")[0].id == lab.server.id
        state = json.loads(call_on(lab.settings, "status", "--json").stdout)["policy"]
        assert (state["state"], state["difference"]) == ("in_force", [])
        assert (state["uncounted"], state["uncounted_at_most"], state["limit"]) == (5, 5, 15)
        assert tally(agent.open(17)) == {ESTABLISHED: 15, REFUSED: 2}
        agent.close()
    state = read_state(lab)
    assert (state["uncounted"], state["uncounted_at_most"]) == (0, 0)
    assert "not counted" not in call_on(lab.settings, "status").stdout


@pytest.mark.parametrize(
    ("commands", "difference", "limit"),
    then_variations(
        (["iptables -R INPUT 1 " + LIMIT.format(3)], ["missing in filter", "added in filter"], 3),
        (["iptables -D INPUT 1", "iptables -A INPUT " + LIMIT.format(15)], ["loaded again in filter"], 15),
        (["iptables-save -t filter > /tmp/x", "iptables-restore /tmp/x"], ["loaded again in filter"] * 2, 15),
        (["iptables -P INPUT DROP"], ["added in filter: -P INPUT DROP"], None),
        (["iptables -I INPUT -s 10.9.8.7 -m comment --comment 'no -j REJECT' -j ACCEPT"], ["added in filter"], None),
        (["iptables -t raw -A PREROUTING -p tcp --dport 12345 -j DROP"], ["added in raw"], None),
        (["iptables -t nat -A PREROUTING -p tcp --dport 12345 -j REDIRECT --to-ports 9"], ["added in nat"], None),
        ([FOREIGN.format("tcp dport 12345 counter drop")], ["added in inet x c"], None),
        (["nft add rule ip filter INPUT tcp dport 12345 ct count over 3 drop"], ["added in filter INPUT"], None),
        (["nft add chain ip filter early '{ type filter hook input priority -5; policy drop; }'"],
         ["added in filter early: policy drop"], None),
        (["nft delete table ip filter"], ["missing in filter"] * 2, None),
    ),
)  # fmt: skip
def test_every_change_is_drift_and_reload_undoes_it(
    _trio: Lab, dialling: Agent, commands, difference, limit
) -> None:
    """Rules, order, policies and tables, iptables' or nft's own; and Docker's rules for names stay in `nat`."""
    lab = _trio
    names = lab.server.run(["iptables", "-t", "nat", "-S"])
    with _reload_after_failure(lab):
        state = state_after(lab, *commands)
        assert state["state"] == "drift"
        assert [
            line[: len(words)] for line, words in zip(state["difference"], difference, strict=True)
        ] == difference
        assert state["limit"] == limit
        assert reload(lab.server) == state["difference"]
        state = read_state(lab)
        assert (state["state"], state["difference"], state["limit"]) == ("in_force", [], 15)
        assert reload(lab.server) == []
        assert "iptables -t nat" not in names
        assert set(names.splitlines()) <= set(lab.server.run(["iptables", "-t", "nat", "-S"]).splitlines())
        assert tally(dialling.open(16)) == {ESTABLISHED: 15, REFUSED: 1}
        dialling.close()


@contextlib.contextmanager
def _reload_after_failure(lab: Lab) -> Iterator[None]:
    """Load the policy again after a failure; a test that passed has undone what it broke."""
    try:
        yield
    except BaseException:
        reload(lab.server)
        raise


def test_zeroed_counters_are_told_and_who_is_no_longer_counted(lab: Lab) -> None:
    """`iptables -Z` restarts the count of a rule that had matched (C31): five held, fifteen more get in.

    Text and handle are the same, so the policy is in force; that its counters went back is said, and never a
    negative number.
    """
    with Agent(lab.clients[0]) as agent:
        assert tally(agent.open(16)) == {ESTABLISHED: 15, REFUSED: 1}
        agent.close()
        agent.open(5)
        before = snapshot.read_ruleset(lab.server.run)
        state = state_after(lab, "iptables -Z")
        assert (state["state"], state["uncounted"], state["uncounted_at_most"]) == ("in_force", 5, 5)
        assert any("connlimit" in entry["rule"] for entry in state["went_back"])
        change = policy.packets_between(before, snapshot.read_ruleset(lab.server.run))
        assert (change.total, "changed meanwhile" in change.problem) == (None, True)
        assert tally(agent.open(17)) == {ESTABLISHED: 15, REFUSED: 2}
        status = call_on(lab.settings, "status")
        assert "counters went back" in status.stdout
        assert "5 connections from before are not counted" in status.stdout
        agent.close()
    assert read_state(lab)["uncounted_at_most"] == 0


def test_a_reset_without_a_transaction_changes_no_count(lab: Lab) -> None:
    """`nft reset rules`: counters go back, and that is said; the five stay counted (C31)."""
    with Agent(lab.clients[0]) as agent:
        agent.open(16)
        agent.close()
        agent.open(5)
        read_state(lab)
        state = state_after(lab, "nft reset rules > /dev/null")
        assert (state["state"], state["uncounted_at_most"], bool(state["went_back"])) == ("in_force", 0, True)
        assert tally(agent.open(17)) == {ESTABLISHED: 10, REFUSED: 7}


def test_attempt_says_which_rules_judged(lab: Lab) -> None:
    """A DROP in `mangle` before the policy's own rule: by their own counters, each with its table."""
    rule = "-p tcp --dport 12345 -m connlimit --connlimit-above 3 -j DROP"
    lab.server.run(["iptables", "-t", "mangle", "-A", "PREROUTING", *rule.split()])
    with Agent(lab.clients[0]) as agent:
        before = snapshot.read_ruleset(lab.server.run)
        attempts = agent.open(4, timeout_ms=500)
        change = policy.packets_between(before, snapshot.read_ruleset(lab.server.run))
    assert [attempt.outcome for attempt in attempts] == [ESTABLISHED] * 3 + [Outcome.TIMED_OUT]
    (dropping,) = [(rule, packets) for rule, packets in change.rules if packets]
    assert (dropping[0].table, dropping[0].target) == ("mangle", "DROP")
    assert "-j DROP` (mangle)" in policy.describe_packets(change)


def test_what_was_kept_is_out_of_reach_for_the_server_s_own_process(lab: Lab) -> None:
    """Neither read nor changed nor locked by the user that listens; without it the state is unknown, not in force."""
    for attack in (
        "cat /tmp/connlab.policy.json",
        "rm -f /tmp/connlab.policy.json",
        "flock /tmp/connlab.policy.lock true",
    ):
        exec_as = ["sh", "-c", f"{attack} && echo done || true"]
        assert "done" not in lab.server.run(exec_as, user="connlab")
    assert read_state(lab)["state"] == "in_force"
    lab.server.run(["mv", "/tmp/connlab.policy.json", "/tmp/away"])
    state, status = read_state(lab), call_on(lab.settings, "status")
    assert (state["state"], status.returncode) == ("unknown", 1)
    assert "policy unknown" in status.stdout
    assert call_on(lab.settings, "up").returncode == 1
    lab.server.run(["mv", "/tmp/away", "/tmp/connlab.policy.json"])
