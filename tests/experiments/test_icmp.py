"""What a dial becomes when something other than an RST answers it: ICMP errors, and routes of the dialling host.

client ── SYN ──> server   INPUT: that port -> REJECT with an ICMP error (docs/kernel.md O03, O08, O09)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from connlab.base.model import Outcome
from connlab.cluster import one_off
from connlab.kernel.snapshot import read_ruleset
from tests.support.laboratory import Lab
from tests.support.variations import variations

PORT = 7777
REJECTS = {
    "icmp-port-unreachable": (Outcome.REFUSED, "ECONNREFUSED"),
    "icmp-proto-unreachable": (Outcome.UNREACHABLE, "ENOPROTOOPT"),
    "icmp-net-unreachable": (Outcome.UNREACHABLE, "ENETUNREACH"),
    "icmp-host-unreachable": (Outcome.UNREACHABLE, "EHOSTUNREACH"),
    # Variations: each is one of the four above in other words, which are as many as the crowd always has clients.
    "icmp-net-prohibited": (Outcome.UNREACHABLE, "ENETUNREACH"),
    "icmp-host-prohibited": (Outcome.UNREACHABLE, "EHOSTUNREACH"),
    "icmp-admin-prohibited": (Outcome.UNREACHABLE, "EHOSTUNREACH"),
    "tcp-reset": (Outcome.REFUSED, "ECONNREFUSED"),
}
KINDS = list(REJECTS)


@contextlib.contextmanager
def rule(lab: Lab, *target: str) -> Iterator[list[int]]:
    """Insert a rule of the server for SYNs to PORT; the list has in the end how many packets it matched."""
    match = ["INPUT", "-p", "tcp", "--dport", str(PORT), "-j", *target]
    packets: list[int] = []
    lab.server.run(["iptables", "-I", *match])
    try:
        yield packets
        rules = read_ruleset(lab.server.run).rules
        packets += [rule.packets for rule in rules if f"--dport {PORT} " in rule.text]
    finally:
        lab.server.run(["iptables", "-D", *match])


@pytest.mark.parametrize("kind", [*KINDS[:4], *variations(*KINDS[4:])])
def test_a_rejected_dial_has_the_outcome_of_its_answer(crowd: Lab, kind: str) -> None:
    """One at a time and three at once; a client each, because a kernel sends one address few ICMP errors."""
    client = crowd.clients[KINDS.index(kind)]
    with rule(crowd, "REJECT", "--reject-with", kind) as packets, crowd.agents.on(client) as agent:
        attempts = agent.open(2, port=PORT) + agent.open(3, port=PORT, in_flight=3, gap_ms=0)
        control = agent.open(1)

    assert [(attempt.outcome, attempt.errno) for attempt in attempts] == [REJECTS[kind]] * 5
    assert all(attempt.us < 1_000_000 for attempt in attempts), "not one was decided by a repeated SYN"
    assert packets == [5]
    assert control[0].outcome == Outcome.ESTABLISHED


@pytest.mark.parametrize(
    ("kind", "outcome", "errno"),
    [
        ("prohibit", Outcome.UNREACHABLE, "EACCES"),
        ("unreachable", Outcome.UNREACHABLE, "EHOSTUNREACH"),
        ("blackhole", Outcome.HARNESS_ERROR, "EINVAL"),
    ],
)
def test_a_route_that_leads_nowhere_is_told_at_once(
    crowd: Lab, kind: str, outcome: Outcome, errno: str
) -> None:
    """The kernel's own refusal to send (ip-route(8)); what is in no row of the outcomes stays loud."""
    client = crowd.clients[-1]
    route = ["198.51.100.0/24"]
    one_off.run_in_netns(client, ["ip", "route", "add", kind, *route])
    try:
        with crowd.agents.on(client) as agent:
            attempts = agent.open(2, host="198.51.100.1") + agent.open(2, host="198.51.100.1", in_flight=2)
    finally:
        one_off.run_in_netns(client, ["ip", "route", "del", kind, *route])
    assert [(attempt.outcome, attempt.errno, attempt.source) for attempt in attempts] == [
        (outcome, errno, None)
    ] * 4
