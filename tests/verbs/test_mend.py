"""`up` brings back what is broken, and touches nothing that is well: same containers, same connections."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import pytest

from connlab.agent.session import Agent
from connlab.base import settings
from connlab.base.errors import LabError
from connlab.base.model import Event, Outcome, events, tally
from connlab.base.wait import until
from connlab.cluster import client_copies, engine, hosts, images, lifecycle, readiness, removal
from connlab.cluster.host import Host
from tests.support.laboratory import Lab, lab_of_hosts, own_settings, temporary_project
from tests.support.pausing import pause
from tests.support.sockets import peer_ports
from tests.support.variations import then_variations

pytestmark = pytest.mark.xdist_group("mend")  # one lab for all of them, not one in each worker
CLIENTS = 5


def disconnect(host: Host) -> None:
    """Take a host off its network."""
    (network,) = host.inspect()["NetworkSettings"]["Networks"]
    engine.client().api.disconnect_container_from_network(host.id, network)


def reconnect(host: Host) -> None:
    """Take a host off its network and put it back without its name, as somebody does by hand."""
    (network,) = host.inspect()["NetworkSettings"]["Networks"]
    engine.client().api.disconnect_container_from_network(host.id, network)
    engine.client().api.connect_container_to_network(host.id, network)


FAULTS: dict[str, Callable[[Host], None]] = {
    "removed": lambda host: removal.remove(host.id),
    "killed": lambda host: host.signal("KILL"),
    "stopped": lambda host: engine.client().api.stop(host.id, timeout=0),
    "paused": lambda host: pause(host.id),
    "disconnected": disconnect,
    "without its name": reconnect,
    "restarted": lambda host: host.restart(),
}
SAME_CONTAINER = ("killed", "stopped", "paused", "restarted")  # it goes on, or is started again


@pytest.fixture(scope="module")
def lab(module_lab) -> Lab:
    """Return a lab of five idle clients; client-5 is well and stays so."""
    return module_lab(CLIENTS=CLIENTS)


SAID = {  # by `up`, of client 1 to 4, with these faults
    "removed, paused, disconnected, without its name": (
        "client-1 is missing, and is made like client-",
        "client-2 was paused, and goes on",
        "client-3 is replaced: it is not on the lab's network",
        "client-4 is replaced: nobody on the lab's network finds it as `client`",
    ),
    "killed, stopped, restarted, removed": ("client-4 is missing, and is made like client-",),
}


@pytest.mark.parametrize("names", then_variations(*SAID))
def test_every_broken_client_comes_back_and_no_other_is_touched(lab: Lab, names: str, capfd) -> None:
    """Four faults at once; the fifth client's five connections live through it. Each fault is said by name."""
    faults, before = names.split(", "), hosts.find(lab.settings.project)
    broken, well = before[1:5], before[5]
    with Agent(well) as agent:
        ports = {attempt.source_port for attempt in agent.open(5)}
        for host, fault in zip(broken, faults, strict=True):
            FAULTS[fault](host)
        hosts_now = lifecycle.up(default_settings(lab))
        assert ports == peer_ports(lab.server, lab.settings.port), "connections of a client that was well"

    _check_whole(lab, hosts_now)
    output = capfd.readouterr().err
    assert [words for words in SAID[names] if words not in output] == [], output
    same = [then.id == now.id for then, now in zip(broken, hosts_now[1:5], strict=True)]
    assert same == [fault in SAME_CONTAINER for fault in faults]
    assert (hosts_now[0].id, hosts_now[5].id) == (before[0].id, well.id)


@pytest.mark.parametrize("fault", ["removed", "killed", "paused", "disconnected"])
@pytest.mark.variation
def test_the_server_comes_back_and_the_clients_are_not_touched(lab: Lab, fault: str) -> None:
    """Its state is told with the way out, and that way is `make up`.

    One client is stopped too, which Compose 1 by itself answers by making all of them anew.
    """
    few = lifecycle.scale(lab.settings, 2)  # of five, each `up` would look at all
    before = hosts.find(lab.settings.project)
    FAULTS[fault](before[0])
    FAULTS["stopped"](before[1])
    if fault != "disconnected":
        with pytest.raises(LabError, match="next: make up"):
            hosts.server(lab.settings.project, hosts.find(lab.settings.project))
    hosts_now = lifecycle.up(default_settings(lab))
    _check_whole(lab_of_hosts(lab.settings, few), hosts_now)
    assert (hosts_now[0].id == before[0].id) == (fault in SAME_CONTAINER)
    assert [host.id for host in hosts_now[1:]] == [host.id for host in before[1:]]


@pytest.mark.variation
def test_a_lab_whose_clients_all_died_gets_them_back(lab: Lab) -> None:
    """The number is the one that it was last scaled to, not how many are left, which is none."""
    lifecycle.scale(lab.settings, 2)
    for host in hosts.find(lab.settings.project, "client"):
        removal.remove(host.id)
    hosts_now = lifecycle.up(default_settings(lab))
    assert [host.name for host in hosts_now] == ["server-1", "client-1", "client-2"]


