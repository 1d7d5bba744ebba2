"""Agents that are kept: who has one, who has the same one next, and which are not kept."""

from __future__ import annotations

import pytest

from connlab.agent import idle, session
from connlab.base.errors import GaveUp
from connlab.cluster.host import Host
from connlab.kernels.guest_host import GuestHost

ONE, OTHER = (Host(name, "client", number, "", "running", "") for number, name in enumerate("ab", 1))


class PlayedAgent:
    """An agent that is none: it knows its host, and how it was closed."""

    def __init__(self, host: Host) -> None:
        self.host, self.closed, self.ended = host, [], False

    def close(self, how: str) -> None:
        self.closed.append(how)

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> idle.IdleAgents:
    """Return agents that nobody has started yet."""
    monkeypatch.setattr(session, "Agent", PlayedAgent)
    return idle.IdleAgents(how="drop")


def test_who_comes_next_has_the_same_agent(kept: idle.IdleAgents) -> None:
    """With nothing open: each time it was closed in the way that was asked for."""
    with kept.on(ONE) as first:
        pass
    with kept.on_each([OTHER, ONE]) as (other, again):
        pass
    assert again is first
    assert (other.host, first.closed, other.closed) == (OTHER, ["drop", "drop"], ["drop"])


def test_two_at_a_time_have_two(kept: idle.IdleAgents) -> None:
    """Of one host, too."""
    with kept.on_each([ONE, ONE]) as (first, second), kept.on(ONE) as third:
        assert len({id(first), id(second), id(third)}) == 3


def test_after_an_error_none_is_kept(kept: idle.IdleAgents) -> None:
    """What it holds, and whether it still answers, nobody knows."""
    with pytest.raises(ZeroDivisionError), kept.on_each([ONE, OTHER]) as failed:
        raise ZeroDivisionError
    assert [agent.ended for agent in failed] == [True, True]
    with kept.on(ONE) as new:
        assert new is not failed[0]


def test_where_one_does_not_start_none_is_left(
    kept: idle.IdleAgents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that was idle nor one that started beside it, and the error is that start's."""
    with kept.on(ONE) as first:
        pass
    started = []

    def start(host: Host) -> PlayedAgent:
        if host is OTHER:
            raise GaveUp("client-2", "no agent within 30 s")
        started.append(PlayedAgent(host))
        return started[-1]

    monkeypatch.setattr(session, "Agent", start)
    with pytest.raises(GaveUp, match="no agent"), kept.on_each([ONE, ONE, OTHER, ONE]):
        pytest.fail("one is missing")
    assert len(started) == 2
    assert [agent.ended for agent in (first, *started)] == [True] * 3


def test_all_end_together(kept: idle.IdleAgents) -> None:
    """And who comes after that has a new one."""
    with kept.on(ONE) as first:
        pass
    kept.close()
    with kept.on(ONE) as second:
        assert (first.ended, second.ended, second is first) == (True, False, False)


def test_hosts_of_a_guest_are_told_apart_by_their_namespaces(kept: idle.IdleAgents) -> None:
    """They have the container around the guest in common, and an agent's host on the server the number 1."""
    itself, client = (
        GuestHost("c", "client", 1, "", "running", "", namespace=name) for name in ("server", "client-1")
    )
    with kept.on(itself) as first:
        pass
    with kept.on(client) as second:
        assert second is not first
