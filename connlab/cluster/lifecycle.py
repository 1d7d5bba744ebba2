"""The lab as a whole: up, scaled, down, and known to be ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from connlab.base.errors import GaveUp
from connlab.base.lock import exclusive_lock
from connlab.base.output import notice
from connlab.base.settings import Settings, checked
from connlab.cluster import (
    block_routes,
    capacity,
    client_copies,
    compose_up,
    converged,
    dense,
    engine,
    host_files,
    hosts,
    images,
    lab_knobs,
    lab_record,
    leaving,
    plan,
    preflight,
    removal,
    repair,
)
from connlab.cluster.host import Host
from connlab.cluster.lab_record import Record
from connlab.cluster.readiness import wait_until_ready
from connlab.cluster.reload import reload

PARALLEL = 8  # calls to the engine


def up(settings: Settings, prepare: Callable[[Settings], None] = lambda _: None) -> list[Host]:
    """Bring the lab to what `settings` say and return its hosts, all ready.

    A lab that exists keeps its own knobs unless others are given (connlab/cluster/lab_knobs.py), and its hosts that are
    well. What would stop a host is tried before, and refused with the lab as it is. A server that stays and no longer
    has its policy in its kernel gets it again, and keeps its connections. A new lab that does not come up is
    taken down again. `prepare` makes a policy of one's own ready (connlab/trial/files/own_policy.py).
    """
    project = settings.project
    with exclusive_lock(f"changing {project}"):
        old_hosts = hosts.find(project)
        own_knobs = lab_knobs.read_lab_knobs(project, old_hosts)
        target = lab_knobs.merge_settings(settings, own_knobs) if own_knobs else settings
        _check_plan(target, target.clients)
        prepare(target)
        host_files.variables(target)  # a file that cannot travel is refused before anything is touched
        repair.restore_image_names(target, old_hosts)
        images.ensure(target)
        preflight.check(target, old_hosts)
        if own_knobs:
            lab_knobs.report_changes(own_knobs, target)
        try:
            lab_record.write(project, Record(lab_knobs.recorded_knobs(target), target.menu))
            if dense.has_to_move(target):
                leaving.leave_network(project)
            lab_hosts = repair.repair_hosts(project, hosts.find(project), target.clients)
            leaving.leave(leaving.surplus(lab_hosts, target.clients))
            asked = _converge(target, lab_hosts)
            ready = wait_until_ready(project, target.clients)
            block_routes.give(project, old_hosts, ready)
            if asked:
                converged.keep(target, ready)
            _policy_again(old_hosts, ready)
            return ready
        except BaseException:
            if not own_knobs:
                removal.remove_project(project)
            raise


def scale(settings: Settings, clients: int) -> list[Host]:
    """Exactly `clients` client hosts, the new ones like the others; the server and its connections are not touched."""
    project = settings.project
    with exclusive_lock(f"changing {project}"):
        old_hosts = hosts.find(project)
        hosts.server(project, old_hosts)
        target = lab_knobs.running_settings(settings)
        _check_plan(target, clients)
        lab_record.write(
            project, Record({**lab_knobs.recorded_knobs(target), "CLIENTS": str(clients)}, target.menu)
        )
        old_clients = [host for host in old_hosts if host.service == "client"]
        lab_hosts = repair.repair_hosts(project, old_clients, clients)
        leaving.leave(leaving.surplus(lab_hosts, clients))
        client_hosts = [host for host in lab_hosts if host.service == "client"]
        if client_hosts:
            new_ids = [
                client_copies.create(client_hosts[0], number)
                for number in client_copies.missing_numbers(client_hosts, clients)
            ]
            stopped_ids = [host.id for host in client_hosts if host.number <= clients and not host.running]
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(client_copies.start, [*stopped_ids, *new_ids]))
        elif clients:
            own = checked(target.values, target.explicit, target.menu)
            compose_up.compose_up(own, clients, "--no-deps", "client")
        ready = wait_until_ready(project, clients)
        block_routes.give(project, old_hosts, ready)
        return ready


def down(project: str) -> None:
    """Remove every container, network and volume of the lab. Raises `GaveUp` if the engine keeps the network."""
    engine.client()
    with exclusive_lock(f"changing {project}"):
        if project not in hosts.projects(project):
            notice(f"there is no lab {project}, so there is nothing to remove")
        elif count := len(hosts.find(project)):
            notice(f"{count} {'host is' if count == 1 else 'hosts are'} removed")
        try:
            removal.remove_project(project)
        except GaveUp as error:
            raise GaveUp(
                f"every host of {project} is gone, but the engine still counts one on the network and keeps it",
                next_step="make down again; if that says the same, restart the engine",
            ) from error


def _check_plan(target: Settings, clients: int) -> None:
    """Refuse what cannot be, and say what the lab is too small for, before anything is started."""
    capacity.check(target, clients)
    for words in plan.shortages(target, clients):
        notice(words)


def _policy_again(old_hosts: Iterable[Host], new_hosts: Iterable[Host]) -> None:
    """Load the policy again in a server that was there before, if its kernel no longer has it; says so."""
    old_ids = {host.id for host in old_hosts}
    for server in (host for host in new_hosts if host.service == "server" and host.id in old_ids):
        if differences := reload(server):
            words = "\n  ".join(differences)
            notice(f"the policy in the kernel was not as it was loaded, and is loaded again:\n  {words}")


def _converge(target: Settings, lab_hosts: Sequence[Host]) -> bool:
    """Have Compose create and start what is missing or stopped, and replace what is not as it should be.

    Returns whether it was asked: it is not where it has nothing to do (connlab/cluster/converged.py).
    Compose 1 creates all clients anew if it creates the server while one is stopped: then the server goes first.
    """
    if converged.is_converged(target, lab_hosts):
        return False
    stopped = any(host.service == "client" and not host.running for host in lab_hosts)
    if stopped and not any(host.service == "server" for host in lab_hosts):
        compose_up.compose_up(target, None, "--no-deps", "server")
    compose_up.compose_up(target, target.clients, "--remove-orphans")
    return True
