"""Scenarios that are asked for as soon as what they depend on is known: an observation may ask for more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from connlab.trial.hosts.conductor import Conductor
from connlab.trial.hosts.observations import Observation


class Task(NamedTuple):
    """A scenario; `then` takes what was observed, and gives the tasks that waited for it."""

    request: Mapping[str, Any]
    then: Callable[[Observation], Iterable[Task]]


def kept(found: dict[Any, Observation], name: Any, request: Mapping[str, Any]) -> Task:
    """Return a task whose observation is kept by a name, and for which nothing waits."""

    def then(seen: Observation) -> Iterable[Task]:
        found[name] = seen
        return ()

    return Task(request, then)


def do(conductor: Conductor, tasks: Iterable[Task]) -> None:
    """Do tasks side by side, and those that they ask for, until there are none."""
    waiting: dict[int, Task] = {}

    def begin(more: Iterable[Task]) -> None:
        asked = list(more)
        numbers = conductor.begin([task.request for task in asked])
        waiting.update(zip(numbers, asked, strict=True))

    begin(tasks)
    while waiting:
        number, seen = conductor.next(waiting)
        begin(waiting.pop(number).then(seen))
