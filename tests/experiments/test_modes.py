"""The server's concurrency models: the limit holds in each, and each serves as many at once as it can.

client-1 ──┐
client-2 ──┼── bridge ── server   SYN -> policy -> accept queue -> as many as the mode serves
client-3 ──┘                             (refused)   (dropped)       (the rest waits, connected)
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.model import Attempt, Outcome, Verdict
from connlab.base.wait import until
from connlab.cluster.host import Host
from tests.experiments.accept_queue import accepted, stall
from tests.support.laboratory import Lab
from tests.support.variations import VARIATION

ESTABLISHED, REFUSED, TIMED_OUT = Outcome.ESTABLISHED, Outcome.REFUSED, Outcome.TIMED_OUT
LIMIT, DIALS, QUEUE = 15, 20, 6
# Each has the claim of another mode that is always run, and tests on loopback (tests/unit/server/modes).
VARIATION_MODES = {"forking", "greeting", "selectors"}
POOL = LIMIT - QUEUE  # not the default: as many as leave the rest of the limit in the accept queue


@dataclass(frozen=True)
class Mode:
    """A mode that serves `served` of `dials` per client host at once, by `processes` and `threads` (of PID 1)."""

    name: str
    claim: str
    clients: int
    dials: int
    served: int
    processes: int
    threads: int

    @property
    def worker(self) -> str:
        """Name the xdist_group of its tests, by the lab that they have."""
        if self.name == "threading":
            return "crowd"  # whose server has that mode
        return "one at a time" if self.served == 1 else "many at once"


# Threads of every mode: the main one, refusals, status, and the loop.
MODES = [
    Mode("iterative", "one-at-a-time", clients=1, dials=1 + QUEUE, served=1, processes=1, threads=4),
    Mode("greeting", "one-at-a-time", clients=1, dials=1 + QUEUE, served=1, processes=1, threads=4),
    Mode("pool", "pool-bounds", clients=1, dials=LIMIT, served=POOL, processes=1, threads=4 + POOL),
    Mode(
        "unbounded_pool",
        "pool-bounds",
        clients=1,
        dials=LIMIT,
        served=LIMIT,
        processes=1,
        threads=4 + POOL + LIMIT,
    ),
    Mode("forking", "threads-serve-many", clients=3, dials=LIMIT, served=40, processes=1 + 40, threads=4),
    Mode("threading", "threads-serve-many", clients=3, dials=LIMIT, served=45, processes=1, threads=4 + 45),
    # Two processes accept, and the parent.
    Mode("prefork", "threads-serve-many", clients=3, dials=LIMIT, served=45, processes=1 + 2, threads=4),
    Mode("selectors", "threads-serve-many", clients=3, dials=LIMIT, served=45, processes=1, threads=4),
]


@pytest.fixture
def running(request: pytest.FixtureRequest) -> tuple[Mode, Lab]:
    """Return a mode and a lab in it, with every slot free; its server is shared by the tests of that mode."""
    mode = request.param
    lab = request.getfixturevalue(mode.worker.replace(" ", "_"))
    knobs = {"POOL_SIZE": POOL} if "pool" in mode.name else {}
    return mode, lab if mode.worker == "crowd" else lab(SERVER_MODE=mode.name, **knobs)


def in_modes(*names: str, claim: str = "") -> pytest.MarkDecorator:
    """Run a test in each of these modes, in the worker that has its lab; `claim`, or else the mode's own.

    In one of VARIATION_MODES it is a variation.
    """
    return pytest.mark.parametrize(
        "running",
        [
            pytest.param(mode, id=mode.name, marks=[
                pytest.mark.xdist_group(mode.worker), pytest.mark.claim(claim or mode.claim),
                *([VARIATION] if mode.name in VARIATION_MODES else []),
            ])
            for mode in MODES if mode.name in names
        ],
        indirect=True,
    )  # fmt: skip


@in_modes(*(mode.name for mode in MODES))
def test_so_many_are_served_at_once(running: tuple[Mode, Lab], watch, keep, verdict) -> None:
    """The first so many get an answer, the others are connected and wait until one leaves (P01, P06, B08)."""
    mode, lab = running
    weights, before = {"idle": _weigh(lab.server)}, accepted(lab)
    with lab.agents.on_each(lab.clients[: mode.clients]) as dialling:
        with watch(lab.server) as diff:
            attempts = [(agent, attempt) for agent in dialling for attempt in agent.open(mode.dials)]
            until(lambda: accepted(lab) - before == mode.served, f"{mode.served} are accepted", within=10)
            answers = [_converse(mode, *one) for one in attempts[: mode.served]]
            silent = [_receive(*one, timeout_ms=1) for one in attempts[mode.served :]]
            weights["full"] = _weigh(lab.server)
        if silent:
            agent, first = attempts[0]
            agent.close([first.conn])
            assert _converse(mode, *attempts[mode.served]), "one leaves, the next is served"
    keep("weight", weights)

    assert {attempt.outcome for _, attempt in attempts} == {ESTABLISHED}
    assert all(answers)
    assert silent == [""] * (len(attempts) - mode.served)
    assert diff.reported("accepted") == mode.served
    assert diff.after.held(lab.settings.port).total() == len(attempts)
    assert weights["full"]["processes"] == mode.processes
    assert weights["full"]["threads"] == mode.threads
    verdict(
        Verdict.REFUTED if mode.name == "unbounded_pool" else Verdict.HOLDS,
        f"{mode.name} serves {len(answers)} of {len(attempts)} at once (processes: {mode.processes}, threads:"
        f" {mode.threads}, {_mb(weights)} MB), {len(silent)} are connected and wait",
    )


@in_modes("forking", "pool", "prefork", "selectors", "threading", claim="fifteen-per-source")
def test_fifteen_of_twenty_are_admitted(running: tuple[Mode, Lab], watch, verdict) -> None:
    """The policy counts connections, not clients that are served: the pool's nine and six that wait."""
    mode, lab = running
    before, served = accepted(lab), min(mode.served, LIMIT)
    with lab.agents.on(lab.clients[0]) as agent, watch(lab.server) as diff:
        attempts = agent.open(DIALS)
        until(lambda: accepted(lab) - before >= served, "they are accepted", within=10)

    assert [attempt.outcome for attempt in attempts] == [ESTABLISHED] * LIMIT + [REFUSED] * (DIALS - LIMIT)
    assert (diff.refused, diff.reported("refused"), diff.reported("accepted")) == (5, 5, served)
    assert diff.after.held(lab.settings.port) == {lab.clients[0].address: LIMIT}
    verdict(
        Verdict.HOLDS,
        f"{mode.name}: {LIMIT} of {len(attempts)} dials admitted, {diff.refused} refused by the rule",
    )


