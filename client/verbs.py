"""The verbs of docs/agent.md as data: for each its function, and its fields with check and default."""

from __future__ import annotations

from collections.abc import Callable

from client.commands import close, connect, facts, listen, transfer
from client.commands.held import Held
from client.json_object import JsonObject
from client.request import (
    Check,
    address,
    address_or_any,
    boolean,
    host,
    integer,
    list_of,
    one_of,
    or_null,
    sysctl,
    text,
)

_TIMEOUT = (integer(1, 600_000), 2000)
_CONNS = (or_null(list_of(integer(1, 2**53))), None)


Verbs = dict[str, tuple[Callable[[Held, JsonObject], JsonObject], dict[str, tuple[Check, object]]]]


def verbs(port: int) -> Verbs:
    """{verb: (function, {field: (check, default)})}; `port` is dialled when a request names none."""
    target = {
        "host": (host, "server"),
        "port": (integer(1, 65_535), port),
        "timeout_ms": _TIMEOUT,
        "source": (or_null(address), None),
        "source_port": (or_null(integer(1, 65_535)), None),
    }
    return {
        "open": (
            connect.open_,
            {
                **target,
                "count": (integer(1, 20_000), 1),
                "in_flight": (integer(1, 20_000), 1),
                "gap_ms": (integer(0, 600_000), 0),
                "at_ns": (or_null(integer(0, 2**63)), None),
                "keep": (boolean, True),
                "partial": (boolean, False),
            },
        ),
        "close": (
            close.close_,
            {"conns": _CONNS, "how": (one_of("fin", "rst", "half", "drop"), "fin"), "timeout_ms": _TIMEOUT},
        ),
        "send": (
            transfer.send,
            {"conns": _CONNS, "text": (text, "hello"), "bytes": (or_null(integer(0, 2**24)), None)},
        ),
        "recv": (
            transfer.recv,
            {"conns": _CONNS, "max": (integer(1, 2**20), 65_536), "timeout_ms": _TIMEOUT},
        ),
        "churn": (
            connect.churn,
            {
                **target,
                "count": (integer(1, 20_000), 100),
                "gap_ms": (integer(0, 600_000), 0),
                "how": (one_of("fin", "rst"), "fin"),
                "message": (or_null(text), None),
                "detail": (boolean, False),
            },
        ),
        "listen": (
            listen.listen,
            {
                "port": (integer(0, 65_535), 0),
                "backlog": (integer(0, 2**31 - 1), 5),
                "address": (address_or_any, ""),
                "reuse_address": (boolean, True),
                "reuse_port": (boolean, False),
            },
        ),
        "accept": (listen.accept, {"conn": (integer(1, 2**53), None), "timeout_ms": _TIMEOUT}),
        "resolve": (connect.resolve, {"host": (host, "server")}),
        "facts": (facts.facts, {"sysctls": (list_of(sysctl), [])}),
        "quit": (close.quit_, {}),
    }
