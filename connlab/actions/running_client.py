"""The running client host of a number, or why there is none and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from connlab.base.errors import LabError, Usage
from connlab.cluster.host import Host


def running_client(lab_hosts: Sequence[Host], number: int) -> Host:
    """Return the running client of this number.

    Raises `LabError` if it is there and does not run, `Usage` if there is none; both say what can be done with the
    lab as it is.
    """
    if not lab_hosts:
        raise LabError("the lab is not up", next_step="make up")
    clients = [host for host in lab_hosts if host.service == "client"]
    for host in clients:
        if host.number == number and host.running:
            return host
        if host.number == number:
            raise LabError(
                f"{host.name} is not running", host.trouble, next_step="make up, which brings it back"
            )
    running = [host.number for host in clients if host.running]
    numbers = ", ".join(map(str, running)) or "none"
    raise Usage(
        f"there is no client {number}; running clients: {numbers}",
        next_step=_advice(lab_hosts, running, number),
    )


def _advice(lab_hosts: Sequence[Host], running: Sequence[int], number: int) -> str:
    """Say what creates such a client, or which one runs; scaling creates the numbers that follow the last one."""
    if not any(host.service == "server" and host.running for host in lab_hosts):
        return "make up"
    clients = [host for host in lab_hosts if host.service == "client"]
    ways = [f"CLIENT={running[0]}"] if running else []
    if [host.number for host in clients if host.running] == list(range(1, len(clients) + 1)):
        ways.append(f"make scale-clients N={number}")
    return " or ".join(ways) or "make up"
