"""A lab in a guest: a server and its clients, network namespaces on a bridge, with the programs of the lab's hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connlab.agent.idle import IdleAgents
from connlab.base.errors import GaveUp, LabError
from connlab.base.settings import Settings
from connlab.cluster import host_files
from connlab.cluster.host import Host
from connlab.kernels.claim_lab import SYSCTL, ClaimLab
from connlab.kernels.guest_host import GuestHost

UNPRIVILEGED = 10001  # uid and gid of `connlab` in the images
NET, SERVER = "198.18.0", 2  # the server's address ends with 2, the clients' with 3 and more
LOG = "/run/connlab-server.log"


def start(guest: GuestHost, settings: Settings, clients: int) -> ClaimLab:
    """Join the hosts and start the server; wait until it listens. Raises `LabError` with what it said."""
    names = ["server", *(f"client-{number}" for number in range(1, clients + 1))]
    guest.run(["sh", "-ec", _network(names)])
    server = _host(guest, settings, names[0], "server", None)
    server.run(["sh", "-c", f"touch {LOG}; setsid python3 -S -E -m server > {LOG} 2>&1 < /dev/null &"])
    _wait(guest)
    hosts = [_host(guest, settings, name, "client", UNPRIVILEGED) for name in names]
    return ClaimLab(server, hosts[0], tuple(hosts[1:]), IdleAgents(), _write_sysctls)


def _wait(guest: GuestHost) -> None:
    """Read the server's log until it is ready, by one process: each costs an emulated processor a fifth of a second."""
    said = ""
    with guest.stream(["tail", "-n", "+1", "-f", LOG]) as log:
        try:
            for said in log.lines(guest.patience):
                if '"ready"' in said:
                    return
                if "_failed" in said:
                    raise LabError(f"the server of Linux {guest.service} did not start", said.strip())
        except GaveUp as late:
            what = f"the server of Linux {guest.service} did not start within {guest.patience:g} s"
            raise GaveUp(what, said.strip() or "it wrote nothing") from late


def _write_sysctls(host: Host, settings: Sequence[str]) -> None:
    host.run([*SYSCTL, *settings], user="root")


def _network(names: list[str]) -> str:
    lines = ["ip link add lab type bridge", "ip link set lab up", f"echo {NET}.{SERVER} server >> /etc/hosts"]
    for number, name in enumerate(names):
        lines += [
            f"ip netns add {name}", f"ip link add to{number} type veth peer name eth0 netns {name}",
            f"ip link set to{number} master lab up", f"ip -n {name} link set lo up", f"ip -n {name} link set eth0 up",
            f"ip -n {name} addr add {NET}.{SERVER + number}/24 dev eth0",
        ]  # fmt: skip
    return "\n".join(lines)


def _host(guest: GuestHost, settings: Settings, name: str, service: str, account: int | None) -> GuestHost:
    number = int(name.partition("-")[2] or 0)
    environment: Mapping[str, str] = {
        **{knob: str(value) for knob, value in settings.values.items()},
        **host_files.environment(settings, service),
        "CONNLAB_TURN": f"/tmp/{name}.turn",
    }
    address = f"{NET}.{SERVER + number}"
    return GuestHost(guest.id, service, max(number, 1), address, "running", "", name, environment, account)
