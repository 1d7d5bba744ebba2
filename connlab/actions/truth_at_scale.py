"""The big run: many sources dial from a barrier start; every one must be admitted to the limit, and refused beyond it.

A lab of its own, removed on the way out: its namespaces are new, so no entry of an earlier run is in their tables.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connlab.actions import scale_plan
from connlab.actions.scale_measured import ScaleLab, Tell, measure
from connlab.agent.session import Agent
from connlab.base.settings import Settings
from connlab.cluster import dense, engine_machine, lifecycle, orphans, removal
from connlab.cluster.host import Host
from connlab.cluster.subprocesses import signals_as_exceptions

AT_ONCE = 16  # agents that are opened at a time


def truth_at_scale(menu: Settings, sources: int, tell: Tell, in_flight: int = 1) -> dict[str, Any]:
    """Run it, and return the answer (docs/scale.md). `tell` is told how it goes.

    Raises `Usage` or `NotFit` for a plan that does not fit, before anything is started.
    """
    run = scale_plan.plan_of(sources, in_flight)
    settings = scale_plan.settings_for(menu, run)
    scale_plan.check(settings, run)
    orphans.remove(scale_plan.prefix(menu.project))
    began = time.monotonic()
    with _lab(settings) as (server, *clients), contextlib.ExitStack() as stack:
        found = dense.of_lab(settings.project)
        assert found is not None, "its settings ask for a dense lab"
        with ThreadPoolExecutor(AT_ONCE) as pool:
            agents = [stack.enter_context(agent) for agent in pool.map(Agent, clients)]
        up = time.monotonic() - began
        tell(f"{len(clients)} clients with {run.each} sources each are up after {up:.1f} s")
        answer = measure(ScaleLab(settings, run, found, server, agents), tell)
    answer["seconds"] = {"up": round(up, 1), **answer["seconds"], "all": round(time.monotonic() - began, 1)}
    return {"schema": 1, "machine": engine_machine.described(), **answer}


@contextlib.contextmanager
def _lab(settings: Settings) -> Iterator[list[Host]]:
    """Bring up the lab of the run; it is gone on the way out, also after Ctrl-C, SIGTERM and a closed terminal."""
    with signals_as_exceptions() as begin:
        try:
            begin()
            yield lifecycle.up(settings)
        finally:
            removal.remove_project(settings.project)
