"""In which order clients leave: the last first, as it came."""

from __future__ import annotations

from connlab.cluster import engine, leaving
from connlab.cluster.host import Host


def host(service: str, number: int) -> Host:
    return Host(f"{service}{number}", service, number, "10.0.0.2", "running", "Up 2 minutes")


def test_the_last_client_leaves_first(monkeypatch):
    """What `scale` takes away is taken from the end, so that an interrupt leaves clients without a gap."""
    names: list[str] = []
    monkeypatch.setattr(engine, "version", lambda: "20.10.24")
    monkeypatch.setattr(Host, "remove", lambda self, grace: names.append(self.name))
    lab_hosts = [host("server", 1), *(host("client", number) for number in (1, 2, 3, 4))]
    leaving.leave(leaving.surplus(lab_hosts, 1))
    assert names == ["client-4", "client-3", "client-2"]
