"""The connection of an attempt, as each side's kernel has it."""

from __future__ import annotations

from collections.abc import Iterable

from connlab.base.model import Attempt
from connlab.kernel.socket_monitor import FourTuple


def client_tuple(attempt: Attempt) -> FourTuple:
    """Return the connection as the client has it."""
    return FourTuple(attempt.source or "", attempt.source_port or 0, attempt.target, attempt.target_port)


def server_tuple(attempt: Attempt) -> FourTuple:
    """Return the connection as the server has it."""
    return FourTuple(attempt.target, attempt.target_port, attempt.source or "", attempt.source_port or 0)


def client_tuples(attempts: Iterable[Attempt]) -> set[FourTuple]:
    """Return the connections as the client has them."""
    return {client_tuple(attempt) for attempt in attempts}


def server_tuples(attempts: Iterable[Attempt]) -> set[FourTuple]:
    """Return the connections as the server has them."""
    return {server_tuple(attempt) for attempt in attempts}
