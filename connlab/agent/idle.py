"""Agents that are kept for who comes next: a start costs a host a fifth of a second, an emulated one a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from connlab.agent.session import Agent, start_agents
from connlab.cluster.host import Host


class IdleAgents:
    """The agents of a lab's hosts; `how` is the way in which what one still holds is closed (docs/agent.md)."""

    def __init__(self, how: str = "fin") -> None:
        self._how = how
        self._idle: dict[tuple[str, ...], list[Agent]] = {}

    @contextmanager
    def on(self, host: Host) -> Iterator[Agent]:
        """Give an agent of a host, to one at a time."""
        with self.on_each([host]) as (agent,):
            yield agent

    @contextmanager
    def on_each(self, hosts: Sequence[Host]) -> Iterator[list[Agent]]:
        """Give an agent of each host; what they hold is closed afterwards, and they end on an error."""
        kept = [self._idle.setdefault(host.key, []) for host in hosts]
        idle = [agents.pop() if agents else None for agents in kept]
        given = [agent for agent in idle if agent]
        try:
            started = iter(start_agents([host for host, agent in zip(hosts, idle, strict=True) if not agent]))
            given = [agent or next(started) for agent in idle]
            yield given
            for agent in given:
                agent.close(how=self._how)
        except BaseException:
            for agent in given:
                agent.end()
            raise
        for agents, agent in zip(kept, given, strict=True):
            agents.append(agent)

    def close(self) -> None:
        """End all of them."""
        for agents in self._idle.values():
            while agents:
                agents.pop().end()
