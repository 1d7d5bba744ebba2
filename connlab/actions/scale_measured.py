"""What is done in the lab of the big run, and what each witness says of it: dial, look, talk, let go, look again."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any, NamedTuple, TypeVar

from connlab.actions import scale_witness
from connlab.actions.scale_dials import Dials, totals
from connlab.actions.scale_plan import DIALS, LIMIT, Plan
from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.errors import GaveUp
from connlab.base.model import Attempt
from connlab.base.settings import Settings
from connlab.cluster.blocks import Blocks
from connlab.cluster.host import Host
from connlab.cluster.repeated_command import RepeatedCommand

TEXT = "alive?"
LEAD_NS, LEAD_EACH_NS = 500_000_000, 20_000_000  # until the barrier: for all requests to arrive
DIAL_MS, ANSWER_MS = 30_000, 60_000  # the longest that a dial, an echo or a FIN may take
SECOND = 1.0  # between two words on how it goes
Tell = Callable[[str], None]
Value = TypeVar("Value")


class Ground(NamedTuple):
    """Where it happens: the lab that is up, and an agent on each of its clients."""

    settings: Settings
    run: Plan
    found: Blocks
    server: Host
    agents: Sequence[Agent]


def measure(ground: Ground, tell: Tell) -> dict[str, Any]:
    """Dial, look, talk and let go; return what each witness says (docs/scale.md)."""
    settings, run, found, server, agents = ground
    expected = [str(address) for number in range(1, run.clients + 1) for address in found.of(number)]
    blocks = [str(found.of(number)) for number in range(1, run.clients + 1)]
    packets, counters = scale_witness.refused_packets(server), scale_witness.counters(server)
    seconds: dict[str, float] = {}
    at_ns = agents[0].facts().monotonic_ns + LEAD_NS + LEAD_EACH_NS * run.clients
    waits = [
        agent.start_open(
            run.each * DIALS,
            host=server.address,
            port=settings.port,
            sources=block,
            at_ns=at_ns,
            timeout_ms=DIAL_MS,
        )
        for agent, block in zip(agents, blocks, strict=True)
    ]
    dials = _dialled(ground, waits, tell)
    began = time.monotonic()
    held = scale_witness.look(server, settings.port)
    packets = scale_witness.refused_packets(server) - packets
    seconds["look"] = round(time.monotonic() - began, 1)
    tell(
        f"held: {sum(held.sockets.values()):,} sockets, {sum(held.counted.values()):,} that the limit counts"
    )
    alive = _at_once(agents, _echoes, seconds, "echo")
    tell(f"alive: {sum(alive):,} echoes")
    peers = sum(_at_once(agents, _released, seconds, "release"), Counter[str]())
    left, problem = _left(server, settings.port)
    moved = {name: n - counters[name] for name, n in scale_witness.counters(server).items()}
    answer = {
        "plan": {
            "sources": run.sources, "clients": run.clients, "dials": DIALS, "limit": LIMIT, "held": run.held,
            "refused": run.refused, "mode": settings.values["SERVER_MODE"], "network": str(found.network),
        },
        "client": totals(dials, run),
        "server": {"rule_packets": packets, **held.sums()},
        "alive": sum(alive),
        "released": dict(peers),
        "left": None if left is None else left.sums(),
        "left_problem": problem,
        "wrong": dials.wrong(expected),
        "wrong_in_tables": scale_witness.wrong(held, expected),
        "counters": {name: n for name, n in moved.items() if n},
        "seconds": {"dialling": round(dials.seconds, 2), **seconds},
        "over_time": dials.over_time(),
        "admitted": dials.admitted(expected),
    }  # fmt: skip
    return {**answer, "exact": not problems(answer)}


def problems(answer: dict[str, Any]) -> list[str]:
    """Say what is not exactly as the limit promises; nothing if all is."""
    plan, client, server = answer["plan"], answer["client"], answer["server"]
    checks = (
        (not answer["wrong"], f"{len(answer['wrong'])} sources were not admitted to exactly {LIMIT}"),
        (
            client["outcomes"] == {"established": plan["held"], "refused": plan["refused"]},
            f"the clients saw {client['outcomes']}",
        ),
        (server["rule_packets"] == plan["refused"], f"the rule counted {server['rule_packets']:,} packets"),
        (
            not answer["wrong_in_tables"],
            f"{len(answer['wrong_in_tables'])} sources stand otherwise in the tables",
        ),
        (answer["alive"] == plan["held"], f"{answer['alive']:,} connections gave an echo"),
        (answer["released"] == {"fin": plan["held"]}, f"they ended with {answer['released']}"),
        (answer["left"] is not None, f"not empty again: {answer['left_problem']}"),
    )
    return [words for is_right, words in checks if not is_right]


def _dialled(ground: Ground, waits: Sequence[Callable[[], list[Attempt]]], tell: Tell) -> Dials:
    """Take in the attempts of all clients as they answer, and tell each second what the server has taken."""
    dials, lock, run = Dials(), threading.Lock(), ground.run

    def take_in(wait: Callable[[], list[Attempt]]) -> None:
        attempts = wait()
        with lock:
            dials.add(attempts, run.each)

    argv = probes.argv("established_counts")
    with ThreadPoolExecutor(len(waits)) as pool, RepeatedCommand(ground.server) as asked:
        futures = [pool.submit(take_in, wait) for wait in waits]
        try:
            start = before = int(asked.run(argv))
            before_s = time.monotonic()
            while wait_for(futures, timeout=SECOND, return_when=FIRST_EXCEPTION).not_done:
                count, now = int(asked.run(argv)), time.monotonic()
                rate = (count - before) / (now - before_s)
                tell(f"{count - start:,} of {run.held:,} established, {rate:,.0f}/s")
                before, before_s = count, now
                for future in futures:
                    if future.done():
                        future.result()
            for future in futures:
                future.result()
        except BaseException:
            for agent in ground.agents:  # whoever waits for one is told that it is gone
                agent.end()
            raise
    return dials


def _at_once(
    agents: Sequence[Agent], act: Callable[[Agent], Value], seconds: dict[str, float], name: str
) -> list[Value]:
    """Have all agents do one thing at a time, and note how long that took."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(agents)) as pool:
        futures = [pool.submit(act, agent) for agent in agents]
        try:
            results = [future.result() for future in futures]
        except BaseException:
            for agent in agents:
                agent.end()
            raise
    seconds[name] = round(time.monotonic() - began, 2)
    return results


def _echoes(agent: Agent) -> int:
    """Return how many connections of a client gave back what was sent over them."""
    sent = sum(part.bytes == len(TEXT) for part in agent.send(TEXT))
    back = sum(part.text == TEXT for part in agent.recv(timeout_ms=ANSWER_MS))
    return min(sent, back)


def _released(agent: Agent) -> Counter[str]:
    """Close all connections of a client with FIN; how the server ended them, each way with its number."""
    return Counter(closed.peer for closed in agent.close(timeout_ms=ANSWER_MS))


def _left(server: Host, port: int) -> tuple[scale_witness.Tables | None, str | None]:
    """Wait for empty tables; or why they are not."""
    try:
        return scale_witness.emptied(server, port), None
    except GaveUp as error:
        left = scale_witness.look(server, port).sums()
        return None, f"{error.what}; {left['sockets']:,} sockets and {left['counted']:,} counted are left"
