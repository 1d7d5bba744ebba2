"""Which function carries out which request of the agent."""

from __future__ import annotations

from collections.abc import Callable

from client import protocol
from client.answers import Answer
from client.commands import close, connect, facts, listen, talk, transfer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from client.attempt import Attempt
    from client.commands.held import Held

COMMANDS: dict[type[protocol.Request], Callable[[Held, Any], Answer]] = {
    protocol.Salvo: connect.salvo,
    protocol.Close: close.close_,
    protocol.Send: transfer.send,
    protocol.Recv: transfer.recv,
    protocol.Talk: talk.talk,
    protocol.Churn: connect.churn,
    protocol.Listen: listen.listen,
    protocol.Accept: listen.accept,
    protocol.Resolve: connect.resolve,
    protocol.Facts: facts.facts,
    protocol.Quit: close.quit_,
}


def carry_out(held: Held, request: protocol.Request, tell: Callable[[Attempt], None]) -> Answer:
    """Do what a request asks; `tell` is given each attempt of an `open` with `partial`. Raises BadRequest, OSError."""
    if isinstance(request, protocol.Open):
        return connect.open_(held, request, tell)
    return COMMANDS[type(request)](held, request)
