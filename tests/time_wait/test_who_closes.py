"""Which side keeps TIME_WAIT after each of six ways to end a connection, and what the kernel says of an RST."""

from __future__ import annotations

import pytest

from connlab.base.model import Verdict
from tests.support.recordings import Recordings
from tests.time_wait.endings import (
    ABORTS,
    WAYS,
    Way,
    both_at_once,
    client_first,
    client_leaves_data,
    client_resets,
    server_first,
    server_leaves_data,
)


@pytest.mark.claim("closes-first")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_who_closes_first_keeps_it(endings: Recordings, verdict, way: Way) -> None:
    """TIME_WAIT is on the side whose FIN came first, on both if both did, on neither after an RST (T02, T15)."""
    ending = endings["lab"][way.__name__]
    assert ending.last_states == WAYS[way]
    states = ", ".join(f"{side} {ending.last_states[side] or 'nothing'}" for side in ("client", "server"))
    verdict(
        Verdict.HOLDS
        if ending.last_states["server"] and not ending.last_states["client"]
        else Verdict.REFUTED,
        f"{way.__name__.replace('_', ' ')}: {states.replace('-', '_')}",
    )


@pytest.mark.parametrize(
    ("way", "side", "counter"),
    [
        (client_resets, "client", "TcpExtTCPAbortOnData"),
        (client_leaves_data, "client", "TcpExtTCPAbortOnClose"),
        (server_leaves_data, "server", "TcpExtTCPAbortOnClose"),
    ],
)
def test_the_kernel_says_why_it_sent_an_rst(endings: Recordings, way: Way, side: str, counter: str) -> None:
    """The second witness: one abort, for this reason, on this side; none for the ways that end with FIN."""
    nothing = {other: dict.fromkeys(ABORTS, 0) for other in ("server", "client")}
    assert endings["lab"][way.__name__].aborts == {**nothing, side: {**nothing[side], counter: 1}}
    for polite in (client_first, server_first, both_at_once):
        assert endings["lab"][polite.__name__].aborts == nothing
