"""What is broken on purpose, one function each. Each may be called again while it is broken already."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from connlab.base.wait import until
from connlab.cluster import engine, images
from connlab.cluster.host import Host
from tests.faults.walk import PORT, Walk, environment_of

INPUT = ("iptables-save", "-t", "filter")


def client_killed(walk: Walk) -> None:
    """SIGKILL to a client's PID 1."""
    _kill(walk, "client-2")


def server_killed(walk: Walk) -> None:
    """SIGKILL to the server's PID 1: its listener, its rules and its connections are gone."""
    _kill(walk, "server-1")


def server_paused(walk: Walk) -> None:
    """The freezer cgroup: the kernel still answers SYNs, no process of the host does anything."""
    if walk.server().state != "paused":
        engine.client().api.pause(walk.server().id)


def client_disconnected(walk: Walk) -> None:
    """The client's end of its veth pair is removed; the container goes on."""
    host = walk.client(2)
    for name in host.inspect()["NetworkSettings"]["Networks"]:
        engine.client().api.disconnect_container_from_network(host.id, name)


def rules_flushed(walk: Walk) -> None:
    """`iptables -F`: no rule is left, and nothing is limited."""
    walk.on_server("iptables", "-F")


def rule_replaced(walk: Walk) -> None:
    """Another limit in the rule's place."""
    if "--connlimit-above 3 " not in walk.on_server(*INPUT):
        above = ["-m", "connlimit", "--connlimit-above", "3", "-j", "REJECT", "--reject-with", "tcp-reset"]
        walk.on_server("iptables", "-R", "INPUT", "1", "-p", "tcp", "--dport", str(PORT), "--syn", *above)


def counters_zeroed(walk: Walk) -> None:
    """`iptables -Z` after refusals: their count is gone, and connlimit counts anew (docs/kernel.md)."""
    walk.verb("attempt", "--count", "20")
    walk.on_server("iptables", "-Z")


def log_rotated(walk: Walk) -> None:
    """So much is written that the engine has thrown the first lines of every log away; here it keeps 1 kB."""
    for number, host in enumerate(walk.hosts()[1:], 1):
        if _first_line_kept(host):
            walk.verb("attempt", "--count", "20", "--client", str(number))
            until(lambda host=host: not _first_line_kept(host), f"{host.name}'s log is rotated", within=10)
    until(lambda: not _first_line_kept(walk.server()), "the server's log is rotated", within=10)


def image_gone(walk: Walk) -> None:
    """The server's image has no name any more; the containers go on."""
    with contextlib.suppress(engine.NotFound):
        engine.client().api.remove_image(images.name(walk.settings, "server"), force=True)


def env_edited(walk: Walk) -> None:
    """Somebody edits .env while the lab runs."""
    walk.menu.write_text(walk.menu.read_text().replace("CONNLIMIT=15", "CONNLIMIT=7"))


FAULTS: dict[str, Callable[[Walk], None]] = {
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


def limit_of(walk: Walk) -> int:
    """What the running server was told to admit from one source."""
    return int(environment_of(walk.server())["CONNLIMIT"])


def _kill(walk: Walk, name: str) -> None:
    host = next(host for host in walk.hosts() if host.name == name)
    if host.running:
        host.signal("KILL")
        until(
            lambda: not next(one for one in walk.hosts() if one.name == name).running,
            f"{name} is dead",
            within=10,
        )


def _first_line_kept(host: Host) -> bool:
    return '"ready"' in host.log()