@pytest.mark.variation
def test_scaling_mends_clients_and_makes_new_ones_alike(lab: Lab) -> None:
    """A client that is gone, one that is paused, and two more: all with the lab's own workload and port."""
    lifecycle.scale(lab.settings, 3)
    there = hosts.find(lab.settings.project)
    FAULTS["removed"](there[1])
    FAULTS["paused"](there[2])
    hosts_now = lifecycle.scale(default_settings(lab), 5)
    _check_whole(lab_of_hosts(lab.settings, [lab.server, *lab.clients[:5]]), hosts_now)
    assert (hosts_now[0].id, hosts_now[2].id, hosts_now[3].id) == (there[0].id, there[2].id, there[3].id)
    plain = {tuple(sorted(host.inspect()["Config"]["Env"])) for host in hosts_now[1:]}
    assert len(plain) == 1, plain


@pytest.mark.variation
def test_an_image_and_a_network_that_somebody_removed() -> None:
    """An image, while its hosts run: it is named again, nothing is built, and nothing is replaced.

    All hosts stopped, and the network pruned: they cannot be started again as they are, and are replaced.
    """
    mine, base = own_settings(CLIENTS=1), settings.read()
    lab_settings = mine.changed(BASE_IMAGE=f"debian:{mine.project}")  # its images have names of their own
    for service in ("server", "client"):
        engine.name_image(images.name(base, service), images.name(lab_settings, service))
    with temporary_project(lab_settings), _images_removed(lab_settings):
        before = lifecycle.up(lab_settings)
        for service in ("server", "client"):
            engine.client().api.remove_image(images.name(lab_settings, service), force=True)
        again = lifecycle.up(lab_settings)
        assert [host.id for host in again] == [host.id for host in before]

        for host in again:
            FAULTS["stopped"](host)
        for network in hosts.networks(lab_settings.project):
            engine.client().api.remove_network(network["Id"])
        hosts_now = lifecycle.up(lab_settings)
        assert not {host.id for host in hosts_now} & {host.id for host in before}
        _check_whole(lab_of_hosts(lab_settings, before), hosts_now)


def test_a_ready_from_before_a_restart_is_not_believed(lab: Lab) -> None:
    """A server that is frozen before it has said `ready` again is not ready, though its log has the old line."""
    api, server = engine.client().api, hosts.find(lab.settings.project)[0]
    running = dataclasses.replace(server, state="running")  # what a look says that came a moment before
    for _ in range(5):
        api.stop(server.id, timeout=0)
        api.start(server.id)
        pause(server.id)
        is_ready, lines = readiness.is_ready(running, ask=False), len(_ready_events(server))
        api.unpause(server.id)
        until(lambda: readiness.is_ready(running, ask=True), "it is ready again", within=30)
        if len(_ready_events(server)) > lines:  # it was frozen in time
            break
    else:
        pytest.fail("the server was ready before it could be frozen, five times")
    assert (lines >= 1, is_ready) == (True, False)


@pytest.mark.variation
def test_a_host_whose_log_has_lost_the_line_is_asked(lab: Lab) -> None:
    """Docker keeps the newest lines of a log, here 1 kB, and a busy host soon writes more than that."""
    model = hosts.find(lab.settings.project)[-1]
    number = model.number + 1
    client_copies.start(client_copies.create(_WithShortLog(**dataclasses.asdict(model)), number))
    host = until(lambda: _host_without_trouble(lab, number), "it runs", within=10)
    until(lambda: readiness.is_ready(host, ask=False), "it has said so", within=10)
    for _ in range(10):
        with Agent(host):
            pass
    until(lambda: not _ready_events(host), "its log has lost the line", within=10)
    assert (readiness.is_ready(host, ask=False), readiness.is_ready(host, ask=True)) == (False, True)
    host.run(["rm", readiness.MARK])
    assert not readiness.is_ready(host, ask=True)
    removal.remove(host.id)


class _WithShortLog(Host):
    """A model for a client with a log of 1 kB."""

    def inspect(self) -> dict:
        description = dict(super().inspect())
        description["HostConfig"]["LogConfig"]["Config"] = {"max-size": "1k", "max-file": "1"}
        return description


def _host_without_trouble(lab: Lab, number: int) -> Host | None:
    """Return the host of this number, if it runs as it should."""
    return next((h for h in hosts.find(lab.settings.project) if h.number == number and not h.trouble), None)


def _ready_events(host: Host) -> list[Event]:
    """Return the `ready` events that a host's log still has."""
    return [event for event in events(host.log()) if event.event == "ready"]


def default_settings(lab: Lab) -> settings.Settings:
    """Return the settings of a shell in which nobody gives a knob: .env's, and the lab's name."""
    base = settings.read()
    return settings.checked(
        {**base.values, "COMPOSE_PROJECT_NAME": lab.settings.project}, frozenset(), base.menu
    )


def _check_whole(lab: Lab, hosts_now: list[Host]) -> None:
    """Hold every host to its number and to no trouble; the limit holds for the first client and the last."""
    assert [host.name for host in hosts_now] == ["server-1", *(host.name for host in lab.clients)]
    assert [host.trouble for host in hosts_now] == [""] * len(hosts_now)
    for client in (hosts_now[1], hosts_now[-1]):
        with Agent(client) as agent:
            assert tally(agent.open(16)) == {Outcome.ESTABLISHED: 15, Outcome.REFUSED: 1}


@contextlib.contextmanager
def _images_removed(lab_settings: settings.Settings) -> Iterator[None]:
    """Remove the project and the names of its images on the way out."""
    try:
        yield
    finally:
        removal.remove_project(lab_settings.project)
        for service in ("server", "client"):
            engine.remove_image(images.name(lab_settings, service))