@in_modes("greeting", "iterative", claim="fifteen-per-source")
def test_where_one_is_served_seven_connect_eight_hang_and_five_are_refused(
    running: tuple[Mode, Lab], watch, verdict
) -> None:
    """A full accept queue drops SYNs that the policy has already counted: they hold slots (B01, B03, C10)."""
    mode, lab = running
    with lab.agents.on(lab.clients[0]) as agent, watch(lab.server) as diff:
        attempts = stall(lab, agent, waiting=QUEUE)
        attempts += agent.open(DIALS - len(attempts), timeout_ms=300)

    outcomes = [attempt.outcome for attempt in attempts]
    assert outcomes == [ESTABLISHED] * (1 + QUEUE) + [TIMED_OUT] * 8 + [REFUSED] * 5
    assert (diff.refused, diff.reported("refused"), diff.reported("accepted")) == (5, 5, 1)
    assert diff.counter("TcpExtListenOverflows") == 8
    assert diff.after.held(lab.settings.port) == {lab.clients[0].address: 1 + QUEUE}
    hang = diff.counter("TcpExtListenOverflows")
    verdict(
        Verdict.HOLDS,
        f"{mode.name}: {1 + QUEUE} connect, {hang} hang, though counted, {diff.refused} are refused",
    )


def _converse(mode: Mode, agent: Agent, attempt: Attempt) -> str:
    """Return what a served client gets: an echo, or the greeting, after which that one is closed."""
    if mode.name == "greeting":
        return _receive(agent, attempt)
    agent.send("hello", conns=[attempt.conn])
    return _receive(agent, attempt)


def _receive(agent: Agent, attempt: Attempt, timeout_ms: int = 10_000) -> str:
    (received,) = agent.recv(conns=[attempt.conn], timeout_ms=timeout_ms)
    return received.text


def _mb(weights: dict[str, dict[str, int]]) -> str:
    return f"{weights['full']['pss'] / 1e6:.0f}"


def _weigh(server: Host) -> dict[str, int]:
    """Measure what the mode costs: processes, threads of PID 1, their memory (PSS), and the container's, in bytes."""
    owner = "connlab"  # of its processes, who may read what they cost
    return json.loads(server.run(probes.argv("process_memory", "server.serve"), user=owner))
