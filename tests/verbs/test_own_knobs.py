"""A running lab keeps its knobs, whatever the next shell and .env say, until somebody asks for others."""

from __future__ import annotations

import json
import shutil

import pytest

from connlab.cluster import engine, hosts
from connlab.cluster.lab_record import REVISION
from tests.support.in_process import call_lab
from tests.support.laboratory import own_settings, temporary_project
from tests.support.menu import FILE


def test_a_lab_keeps_its_knobs_and_is_changed_on_request(tmp_path) -> None:
    """Given once: kept by `up` in a plain shell, used by every verb. A new line in .env, or a knob given, changes it.

    A change of a client's knob leaves the server's container alone, and the reverse.
    """
    lab_settings, menu = own_settings(), tmp_path / ".env"
    shutil.copy(FILE, menu)
    name = {"COMPOSE_PROJECT_NAME": lab_settings.project, "CONNLAB_ENV_FILE": str(menu)}
    with temporary_project(lab_settings):
        up = call_lab("up", **name, PORT="443", CONNLIMIT="3", WORKLOAD="idle", CLIENTS="1")
        assert up.returncode == 0, up.stderr
        first = hosts.find(lab_settings.project)

        up_again = call_lab("up", **name)
        assert up_again.returncode == 0
        assert [host.id for host in hosts.find(lab_settings.project)] == [host.id for host in first]
        assert "keeping CLIENTS=1, CONNLIMIT=3, PORT=443, WORKLOAD=idle of this lab" in up_again.stderr

        attempt = call_lab("attempt", "--count", "5", "--json", **name, PORT="80")
        assert json.loads(attempt.stdout)["outcomes"] == {"established": 3, "refused": 2}
        assert "PORT=80 is not this lab's, which has 443" in attempt.stderr
        assert call_lab("scale", "2", **name).returncode == 0
        assert environment(lab_settings.project) == [{"443", "3"}, {"443", "idle"}, {"443", "idle"}]

        doctor = call_lab("doctor", "--json", **name)
        details = {check["name"]: check["detail"] for check in json.loads(doctor.stdout)["checks"]}
        assert details["capacity"].startswith("enough for 2 clients, "), "the menu has 3"

        # An edited line counts; the others of the same file do not.
        menu.write_text(menu.read_text().replace("CONNLIMIT=15", "CONNLIMIT=4"))
        up_edited = call_lab("up", **name)
        assert "CONNLIMIT 3 -> 4: the server is replaced" in up_edited.stderr
        assert environment(lab_settings.project) == [{"443", "4"}, {"443", "idle"}, {"443", "idle"}]
        second = hosts.find(lab_settings.project)
        assert [host.id for host in second[1:2]] == [host.id for host in first[1:]]

        up_changed = call_lab("up", **name, WORKLOAD="hold", CLIENTS="1")
        assert "WORKLOAD idle -> hold: the clients are replaced" in up_changed.stderr
        assert environment(lab_settings.project) == [{"443", "4"}, {"443", "hold"}]
        assert hosts.find(lab_settings.project)[0].id == second[0].id

        # Without its record, as after `docker volume prune`, the hosts' own environment is what there is.
        (volume,) = engine.client().api.volumes(filters={"label": REVISION, "name": lab_settings.project})[
            "Volumes"
        ]
        engine.client().api.remove_volume(volume["Name"])
        assert call_lab("up", **name).returncode == 0
        assert environment(lab_settings.project) == [{"443", "4"}, {"443", "hold"}]

        assert call_lab("down", **name).returncode == 0
        assert hosts.projects(lab_settings.project) == set()


@pytest.mark.variation
def test_what_plain_compose_took_down_is_forgotten() -> None:
    """Its `down` knows nothing of the record: the next lab of that name is a new one, with .env's knobs."""
    lab_settings = own_settings(CLIENTS=0, CONNLIMIT=3)
    plain = {"COMPOSE_PROJECT_NAME": lab_settings.project, "CLIENTS": "0"}
    with temporary_project(lab_settings):
        assert call_lab("up", **plain, CONNLIMIT="3").returncode == 0
        for host in hosts.find(lab_settings.project):
            host.remove(0)
        for network in hosts.networks(lab_settings.project):
            engine.client().api.remove_network(network["Id"])
        up_again = call_lab("up", **plain)
        assert (up_again.returncode, "keeping" in up_again.stderr) == (0, False)
        assert environment(lab_settings.project) == [{"12345", "15"}]


def environment(project: str) -> list[set[str]]:
    """Return port and limit of the server, port and workload of each client, as their processes have them."""
    names = ("PORT=", "CONNLIMIT=", "WORKLOAD=")
    values = []
    for host in hosts.find(project):
        lines = host.inspect()["Config"]["Env"]
        values.append({line.partition("=")[2] for line in lines if line.startswith(names)})
    return values
