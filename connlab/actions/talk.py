"""The article's interactive client, at the user's own terminal."""

from __future__ import annotations

import subprocess
import sys

from connlab.actions.running_client import running_client
from connlab.base.errors import LabError, NotFit
from connlab.base.settings import Settings
from connlab.cluster import engine, hosts

ARGV = ("python3", "-S", "-E", "-m", "client.talk")
SPOKEN = (0, 1, 2, 130)  # exit statuses of the client itself, which has said why


def talk(settings: Settings, number: int) -> int:
    """Talk to the server from client `number` until one side ends it; returns the exit status.

    Not `docker exec -t`: when a terminal is closed, the engine leaves a command with a pty running, and
    its connection would keep a slot and the host's workload waiting for ever (measured, engine 20.10).
    With pipes the end of this process is the end of that one; lines are edited by the user's own terminal.
    Raises `Usage` if there is no such client, `LabError` if the host itself went away, `NotFit` without docker(1).
    """
    client = running_client(hosts.find(settings.project), number)
    prompt = ["--prompt"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    command = ["docker", "exec", "-i", client.id, *ARGV, *prompt]
    try:
        status = subprocess.run(command, check=False, env=engine.environment()).returncode
    except OSError as error:
        raise NotFit(
            "the command docker cannot be run",
            f"{error.strerror}; `talk` needs it for your keyboard",
            next_step="install Docker's command line (docker-cli, docker-ce-cli), or see that it is in PATH",
        ) from error
    if status not in SPOKEN:
        raise LabError(
            f"{client.name} went away (docker exec: exit status {status})", next_step="make status"
        )
    return status
