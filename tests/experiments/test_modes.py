"""The server's concurrency models: the limit holds in each, and each serves as many at once as it can.

client-1 ──┐
client-2 ──┼── bridge ── server   SYN -> policy -> accept queue -> as many as the mode serves
client-3 ──┘                             (refused)   (dropped)       (the rest waits, connected)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.hosts import Host
from lab.model import Attempt, Outcome, Verdict
from lab.traffic import Agent, agents
from lab.wait import until
from tests.laboratory import Lab, laboratory, told

ESTABLISHED, REFUSED, TIMED_OUT = Outcome.ESTABLISHED, Outcome.REFUSED, Outcome.TIMED_OUT
LIMIT, DIALS, QUEUE = 15, 20, 6


@contextlib.contextmanager
def single(mode: str) -> Iterator[tuple[Lab, Agent]]:
    """A lab in this mode with one client host, and its agent."""
    with laboratory(SERVER_MODE=mode, CLIENTS=1) as lab, Agent(lab.clients[0]) as agent:
        yield lab, agent


@pytest.mark.claim("fifteen-per-source")
@pytest.mark.parametrize(
    ("mode", "served"), [("forking", 15), ("pool", 10), ("selectors", 15), ("threading", 15)]
)
def test_fifteen_of_twenty_are_admitted(watch, verdict, mode: str, served: int) -> None:
    """The policy counts connections, not clients that are served: the pool's ten and five that wait."""
    with single(mode) as (lab, agent), watch(lab.server) as seen:
        made = agent.open(DIALS)
        until(lambda: len(told(lab, "accepted")) >= served, "they are accepted", within=10)

    assert [attempt.outcome for attempt in made] == [ESTABLISHED] * LIMIT + [REFUSED] * (DIALS - LIMIT)
    assert (seen.refused, seen.told("refused"), seen.told("accepted")) == (5, 5, served)
    assert seen.after.held(lab.settings.port) == {lab.clients[0].address: LIMIT}
    verdict(
        Verdict.HOLDS, f"{mode}: {LIMIT} of {len(made)} dials admitted, {seen.refused} refused by the rule"
    )


@pytest.mark.claim("fifteen-per-source")
@pytest.mark.parametrize("mode", ["greeting", "iterative"])
def test_where_one_is_served_seven_connect_eight_hang_and_five_are_refused(watch, verdict, mode: str) -> None:
    """A full accept queue drops SYNs that the policy has already counted: they hold slots (B01, B03, C10)."""
    with single(mode) as (lab, agent), watch(lab.server) as seen:
        made = agent.open(1)
        until(lambda: told(lab, "accepted"), "the first is accepted", within=10)
        made += agent.open(DIALS - 1, timeout_ms=300)

    outcomes = [attempt.outcome for attempt in made]
    assert outcomes == [ESTABLISHED] * (1 + QUEUE) + [TIMED_OUT] * 8 + [REFUSED] * 5
    assert (seen.refused, seen.told("refused"), seen.told("accepted")) == (5, 5, 1)
    assert seen.counter("TcpExtListenOverflows") == 8
    assert seen.after.held(lab.settings.port) == {lab.clients[0].address: 1 + QUEUE}
    hang = seen.counter("TcpExtListenOverflows")
    verdict(
        Verdict.HOLDS, f"{mode}: {1 + QUEUE} connect, {hang} hang, though counted, {seen.refused} are refused"
    )


@dataclass(frozen=True)
class Case:
    """`dials` per client host, of which `served` at once; `processes` and `threads` (of PID 1) do it."""

    mode: str
    claim: str
    clients: int
    dials: int
    served: int
    processes: int
    threads: int


# Threads of every mode: the main one, refusals, status, and the loop.
CASES = [
    Case("greeting", "one-at-a-time", clients=1, dials=1 + QUEUE, served=1, processes=1, threads=4),
    Case("iterative", "one-at-a-time", clients=1, dials=1 + QUEUE, served=1, processes=1, threads=4),
    Case("pool", "pool-bounds", clients=1, dials=4 + QUEUE, served=4, processes=1, threads=4 + 4),
    Case(
        "unbounded_pool",
        "pool-bounds",
        clients=1,
        dials=4 + QUEUE,
        served=10,
        processes=1,
        threads=4 + 4 + 10,
    ),
    Case("forking", "threads-serve-many", clients=3, dials=LIMIT, served=40, processes=1 + 40, threads=4),
    Case("threading", "threads-serve-many", clients=3, dials=LIMIT, served=45, processes=1, threads=4 + 45),
    Case("selectors", "threads-serve-many", clients=3, dials=LIMIT, served=45, processes=1, threads=4),
]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.mode, marks=pytest.mark.claim(case.claim)) for case in CASES]
)
def test_so_many_are_served_at_once(watch, keep, verdict, case: Case) -> None:
    """The first so many get an answer, the others are connected and wait until one leaves (P01, P06, B08)."""
    knobs = {"POOL_SIZE": 4} if "pool" in case.mode else {}
    with laboratory(SERVER_MODE=case.mode, CLIENTS=case.clients, **knobs) as lab:
        weights = {"idle": _weigh(lab.server)}
        with agents(lab.clients) as dialling:
            with watch(lab.server) as seen:
                made = [(agent, attempt) for agent in dialling for attempt in agent.open(case.dials)]
                until(lambda: len(told(lab, "accepted")) == case.served, f"{case.served} are accepted", 10)
                answered = [_answer(case.mode, *one) for one in made[: case.served]]
                silent = [_heard(*one, timeout_ms=1) for one in made[case.served :]]
                weights["full"] = _weigh(lab.server)
            if silent:
                agent, first = made[0]
                agent.close([first.conn])
                assert _answer(case.mode, *made[case.served]), "one leaves, the next is served"
    keep("weight", weights)

    assert {attempt.outcome for _, attempt in made} == {ESTABLISHED}
    assert all(answered)
    assert silent == [""] * (len(made) - case.served)
    assert seen.told("accepted") == case.served
    assert seen.after.held(lab.settings.port).total() == len(made)
    assert weights["full"]["processes"] == case.processes
    assert weights["full"]["threads"] == case.threads
    verdict(
        Verdict.REFUTED if case.mode == "unbounded_pool" else Verdict.HOLDS,
        f"{case.mode} serves {len(answered)} of {len(made)} at once (processes: {case.processes}, threads:"
        f" {case.threads}, {_mb(weights)} MB), {len(silent)} are connected and wait",
    )


