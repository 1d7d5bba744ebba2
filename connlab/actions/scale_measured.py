"""What is done in the lab of the big run, and what each witness says of it: dial, look, talk, let go, look again."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future
from concurrent.futures import wait as wait_for
from typing import Any, NamedTuple, TypeVar

from connlab.actions import scale_memory, scale_witness
from connlab.actions.scale_dials import Dials, totals
from connlab.actions.scale_plan import DIALS, LIMIT, Plan
from connlab.actions.scale_problems import problems, reasons
from connlab.actions.scale_together import together
from connlab.agent.session import Agent
from connlab.base import probes
from connlab.base.errors import GaveUp
from connlab.base.model import Attempt
from connlab.base.settings import Settings
from connlab.cluster.blocks import Blocks
from connlab.cluster.host import Host
from connlab.cluster.repeated_command import RepeatedCommand

LEAD_NS, LEAD_EACH_NS = 500_000_000, 20_000_000  # until the barrier: for all requests to arrive
DIAL_MS, ANSWER_MS = 30_000, 60_000  # the longest that a dial, an echo or a FIN may take
SECOND = 1.0  # between two words on how it goes
Tell = Callable[[str], None]
Value = TypeVar("Value")


class ScaleLab(NamedTuple):
    """The lab of the big run, and an agent on each of its clients."""

    settings: Settings
    run: Plan
    found: Blocks
    server: Host
    agents: Sequence[Agent]


def measure(lab: ScaleLab, tell: Tell) -> dict[str, Any]:
    """Dial, look, talk and let go; return what each witness says (docs/scale.md)."""
    settings, run, found, server, agents = lab
    expected = [str(address) for number in range(1, run.clients + 1) for address in found.of(number)]
    packets, counters = scale_witness.refused_packets(server), scale_witness.counters(server)
    seconds: dict[str, float] = {}
    dials = Dials()
    hosts = [server, *(agent.host for agent in agents)]
    before = scale_memory.of_processes(hosts)
    asked = time.monotonic()
    _dial(lab, dials, tell)
    memory = scale_memory.growth(before, scale_memory.of_processes(hosts), run.held)
    began = time.monotonic()
    held = scale_witness.look(server, settings.port)
    packets = scale_witness.refused_packets(server) - packets
    seconds["look"] = round(time.monotonic() - began, 1)
    tell(
        f"held: {sum(held.sockets.values()):,} sockets, {sum(held.counted.values()):,} that the limit counts"
    )
    alive = _at_once(agents, _echoes, seconds, "echo")
    tell(f"alive: {sum(alive):,} echoes")
    released = sum(_at_once(agents, _released, seconds, "release"))
    left, problem = _left(server, settings.port)
    seconds["to verdict"] = round(time.monotonic() - asked, 1)
    moved = {name: n - counters[name] for name, n in scale_witness.counters(server).items()}
    answer = {
        "plan": {
            "sources": run.sources, "clients": run.clients, "dials": DIALS, "limit": LIMIT, "held": run.held,
            "refused": run.refused, "mode": settings.values["SERVER_MODE"],
            "in_flight": run.in_flight, "backlog": settings.values["BACKLOG"], "network": str(found.network),
        },
        "client": totals(dials),
        "server": {"rule_packets": packets, **held.sums()},
        "alive": sum(alive),
        "released": released,
        "left": None if left is None else left.sums(),
        "left_problem": problem,
        "wrong": dials.wrong(expected),
        "wrong_in_tables": scale_witness.wrong(held, expected),
        "counters": {name: n for name, n in moved.items() if n},
        "memory": memory,
        "seconds": {"dialling": round(dials.seconds, 2), **seconds},
        "over_time": dials.over_time(),
        "admitted": dials.admitted(expected),
    }  # fmt: skip
    inexact = problems(answer)
    return {**answer, "exact": not inexact, "problems": inexact, "reasons": reasons(answer)}


def _dial(lab: ScaleLab, dials: Dials, tell: Tell) -> None:
    """Have all clients dial from a barrier on, and take in what becomes of it."""
    settings, run, found, server, agents = lab
    at_ns = agents[0].facts().monotonic_ns + LEAD_NS + LEAD_EACH_NS * run.clients
    waits = [
        agent.start_open(
            run.each * DIALS, host=server.address, port=settings.port, sources=str(found.of(number)),
            at_ns=at_ns, timeout_ms=DIAL_MS, in_flight=run.in_flight,
        )
        for number, agent in enumerate(agents, 1)
    ]  # fmt: skip
    lock = threading.Lock()

    def take_in(wait: Callable[[], list[Attempt]]) -> None:
        attempts = wait()
        with lock:
            dials.add(attempts, run.each)

    with together(agents, [functools.partial(take_in, wait) for wait in waits]) as futures:
        _tell_progress(lab, futures, tell)


def _tell_progress(lab: ScaleLab, futures: Sequence[Future[None]], tell: Tell) -> None:
    """Tell each second what the server has taken, until all clients have answered, or one cannot."""
    argv = probes.argv("established_counts")
    with RepeatedCommand(lab.server) as asked:
        before, before_s = int(asked.run(argv)), time.monotonic()
        while wait_for(futures, timeout=SECOND, return_when=FIRST_EXCEPTION).not_done:
            count, now = int(asked.run(argv)), time.monotonic()
            if count > before:
                rate = (count - before) / (now - before_s)
                tell(f"{count:,} of {lab.run.held:,} established, {rate:,.0f}/s")
            before, before_s = count, now
            if any(future.done() and future.exception() for future in futures):
                return


def _at_once(
    agents: Sequence[Agent], act: Callable[[Agent], Value], seconds: dict[str, float], name: str
) -> list[Value]:
    """Have all agents do one thing at a time, and note how long that took."""
    began = time.monotonic()
    with together(agents, [functools.partial(act, agent) for agent in agents]) as futures:
        pass
    seconds[name] = round(time.monotonic() - began, 2)
    return [future.result() for future in futures]


def _echoes(agent: Agent) -> int:
    """Return how many connections of a client gave back what was sent over them.

    In place of one that fails another one has a request more, so answers alone would tell too many.
    """
    talked = agent.talk(timeout_ms=ANSWER_MS)
    return max(0, min(talked.answered, talked.sent - len(talked.failed)))


def _released(agent: Agent) -> int:
    """Close all connections of a client with RST, which leaves no TIME_WAIT, here and where the machine tracks them."""
    return len(agent.close(how="rst", timeout_ms=ANSWER_MS))


def _left(server: Host, port: int) -> tuple[scale_witness.Tables | None, str | None]:
    """Wait for empty tables; or why they are not."""
    try:
        return scale_witness.emptied(server, port), None
    except GaveUp as error:
        left = scale_witness.look(server, port).sums()
        return None, f"{error.what}; {left['sockets']:,} sockets and {left['counted']:,} counted are left"
