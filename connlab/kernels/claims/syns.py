"""How often a SYN is repeated: five times linearly from Linux 6.5 on, before that each time after twice as long."""

from __future__ import annotations

import re

from connlab.base.model import Verdict
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell

SENTENCE = "A dial that nobody answers sends 3 SYNs in 4.5 s (5 where they are repeated each second)"
PORT, TIMEOUT_MS = 9, 4500


def measure(lab: ClaimLab) -> Cell:
    """Have the server's rules count and drop what comes to a port, and dial it."""
    lab.server.run(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(PORT), "-j", "DROP"])
    with lab.agents.on(lab.clients[0]) as agent:
        agent.open(1, port=PORT, timeout_ms=TIMEOUT_MS)
    listed = lab.server.run(["iptables", "-nvxL", "INPUT"])
    lab.server.run(["iptables", "-D", "INPUT", "-p", "tcp", "--dport", str(PORT), "-j", "DROP"])
    match = re.search(rf"^\s*(\d+)\s.*dpt:{PORT}\b", listed, re.MULTILINE)
    sent = int(match[1]) if match else 0
    return Cell(Verdict.HOLDS if sent == 3 else Verdict.DEPENDS, {"syns": sent}, f"{sent} SYNs")
