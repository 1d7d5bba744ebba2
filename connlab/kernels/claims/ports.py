"""With ten ports, all in TIME_WAIT, tcp_tw_reuse=1 lets a client dial again after a second; 0 and 2 do not."""

from __future__ import annotations

from connlab.agent.session import Agent
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, E, holds

SENTENCE = "With ten ports, all in TIME_WAIT for 1.6 s: tcp_tw_reuse=1 dials again, 0 and 2 have no port"
PORTS, WAIT = 10, 1.6  # seconds
FIRST = 20_000


def measure(lab: ClaimLab) -> Cell:
    """Use up ten ports of a client, closed by it first, wait, and dial once more; ports of their own for each value."""
    client, found = lab.clients[-1], {}
    with Agent(client) as agent:
        for number, reuse in enumerate(("0", "2", "1")):
            first = FIRST + number * PORTS
            ports = f"net.ipv4.ip_local_port_range={first} {first + PORTS - 1}"
            lab.write_sysctls(client, (ports, f"net.ipv4.tcp_tw_reuse={reuse}"))
            used = agent.churn(PORTS).attempts
            agent.wait(WAIT)
            (again,) = agent.open(1)
            agent.close()
            found[reuse] = [sum(attempt.outcome is E for attempt in used), str(again.outcome)]
    lab.write_sysctls(client, ("net.ipv4.ip_local_port_range=32768 60999", "net.ipv4.tcp_tw_reuse=2"))
    right = {value: outcome for value, (_, outcome) in found.items()}
    words = ", ".join(f"{value}: {outcome}" for value, outcome in sorted(right.items()))
    return Cell(holds(right == {"0": "no_port", "2": "no_port", "1": "established"}), found, words)
