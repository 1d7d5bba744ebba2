"""Readiness: each host says `ready` on its own log, once for each time that it is started."""

from __future__ import annotations

import time
from datetime import datetime

from connlab.base.errors import GaveUp, LabError
from connlab.base.model import events
from connlab.base.output import notice
from connlab.base.wait import until
from connlab.cluster import exit_reason, hosts, leaving
from connlab.cluster.engine import Refused
from connlab.cluster.host import CommandFailed, Host

READY_WITHIN = 60.0  # seconds; a hundred clients on two cores take ten
SOON = 2.0  # seconds after which a host is asked itself, because a busy one's log may have rotated already
AGAIN = 1.0  # seconds until it is asked once more: each time is a process, while the others start
MARK = "/tmp/connlab.ready"  # what a host leaves on its tmpfs, which a start empties, when it says `ready`
REFUSALS = (
    "policy_failed",
    "listen_failed",
    "sysctl_failed",
    "mode_failed",
)  # a host that will not start (docs/events.md)


def wait_until_ready(project: str, clients: int) -> list[Host]:
    """Wait until each host has said `ready` since it was last started; return the hosts.

    A client too many, which the engine made late because a verb was interrupted, is taken away.
    Raises `GaveUp` naming those that have not, `LabError` with its last words if one has ended.
    """
    ready: set[str] = set()
    starts: dict[str, float] = {}  # nobody starts a host meanwhile: that is asked once for each
    asks: dict[str, float] = {}  # when a host is asked itself
    start, notices = time.monotonic(), 0

    def all_ready() -> list[Host] | None:
        nonlocal notices
        lab_hosts, seconds = hosts.find(project), time.monotonic() - start
        if late := leaving.surplus(lab_hosts, clients):
            leaving.leave(late)
            return None
        for host in lab_hosts:
            if host.id in ready:
                continue
            if host.running and host.id not in starts:
                starts[host.id] = _start(host)
            ask = seconds >= asks.get(host.id, SOON if host.young else 0.0)
            if ask:
                asks[host.id] = seconds + AGAIN
            if is_ready(host, ask=ask, started=starts.get(host.id)):
                ready.add(host.id)
        if len(lab_hosts) == clients + 1 == len(ready):
            return lab_hosts
        if seconds > notices + 1:
            notices += 1
            notice(f"{len(ready)} of {clients + 1} hosts are ready")
        return None

    try:
        return until(all_ready, "every host says `ready`", READY_WITHIN, every=0.1)
    except GaveUp as error:
        lab_hosts = hosts.find(project)
        names = [f"{host.name} ({host.trouble or 'running'})" for host in lab_hosts if host.id not in ready]
        missing = clients + 1 - len(lab_hosts)
        which = ", ".join([*names, *([f"{missing} that do not exist"] if missing > 0 else [])])
        raise GaveUp(
            f"after {READY_WITHIN:g} s not ready", which, next_step="make logs; make up tries again"
        ) from error


def is_ready(host: Host, *, ask: bool, started: float | None = None) -> bool:
    """Whether a host has said `ready` since it was last started; with `ask` also if its log has lost that.

    `started` is when that was, if it is known (seconds, UTC). Raises `LabError` with its last words if it has ended.
    """
    if host.state in ("exited", "dead"):
        raise LabError(
            f"{host.name} ended, {exit_reason.describe_end(host.inspect()['State'])}",
            reason(host.log(tail=20)),
            next_step="mend it, then run this again",
        )
    if not host.running:
        return False
    started = _start(host) if started is None else started
    if any(event.event == "ready" for event in events(host.log(since=started, until=started + READY_WITHIN))):
        return True
    return ask and _has_its_mark(host)


def reason(log: str) -> str:
    """Why a host ended: the `error` of its own last event of REFUSALS, or the end of what it wrote."""
    refusals = [event for event in events(log) if event.event in REFUSALS]
    return str(refusals[-1].fields["error"]) if refusals else log.strip()[-1000:] or "it wrote nothing"


def _start(host: Host) -> float:
    return datetime.fromisoformat(host.inspect()["State"]["StartedAt"]).timestamp()


def _has_its_mark(host: Host) -> bool:
    try:
        host.run(["test", "-e", MARK])
    except (CommandFailed, Refused):  # the second: it stops at this moment
        return False
    return True
