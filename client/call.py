"""One call of a workload: dial, exchange a message, hang up.

A call is bounded: 2 s for each dial, 2 s for the echoes, 2 s for the server's FINs.
"""

from __future__ import annotations

from client import close, connector, exchange, report
from client.attempt import Attempt
from client.json_object import JsonObject
from client.sockets import Socket
from connlab.machine import identity

TIMEOUT_MS = 2000


def call(knobs: JsonObject, count: int) -> tuple[list[str], int]:
    """Dial `count` connections one after another, hold them all, exchange one message on each, close them with FIN.

    Returns the outcomes and the number of echoes; an RST instead of an echo is `reset`.
    """
    outcomes: list[str] = []
    messages: dict[Socket, bytes] = {}
    attempts: dict[Socket, Attempt] = {}
    server, port = knobs["connlab_server"], knobs["port"]
    for attempt, sock in connector.dial(server, port, count=count, timeout_ms=TIMEOUT_MS):
        if sock:
            attempts[sock] = attempt
            messages[sock] = f"hello from {identity.host()} {len(messages) + 1}".encode()
        else:
            outcomes.append(attempt.outcome)
            report.attempt(attempt)
    echoes = exchange.echo(messages, TIMEOUT_MS)
    for sock, dialled in attempts.items():
        number = echoes[sock]
        attempt = dialled.with_errno(number) if number else dialled
        outcomes.append(attempt.outcome)
        report.attempt(attempt)
    close.fin(attempts, TIMEOUT_MS)
    return outcomes, list(echoes.values()).count(0)
