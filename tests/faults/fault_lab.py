"""A lab to break, and the verbs that a person types meanwhile."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connlab.base.settings import Settings
from connlab.cluster import hosts
from connlab.cluster.host import Host
from tests.support.command_runner import RunnerHost, Streams, runner_host
from tests.support.in_process import call_lab

KNOBS = {"WORKLOAD": "hold", "DIALS": "5", "PERIOD": "1"}
PORT = 12345
LIMIT = 15
# What a person types after `lab` for each column of docs/faults.md; MORE is one client more than there are.
MORE = "MORE"
VERBS = {
    "status": ("status",),
    "attempt": ("attempt", "--count", "20"),
    "doctor": ("doctor",),
    "logs": ("logs", "--service", "server"),
    "up": ("up",),
    "scale-clients": ("scale", MORE),
    "down": ("down",),
}


@dataclass(frozen=True)
class FaultLab:
    """A lab to break: its settings, its `.env`, knobs that the shell has, its clients. Its verbs run in this process.

    What the test itself asks a host goes through one runner for each container, `runners` by id; verbs have none.
    """

    settings: Settings
    menu: Path
    knobs: Mapping[str, str]
    clients: int
    runners: dict[str, Streams] = field(default_factory=dict)

    def call(self, *argv: str, **knobs: str) -> subprocess.CompletedProcess[str]:
        """Type `lab ARGV`, with no knob in the environment but the lab's name and `knobs`."""
        variables = {"COMPOSE_PROJECT_NAME": self.settings.project, **self.knobs, **knobs}
        words = [str(self.clients + 1) if word == MORE else word for word in argv]
        return call_lab(*words, CONNLAB_ENV_FILE=str(self.menu), **variables)

    def status(self) -> dict[str, Any]:
        """Return what `lab status --json` prints."""
        answer: dict[str, Any] = json.loads(self.call("status", "--json").stdout)
        return answer

    def hosts(self) -> list[RunnerHost]:
        """Return the lab's hosts as the engine lists them now."""
        return [
            runner_host(host, self.runners.setdefault(host.id, {}))
            for host in hosts.find(self.settings.project)
        ]

    def close(self) -> None:
        """End the runners of all its containers."""
        for stream in itertools.chain(*(streams.values() for streams in self.runners.values())):
            stream.close()

    def server(self) -> Host:
        """Return the server host."""
        return self.hosts()[0]

    def client(self, number: int) -> Host:
        """Return the client host of this number."""
        return next(host for host in self.hosts() if host.name == f"client-{number}")

    def on_server(self, *argv: str) -> str:
        """Run a command on the server host, as root there."""
        return self.server().run(argv)


def read_environment(host: Host) -> Mapping[str, str]:
    """Return the environment that a host was started with."""
    return dict(entry.split("=", 1) for entry in host.inspect()["Config"]["Env"])
