"""A running lab keeps its knobs, whatever the next shell and .env say, until somebody asks for others."""

from __future__ import annotations

import json
import shutil

from connlab.cluster import engine, hosts
from connlab.cluster.lab_record import REVISION
from tests.support.in_process import call_lab
from tests.support.laboratory import own_settings, temporary_project
from tests.support.menu import FILE


def test_a_lab_keeps_its_knobs_and_is_changed_on_request(tmp_path) -> None:
    """Given once: kept by `up` in a plain shell, used by every verb. A new line in .env, or a knob given, changes it.

    A change of a client's knob leaves the server's container alone, and the reverse.
    """
    chosen, menu = own_settings(), tmp_path / ".env"
    shutil.copy(FILE, menu)
    name = {"COMPOSE_PROJECT_NAME": chosen.project, "CONNLAB_ENV_FILE": str(menu)}
    with temporary_project(chosen):
        made = call_lab("up", **name, PORT="443", CONNLIMIT="3", WORKLOAD="idle", CLIENTS="1")
        assert made.returncode == 0, made.stderr
        first = hosts.find(chosen.project)

        kept = call_lab("up", **name)
        assert (kept.returncode, [host.id for host in hosts.find(chosen.project)]) == (
            0,
            [h.id for h in first],
        )
        assert "keeping CLIENTS=1, CONNLIMIT=3, PORT=443, WORKLOAD=idle of this lab" in kept.stderr

        dialled = call_lab("attempt", "--count", "5", "--json", **name, PORT="80")
        assert json.loads(dialled.stdout)["outcomes"] == {"established": 3, "refused": 2}
        assert "PORT=80 is not this lab's, which has 443" in dialled.stderr
        assert call_lab("scale", "2", **name).returncode == 0
        assert environment(chosen.project) == [{"443", "3"}, {"443", "idle"}, {"443", "idle"}]

        # An edited line counts; the others of the same file do not.
        menu.write_text(menu.read_text().replace("CONNLIMIT=15", "CONNLIMIT=4"))
        edited = call_lab("up", **name)
        assert "CONNLIMIT 3 -> 4: the server is replaced" in edited.stderr
        assert environment(chosen.project) == [{"443", "4"}, {"443", "idle"}, {"443", "idle"}]
        second = hosts.find(chosen.project)
        assert [host.id for host in second[1:2]] == [host.id for host in first[1:]]

        given = call_lab("up", **name, WORKLOAD="hold", CLIENTS="1")
        assert "WORKLOAD idle -> hold: the clients are replaced" in given.stderr
        assert environment(chosen.project) == [{"443", "4"}, {"443", "hold"}]
        assert hosts.find(chosen.project)[0].id == second[0].id

        # Without its record, as after `docker volume prune`, the hosts' own environment is what there is.
        (volume,) = engine.client().api.volumes(filters={"label": REVISION, "name": chosen.project})[
            "Volumes"
        ]
        engine.client().api.remove_volume(volume["Name"])
        assert call_lab("up", **name).returncode == 0
        assert environment(chosen.project) == [{"443", "4"}, {"443", "hold"}]

        assert call_lab("down", **name).returncode == 0
        assert hosts.projects(chosen.project) == set()


def test_what_plain_compose_took_down_is_forgotten() -> None:
    """Its `down` knows nothing of the record: the next lab of that name is a new one, with .env's knobs."""
    chosen = own_settings(CLIENTS=0, CONNLIMIT=3)
    plain = {"COMPOSE_PROJECT_NAME": chosen.project, "CLIENTS": "0"}
    with temporary_project(chosen):
        assert call_lab("up", **plain, CONNLIMIT="3").returncode == 0
        for host in hosts.find(chosen.project):
            host.remove(0)
        for network in hosts.networks(chosen.project):
            engine.client().api.remove_network(network["Id"])
        again = call_lab("up", **plain)
        assert (again.returncode, "keeping" in again.stderr) == (0, False)
        assert environment(chosen.project) == [{"12345", "15"}]


def environment(project: str) -> list[set[str]]:
    """Port and limit of the server, port and workload of each client, as their processes have them."""
    wanted = ("PORT=", "CONNLIMIT=", "WORKLOAD=")
    found = []
    for host in hosts.find(project):
        lines = host.inspect()["Config"]["Env"]
        found.append({line.partition("=")[2] for line in lines if line.startswith(wanted)})
    return found
