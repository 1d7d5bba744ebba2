"""All agents of the big run at a time: each does its own, and what goes wrong with one ends all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from connlab.agent.session import Agent

Value = TypeVar("Value")


@contextlib.contextmanager
def together(agents: Sequence[Agent], acts: Sequence[Callable[[], Value]]) -> Iterator[list[Future[Value]]]:
    """Do something with each agent at a time; what went wrong with one ends all of them, and is raised."""
    with ThreadPoolExecutor(len(acts)) as pool:
        futures = [pool.submit(act) for act in acts]
        try:
            yield futures
            for future in as_completed(futures):
                future.result()
        except BaseException:
            for agent in agents:  # whoever waits for one is told that it is gone
                agent.end()
            raise
