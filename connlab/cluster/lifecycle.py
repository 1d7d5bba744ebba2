"""The lab as a whole: up, scaled, down, and known to be ready."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from connlab.base.errors import GaveUp
from connlab.base.lock import exclusive_lock
from connlab.base.output import tell
from connlab.base.settings import Settings, checked
from connlab.cluster import (
    capacity,
    client_copies,
    compose,
    compose_failure,
    engine,
    host_files,
    hosts,
    images,
    lab_knobs,
    lab_record,
    one_off,
    preflight,
    repair,
)
from connlab.cluster.hosts import Host
from connlab.cluster.lab_record import Record
from connlab.cluster.readiness import wait_until_ready
from connlab.cluster.reload import reload

GRACE = 2  # seconds for a host to end; a server waits 1.5 s for its connections
PARALLEL = 8  # calls to the engine


def up(settings: Settings) -> list[Host]:
    """Bring the lab to what `settings` say and return its hosts, all ready.

    A lab that exists keeps its own knobs unless others are given (connlab/cluster/lab_knobs.py), and its hosts that are
    well. What would stop a host is tried before, and refused with the lab as it is. A server that stays and no longer
    has its policy in its kernel gets it again, and keeps its connections. A new lab that does not come up is
    taken down again.
    """
    project = settings.project
    with exclusive_lock(f"changing {project}"):
        before = hosts.find(project)
        mine = lab_knobs.read_lab_knobs(project, before)
        wanted = lab_knobs.merge_settings(settings, mine) if mine else settings
        capacity.check(wanted, wanted.clients)
        host_files.variables(wanted)  # a file that cannot travel is refused before anything is touched
        repair.restore_image_names(wanted, before)
        images.ensure(wanted)
        preflight.check(wanted, before)
        if mine:
            lab_knobs.report_changes(mine, wanted)
        try:
            lab_record.write(project, Record(lab_knobs.recorded_knobs(wanted), wanted.menu))
            found = repair.repair_hosts(project, before, wanted.clients)
            _leave(_surplus(found, wanted.clients))
            _converge(wanted, found)
            ready = wait_until_ready(project, wanted.clients)
            _policy_again(before, ready)
            return ready
        except BaseException:
            if not mine:
                _leave(hosts.find(project))
                one_off.remove_project(project)
            raise


def scale(settings: Settings, clients: int) -> list[Host]:
    """Exactly `clients` client hosts, the new ones like the others; the server and its connections are not touched."""
    project = settings.project
    with exclusive_lock(f"changing {project}"):
        before = hosts.find(project)
        hosts.server(project, before)
        wanted = lab_knobs.running_settings(settings)
        capacity.check(wanted, clients)
        lab_record.write(
            project, Record({**lab_knobs.recorded_knobs(wanted), "CLIENTS": str(clients)}, wanted.menu)
        )
        of_it = [host for host in before if host.service == "client"]
        found = repair.repair_hosts(project, of_it, clients)
        _leave(_surplus(found, clients))
        there = [host for host in found if host.service == "client"]
        if there:
            made = [
                client_copies.create(there[0], number)
                for number in client_copies.missing_numbers(there, clients)
            ]
            stopped = [host.id for host in there if host.number <= clients and not host.running]
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(client_copies.start, [*stopped, *made]))
        elif clients:
            _compose_up(checked(wanted.values, wanted.given, wanted.menu), clients, "--no-deps", "client")
        return wait_until_ready(project, clients)


def down(project: str) -> None:
    """Remove every container, network and volume of the lab. Raises `GaveUp` if the engine keeps the network."""
    engine.client()
    with exclusive_lock(f"changing {project}"):
        if project not in hosts.projects(project):
            tell(f"there is no lab {project}, so there is nothing to remove")
        _leave(hosts.find(project))
        try:
            one_off.remove_project(project)
        except GaveUp as kept:
            raise GaveUp(
                f"every host of {project} is gone, but the engine still counts one on the network and keeps it",
                next_step="make down again; if that says the same, restart the engine",
            ) from kept


def _policy_again(before: Iterable[Host], found: Iterable[Host]) -> None:
    """Load the policy again in a server that was there before, if its kernel no longer has it; says so."""
    old = {host.id for host in before}
    for server in (host for host in found if host.service == "server" and host.id in old):
        if different := reload(server):
            said = "\n  ".join(different)
            tell(f"the policy in the kernel was not as it was loaded, and is loaded again:\n  {said}")


def _converge(wanted: Settings, found: Sequence[Host]) -> None:
    """Have Compose create and start what is missing or stopped, and replace what is not as it should be.

    Compose 1 creates all clients anew if it creates the server while one is stopped: then the server goes first.
    """
    stopped = any(host.service == "client" and not host.running for host in found)
    if stopped and not any(host.service == "server" for host in found):
        compose.run(wanted, "up", "-d", "--no-build", "--no-deps", "server")
    _compose_up(wanted, wanted.clients, "--remove-orphans")


def _compose_up(wanted: Settings, clients: int, *arguments: str) -> None:
    options, services = [a for a in arguments if a[0] == "-"], [a for a in arguments if a[0] != "-"]
    try:
        compose.run(wanted, "up", "-d", "--no-build", *options, "--scale", f"client={clients}", *services)
    except compose.ComposeFailed as failed:
        raise compose_failure.explained(failed, wanted) from failed


def _surplus(found: Iterable[Host], clients: int) -> list[Host]:
    """List the client hosts that are too many; `_leave` takes the last first."""
    return [host for host in found if host.service == "client" and host.number > clients]


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
