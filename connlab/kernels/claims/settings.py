"""What the settings of TIME_WAIT are before anybody sets them, and which there are."""

from __future__ import annotations

from connlab.base.model import Verdict
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell

SENTENCE = "tcp_tw_recycle is gone, tcp_tw_reuse is 2 (loopback alone), and there is tcp_tw_reuse_delay"
TIME_WAIT = "net.ipv4.tcp_tw_"
RECYCLE, REUSE, DELAY = (f"{TIME_WAIT}{name}" for name in ("recycle", "reuse", "reuse_delay"))


def measure(lab: ClaimLab) -> Cell:
    """Read them on a client."""
    with lab.agents.on(lab.clients[0]) as agent:
        values = agent.facts((RECYCLE, REUSE, DELAY)).sysctls
    words = ", ".join(
        f"{key.removeprefix(TIME_WAIT)} {'absent' if value is None else value}"
        for key, value in values.items()
    )
    gone = values[RECYCLE] is None and values[REUSE] == "2"
    verdict = Verdict.REFUTED if not gone else Verdict.HOLDS if values[DELAY] is not None else Verdict.DEPENDS
    return Cell(verdict, {"values": values}, words)
