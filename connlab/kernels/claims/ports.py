"""With ten ports, all in TIME_WAIT, tcp_tw_reuse=1 lets a client dial again after a second; 0 and 2 do not."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.agent.session import Agent
from connlab.base.errors import LabError
from connlab.kernel.snapshot import read_sockets
from connlab.kernels.claim_lab import ClaimLab
from connlab.kernels.claims.cell import Cell, holds

SENTENCE = "With ten ports, all in TIME_WAIT for 1.6 s: tcp_tw_reuse=1 dials again, 0 and 2 have no port"
PORTS, WAIT = 10, 1.6  # seconds
FIRST = 20_000
TRIES = 3


def measure(lab: ClaimLab) -> Cell:
    """Use up ten ports of a client, closed by it first, wait, and dial once more; ports of their own for each value."""
    found, firsts = {}, iter(range(FIRST, FIRST + 3 * TRIES * PORTS, PORTS))
    with lab.agents.on(lab.clients[-1]) as agent:
        for reuse in ("0", "2", "1"):
            _fill(lab, agent, reuse, firsts)
            (again,) = agent.open(1)
            agent.close()
            found[reuse] = str(again.outcome)
    lab.write_sysctls(
        lab.clients[-1], ("net.ipv4.ip_local_port_range=32768 60999", "net.ipv4.tcp_tw_reuse=2")
    )
    words = ", ".join(f"{value}: {outcome}" for value, outcome in sorted(found.items()))
    return Cell(holds(found == {"0": "no_port", "2": "no_port", "1": "established"}), found, words)


def _fill(lab: ClaimLab, agent: Agent, reuse: str, firsts: Iterator[int]) -> None:
    """Bring ten ports into TIME_WAIT, other ones where a socket went early (docs/kernel.md T23: a stray RST ends it).

    Raises `LabError` if that does not come about.
    """
    client, waiting = lab.clients[-1], 0
    for _ in range(TRIES):
        first = next(firsts)
        ports = f"net.ipv4.ip_local_port_range={first} {first + PORTS - 1}"
        lab.write_sysctls(client, (ports, f"net.ipv4.tcp_tw_reuse={reuse}"))
        agent.churn(PORTS)
        agent.wait(WAIT)
        waiting = sum(
            socket.state == "TIME-WAIT" and first <= socket.local_port < first + PORTS
            for socket in read_sockets(client.run)
        )
        if waiting == PORTS:
            return
    raise LabError(f"of {PORTS} ports {waiting} were in TIME_WAIT: no cell without all of them")
