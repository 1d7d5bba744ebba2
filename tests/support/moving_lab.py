"""One lab for tests of several servers: it is brought from knobs to knobs as `lab up` brings it there.

A changed knob of the server's replaces the server, in a network namespace of its own, and nothing else: no client, no
network. So a test finds a server that nobody has dialled, for half of what a lab costs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from connlab.agent.idle import IdleAgents
from connlab.cluster import lifecycle
from tests.support.command_runner import with_runner
from tests.support.laboratory import Lab, own_settings, temporary_project
from tests.support.menu import MENU


@contextlib.contextmanager
def moving_lab(clients: int) -> Iterator[Callable[..., Lab]]:
    """Give a function for the block: `move(SERVER_MODE="pool")` returns the lab with these knobs over the menu's.

    What a move gave before and the next one does not is again as in the menu. A server that has ended is started.
    """
    first = own_settings(CLIENTS=clients)
    given: dict[str, str] = {}
    idle_agents = IdleAgents(how="drop")
    with temporary_project(first), contextlib.ExitStack() as runner:

        def move(**knobs: object) -> Lab:
            runner.close()
            given.update({name: MENU[name] for name in given} | {name: str(knobs[name]) for name in knobs})
            settings = first.changed(**given)
            server, *client_hosts = lifecycle.up(settings)
            return Lab(settings, runner.enter_context(with_runner(server)), client_hosts, idle_agents)

        with contextlib.closing(idle_agents):
            yield move
