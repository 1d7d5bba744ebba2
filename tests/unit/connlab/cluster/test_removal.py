"""How a project's containers go: off their network one at a time where the engine needs that, then all at once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connlab.cluster import engine, removal

LABEL = "com.docker.compose.project=x"


class Engine:
    """Containers on one network, as the engine lists them; what it was asked for, in order."""

    def __init__(self) -> None:
        self.networks = {"a": "endpoint", "b": "endpoint", "stopped": ""}
        self.calls: list[tuple[str, str]] = []

    def containers(self, **_filters: object) -> list[object]:
        return [
            {"Id": name, "NetworkSettings": {"Networks": {"lab": {"NetworkID": "n", "EndpointID": endpoint}}}}
            for name, endpoint in self.networks.items()
        ]

    def disconnect_container_from_network(self, container: str, network: str, *, force: bool) -> None:
        assert (network, force) == ("n", True)
        self.calls.append(("part", container))

    def remove_container(self, container: str, *, force: bool, v: bool) -> None:
        assert force and v
        self.calls.append(("remove", container))
        del self.networks[container]


@pytest.mark.parametrize(("version", "parted"), [("20.10.24", ["a", "b"]), ("20.10.27", []), ("28.1.0", [])])
def test_hosts_part_in_turn_where_two_at_a_moment_stop_the_engine(monkeypatch, version, parted):
    """moby#46661: there nobody is removed who is still on a network; one that does not run is on none."""
    fake = Engine()
    monkeypatch.setattr(engine, "version", lambda: version)
    monkeypatch.setattr(removal, "client", lambda: SimpleNamespace(api=fake))
    removal.remove_all(LABEL)
    assert [name for call, name in fake.calls if call == "part"] == parted
    assert sorted(name for call, name in fake.calls if call == "remove") == ["a", "b", "stopped"]
    assert all(fake.calls.index(("part", name)) < fake.calls.index(("remove", name)) for name in parted)
