"""The connections and listeners that an agent holds, each under a number of its own."""

from __future__ import annotations

import itertools

from client import close
from client.messages import BadRequest
from client.sockets import Socket

Held = dict[int, Socket]
numbers = itertools.count(1)


def hold(held: Held, sock: Socket) -> int:
    """Keep a socket; returns its number, which no other one had before."""
    number = next(numbers)
    held[number] = sock
    return number


def choose(held: Held, conns: list[int] | None, *, talking: bool = False) -> Held:
    """Choose the held sockets of these numbers, or all; no listeners, if they shall talk. Raises BadRequest."""
    for conn in conns or ():
        if conn not in held:
            raise BadRequest(f"conns: {conn} is not held; held are: {', '.join(map(str, held)) or 'none'}")
    chosen = held if conns is None else {conn: held[conn] for conn in conns}
    return {conn: sock for conn, sock in chosen.items() if not (talking and close.listens(sock))}
