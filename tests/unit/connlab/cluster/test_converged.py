"""When Compose need not be asked: the hosts that it left, for the same inputs, and all of them well."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from connlab.base import settings
from connlab.base.settings import Settings
from connlab.cluster import compose, converged, engine, hosts
from connlab.cluster.host import Host

SERVER = Host("a1", "server", 1, "10.0.0.2", "running", "Up 2 minutes")
CLIENTS = [Host(f"b{n}", "client", n, f"10.0.0.{n + 2}", "running", "Up 2 minutes") for n in (1, 2)]
LAB = [SERVER, *CLIENTS]


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Play an engine with one network and two images, and a Compose; keep what is kept in a folder of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(engine, "identity", lambda: "engine 1")
    monkeypatch.setattr(engine, "image_id", lambda name: f"sha256:{name}")
    monkeypatch.setattr(hosts, "networks", lambda project: [{"Id": f"network of {project}"}])
    monkeypatch.setattr(compose, "command", lambda: ("docker-compose",))


def knobs(**values: object) -> Settings:
    """Return settings of a lab of two clients, with these knobs."""
    return settings.read().changed(**{"CLIENTS": 2, **values})


def test_the_hosts_that_compose_left_need_it_no_more() -> None:
    """Nothing is kept before; in whatever order the engine lists them."""
    assert not converged.is_converged(knobs(), LAB)
    converged.keep(knobs(), LAB)
    assert converged.is_converged(knobs(), LAB)
    assert converged.is_converged(knobs(), LAB[::-1])


@pytest.mark.parametrize(
    "values",
    [
        {"CONNLIMIT": 3},
        {"WORKLOAD": "hold"},
        {"CLIENT_SYSCTL": "rfc1337"},
        {"GREETING": "hi"},
        {"CLIENTS": 1},
    ],
    ids=lambda values: next(iter(values)),
)
def test_another_knob_is_for_compose(values: dict[str, object]) -> None:
    """Of the server, of the clients, and how many there are."""
    converged.keep(knobs(), LAB)
    assert not converged.is_converged(knobs(**values), LAB)


BROKEN = {
    "stopped": [SERVER, CLIENTS[0], dataclasses.replace(CLIENTS[1], state="exited")],
    "off the network": [SERVER, CLIENTS[0], dataclasses.replace(CLIENTS[1], address="")],
    "gone": LAB[:2],
    "no server": CLIENTS,
    "made anew": [SERVER, CLIENTS[0], dataclasses.replace(CLIENTS[1], id="c2")],
    "one more": [*LAB, Host("d1", "other", 1, "10.0.0.9", "running", "Up 2 minutes")],
}


@pytest.mark.parametrize("lab_hosts", BROKEN.values(), ids=BROKEN)
def test_hosts_that_are_not_those_are_for_compose(lab_hosts: list[Host]) -> None:
    """Each is one that Compose would start, create, replace or remove."""
    converged.keep(knobs(), LAB)
    assert not converged.is_converged(knobs(), lab_hosts)


def test_what_compose_reads_is_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its file, a profile, an image that was built anew under its name, another network, another engine."""
    (tmp_path / "sysctl").mkdir()
    files = {"compose.yaml": "services: {}\n", "sysctl/article.yaml": "services: {host: {}}\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(compose, "HOME", tmp_path)
    converged.keep(knobs(), LAB)
    assert converged.is_converged(knobs(), LAB)
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}# edited\n")
        assert not converged.is_converged(knobs(), LAB), name
        (tmp_path / name).write_text(text)
    for module, name, other in (
        (engine, "image_id", lambda name: "sha256:other"),
        (hosts, "networks", lambda project: [{"Id": "other"}]),
        (engine, "identity", lambda: "engine 2"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, other)
            assert not converged.is_converged(knobs(), LAB), name
    assert converged.is_converged(knobs(), LAB), "the control"


def test_without_a_folder_compose_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache folder that cannot be used is no reason to fail here."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    converged.keep(knobs(), LAB)
    assert not converged.is_converged(knobs(), LAB)
