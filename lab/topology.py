"""The lab as a whole: up, scaled, down, and known to be ready."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lab import capacity, compose, contents, engine, hosts, images, throwaway
from lab.errors import GaveUp, LabError
from lab.hosts import Host
from lab.lock import alone
from lab.model import events
from lab.settings import Settings
from lab.wait import until
from lab.words import tell

READY_WITHIN = 60.0  # seconds; a hundred clients on two cores take ten
REFUSALS = ("policy_failed", "listen_failed", "sysctl_failed")  # a host that will not start (docs/events.md)
GRACE = 2  # seconds for a host to end; a server waits 1.5 s for its connections
CAPABILITIES = ["NET_ADMIN", "SETUID", "SETGID", "SETPCAP"]


def up(settings: Settings) -> list[Host]:
    """Bring the lab to what `settings` say and return its hosts, all ready.

    A running lab keeps its number of clients unless CLIENTS was given. A lab that did not exist before and
    does not come up is taken down again; a running one keeps its server if the new policy does not load.
    """
    with alone(f"changing {settings.project}"):
        before = hosts.find(settings.project)
        clients = _wanted_clients(settings, before)
        capacity.check(settings, clients)
        contents.variables(settings)  # a file that cannot travel is refused before anything is touched
        images.ensure(settings)
        if any(host.service == "server" and host.running for host in before):
            check_policy(settings)
        try:
            _leave(_surplus(before, clients))
            compose.run(
                settings, "up", "-d", "--no-build", "--remove-orphans", "--scale", f"client={clients}"
            )
            return wait_until_ready(settings.project, clients)
        except BaseException:
            if not before:
                _leave(hosts.find(settings.project))
                throwaway.remove_project(settings.project)
            raise


def scale(settings: Settings, clients: int) -> list[Host]:
    """Exactly `clients` client hosts; the server and its connections are not touched."""
    with alone(f"changing {settings.project}"):
        before = hosts.find(settings.project)
        if not any(host.service == "server" and host.running for host in before):
            raise LabError(f"the lab {settings.project} is not up\n  next: make up CLIENTS={clients}")
        capacity.check(settings, clients)
        contents.variables(settings)
        _leave(_surplus(before, clients))
        compose.run(
            settings,
            "up",
            "-d",
            "--no-build",
            "--no-deps",
            "--no-recreate",
            "--scale",
            f"client={clients}",
            "client",
        )
        return wait_until_ready(settings.project, clients)


def down(project: str) -> None:
    """Remove every container, network and volume of the lab. Raises `GaveUp` if the engine keeps the network."""
    engine.client()
    with alone(f"changing {project}"):
        if project not in hosts.projects(project):
            tell(f"there is no lab {project}, so there is nothing to remove")
        _leave(hosts.find(project))
        try:
            throwaway.remove_project(project)
        except GaveUp as kept:
            raise GaveUp(
                f"every host of {project} is gone, but the engine still counts one on the network and keeps it\n"
                "  next: make down again; if that says the same, restart the engine"
            ) from kept


def wait_until_ready(project: str, clients: int) -> list[Host]:
    """The hosts, once each has said `ready` on its own log.

    Raises `GaveUp` naming those that have not, `LabError` with its last words if one has ended.
    """
    ready: set[str] = set()
    began, said = time.monotonic(), 0

    def all_ready() -> list[Host] | None:
        nonlocal said
        found = hosts.find(project)
        for host in found:
            if host.id not in ready and _is_ready(host):
                ready.add(host.id)
        if len(found) == clients + 1 == len(ready):
            return found
        if time.monotonic() - began > said + 1:
            said += 1
            tell(f"{len(ready)} of {clients + 1} hosts are ready")
        return None

    try:
        return until(all_ready, "every host says `ready`", READY_WITHIN, every=0.05)
    except GaveUp as late:
        silent = [host.name for host in hosts.find(project) if host.id not in ready]
        raise GaveUp(f"after {READY_WITHIN:g} s not ready: {', '.join(silent)}\n  next: make logs") from late


def check_policy(settings: Settings) -> None:
    """Load the policy in a throw-away container of the new image; raises `LabError` with the tool's words."""
    status, said = try_policy(settings)
    if status:
        raise LabError(f"the running lab was left as it is: {reason(said)}")


def try_policy(settings: Settings) -> tuple[int, str]:
    """Exit status and words of the server image's own `check`, in a throw-away container."""
    image = images.name(settings, "server")
    environment = {**settings.values, **contents.environment(settings, "server")}
    return throwaway.try_out(image, ["check"], environment=environment, cap_add=CAPABILITIES)


def _is_ready(host: Host) -> bool:
    if host.state in ("exited", "dead"):
        raise LabError(
            f"{host.name} ended: {reason(host.log(tail=20))}\n  next: mend it, then run this again"
        )
    if not host.running:
        return False
    # An old host has been waited for before, and its log may have rotated since.
    return not host.young or any(event.event == "ready" for event in events(host.log()))


def reason(log: str) -> str:
    """Why a host ended: the `error` of its own last event of REFUSALS, or the end of what it wrote."""
    failed = [event for event in events(log) if event.event in REFUSALS]
    return str(failed[-1].fields["error"]) if failed else log.strip()[-1000:]


def _surplus(before: Iterable[Host], clients: int) -> list[Host]:
    """The client hosts that are too many, the last first."""
    return [host for host in before if host.service == "client"][clients:][::-1]


def _leave(leaving: Sequence[Host]) -> None:
    """Ask these hosts to stop and remove them, clients before the server, which waits for its connections.

    One after another where the engine needs that, else each service at one moment.
    """
    if not leaving:
        return
    together = engine.at_least(engine.version(), engine.PARTS_AT_ONCE)
    how = "" if together else ", one after another"
    tell(f"{len(leaving)} {'host leaves' if len(leaving) == 1 else 'hosts leave'}{how}")
    with ThreadPoolExecutor(16 if together else 1) as pool:
        for service in ("client", "server"):
            of_it = [host for host in leaving[::-1] if host.service == service]
            list(pool.map(lambda host: host.remove(GRACE), of_it))


def _wanted_clients(settings: Settings, before: Iterable[Host]) -> int:
    running = [host for host in before if host.running]
    if "CLIENTS" in settings.given or not any(host.service == "server" for host in running):
        return settings.clients
    clients = sum(host.service == "client" for host in running)
    if clients != settings.clients:
        tell(f"keeping {clients} clients; CLIENTS={settings.clients} would change that")
    return clients
