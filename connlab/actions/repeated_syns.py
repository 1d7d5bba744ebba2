"""SYNs that a client's kernel sends again: a rule judges, and counts, each of them anew (docs/kernel.md O04).

So of dials that get no answer the rules count more than there were, and the two witnesses differ.
"""

from __future__ import annotations

from connlab.agent.session import Agent

COUNTER = "TcpExtTCPSynRetrans"


def count(agent: Agent) -> int | None:
    """Read how many SYNs the agent's host has sent again since it began; None if its kernel does not count them."""
    return agent.facts(counters=[COUNTER]).counters[COUNTER]


def since(agent: Agent, before: int | None) -> int | None:
    """Read how many it has sent again since `before`; None if that is not known."""
    now = count(agent)
    return None if now is None or before is None else now - before


def explain(packets: int | None, not_established: int, repeated: int | None) -> str:
    """Say why the rules counted more packets than dials were not established, if repeated SYNs are just the difference.

    Nothing if there was none, or if that is not all: others were refused as well, or the SYNs were lost elsewhere.
    """
    if not repeated or packets != not_established + repeated:
        return ""
    return f" (dials not established: {not_established}; SYNs that the client repeated, each counted again: {repeated})"