def test_the_articles_loop_keeps_an_iterative_server_from_everybody(watch) -> None:
    """A client talks and closes cleanly; until our bound ends the loop, the next one is not even accepted."""
    with laboratory(SERVER_MODE="iterative", HANDLER="article", CLIENTS=2) as lab:
        with agents(lab.clients) as (one, two), watch(lab.server) as seen:
            first, second = one.open(1), two.open(1)
            assert _answer("iterative", one, first[0]) == "hello"
            one.close()
            assert _answer("iterative", two, second[0]) == "hello"

        story = [
            (event.event, event.fields["source"]) for event in told(lab, "accepted", "endless", "closed")
        ]
    talker, waiter = (host.address for host in lab.clients)
    assert story[:4] == [
        ("accepted", talker), ("endless", talker), ("closed", talker), ("accepted", waiter)
    ]  # fmt: skip
    assert seen.told("accepted") == 2


def test_the_articles_loop_ends_by_exception_when_echoes_are_left_unread() -> None:
    """The control: why its author saw it work. Closing with unread data is an RST (T15)."""
    with laboratory(SERVER_MODE="iterative", HANDLER="article", CLIENTS=1) as lab:
        with Agent(lab.clients[0]) as agent:
            (made,) = agent.open(1)
            agent.ask("send", conns=[made.conn], text="hello")
            until(lambda: told(lab, "message"), "the server has echoed", within=10)
            agent.close([made.conn], "rst")
            until(lambda: told(lab, "closed"), "the server has closed", within=10)
        (closed,) = told(lab, "closed", "endless")
    assert closed.fields["by"] == "reset"


@pytest.mark.claim("empty-address-is-reachable")
@pytest.mark.parametrize(
    ("listen", "bound", "outcome"),
    [("", "0.0.0.0", ESTABLISHED), ("server", None, ESTABLISHED), ("127.0.0.1", "127.0.0.1", REFUSED)],
    ids=["empty", "a name", "loopback"],
)
def test_who_reaches_the_server_depends_on_its_address(
    watch, verdict, listen: str, bound: str | None, outcome: Outcome
) -> None:
    """Empty is every address, a name is the one it resolves to, and loopback is reached by no other host.

    There the client sees the same RST as from the policy, but the rule's counter did not move (O02).
    """
    with laboratory(LISTEN=listen, CLIENTS=1) as lab:
        with Agent(lab.clients[0]) as agent, watch(lab.server) as seen:
            (made,) = agent.open(1)
        listening = lab.server.run(["ss", "-tlnH", f"( sport = :{lab.settings.port} )"]).split()[3]

    assert made.outcome is outcome
    assert listening == f"{bound or lab.server.address}:{lab.settings.port}"
    assert (seen.refused, seen.told("accepted")) == (0, outcome is ESTABLISHED)
    verdict(
        Verdict.HOLDS, f"bound to `{listen}`: listens on {listening}, another host's dial is {made.outcome}"
    )


def _answer(mode: str, agent: Agent, attempt: Attempt) -> str:
    """What a served client gets: an echo, or the greeting, which is also how that one is done."""
    if mode == "greeting":
        return _heard(agent, attempt)
    agent.ask("send", conns=[attempt.conn], text="hello")
    return _heard(agent, attempt)


def _heard(agent: Agent, attempt: Attempt, timeout_ms: int = 10_000) -> str:
    (received,) = agent.ask("recv", conns=[attempt.conn], timeout_ms=timeout_ms)["received"]
    text: str = received["text"]
    return text


def _mb(weights: dict[str, dict[str, int]]) -> str:
    return f"{weights['full']['pss'] / 1e6:.0f}"


def _weigh(server: Host) -> dict[str, int]:
    """What the mode costs: processes, threads of PID 1, their memory (PSS), and the container's, in bytes."""
    status = dict(line.split(":", 1) for line in server.run(["cat", "/proc/1/status"]).splitlines())
    rollups = server.run(
        ["sh", "-c", "cat $(pgrep -f [s]erver.serve | sed 's,.*,/proc/&/smaps_rollup,')"], user="connlab"
    )
    container = server.run(
        ["sh", "-c", "cat /sys/fs/cgroup/memory.current /sys/fs/cgroup/memory/memory.usage_in_bytes 2>&- ||:"]
    )
    return {
        "processes": int(server.run(["pgrep", "-c", "-f", "server.serve"])),
        "threads": int(status["Threads"]),
        "rss": int(status["VmRSS"].split()[0]) << 10,
        "pss": sum(int(line.split()[1]) << 10 for line in rollups.splitlines() if line.startswith("Pss:")),
        "container": int(container),
    }
