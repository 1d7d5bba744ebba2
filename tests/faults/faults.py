"""What is broken on purpose, one function each. Each may be called again while it is broken already."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from connlab.base.wait import until
from connlab.cluster import engine, images
from connlab.cluster.host import Host
from tests.faults.fault_lab import PORT, FaultLab, read_environment
from tests.support.pausing import pause

INPUT = ("iptables-save", "-t", "filter")


def client_killed(lab: FaultLab) -> None:
    """Send SIGKILL to a client's PID 1."""
    _kill(lab, "client-2")


def server_killed(lab: FaultLab) -> None:
    """Send SIGKILL to the server's PID 1: its listener, its rules and its connections are gone."""
    _kill(lab, "server-1")


def server_paused(lab: FaultLab) -> None:
    """Pause the server (freezer cgroup): the kernel still answers SYNs, no process of the host does anything."""
    if lab.server().state != "paused":
        pause(lab.server().id)


def client_disconnected(lab: FaultLab) -> None:
    """Remove the client's end of its veth pair; the container goes on."""
    host = lab.client(2)
    for name in host.inspect()["NetworkSettings"]["Networks"]:
        engine.client().api.disconnect_container_from_network(host.id, name)


def rules_flushed(lab: FaultLab) -> None:
    """Run `iptables -F`: no rule is left, and nothing is limited."""
    lab.on_server("iptables", "-F")


def rule_replaced(lab: FaultLab) -> None:
    """Put another limit in the rule's place."""
    if "--connlimit-above 3 " not in lab.on_server(*INPUT):
        above = ["-m", "connlimit", "--connlimit-above", "3", "-j", "REJECT", "--reject-with", "tcp-reset"]
        lab.on_server("iptables", "-R", "INPUT", "1", "-p", "tcp", "--dport", str(PORT), "--syn", *above)


def counters_zeroed(lab: FaultLab) -> None:
    """Run `iptables -Z` after refusals: their count is gone, and connlimit counts anew (docs/kernel.md)."""
    lab.call("attempt", "--count", "20")
    lab.on_server("iptables", "-Z")


def log_rotated(lab: FaultLab) -> None:
    """Have the hosts write until the engine has thrown the first lines of every log away; here it keeps 1 kB."""
    for number, host in enumerate(lab.hosts()[1:], 1):
        # The server's can be left though a client's is gone: each writes enough at its start to lose it, or just not.
        if _has_first_line(host) or _has_first_line(lab.server()):
            lab.call("attempt", "--count", "20", "--client", str(number))
            until(lambda host=host: not _has_first_line(host), f"{host.name}'s log is rotated", within=10)
    until(lambda: not _has_first_line(lab.server()), "the server's log is rotated", within=10)


def image_gone(lab: FaultLab) -> None:
    """Take the name of the server's image away; the containers go on."""
    with contextlib.suppress(engine.NotFound):
        engine.client().api.remove_image(images.name(lab.settings, "server"), force=True)


def env_edited(lab: FaultLab) -> None:
    """Edit .env while the lab runs."""
    lab.menu.write_text(lab.menu.read_text().replace("CONNLIMIT=15", "CONNLIMIT=7"))


FAULTS: dict[str, Callable[[FaultLab], None]] = {
    "client killed": client_killed,
    "server killed": server_killed,
    "server paused": server_paused,
    "client disconnected": client_disconnected,
    "rules flushed": rules_flushed,
    "rule replaced": rule_replaced,
    "counters zeroed": counters_zeroed,
    "log rotated": log_rotated,
    "image gone": image_gone,
    ".env edited": env_edited,
}


def read_limit(lab: FaultLab) -> int:
    """Return what the running server was told to admit from one source."""
    return int(read_environment(lab.server())["CONNLIMIT"])


def _kill(lab: FaultLab, name: str) -> None:
    def find_host() -> Host:
        return next(host for host in lab.hosts() if host.name == name)

    if (host := find_host()).running:
        host.signal("KILL")
        until(lambda: not find_host().running, f"{name} is dead", within=10)


def _has_first_line(host: Host) -> bool:
    """Return whether the engine still has the beginning of a host's log."""
    return '"ready"' in host.log()
