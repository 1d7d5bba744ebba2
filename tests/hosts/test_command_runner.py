"""A host with a runner (tests/support/command_runner.py) is the host itself: the same answers, errors and rights."""

from __future__ import annotations

import pytest

from connlab.cluster import hosts
from connlab.cluster.host import CommandFailed, Host
from tests.support.laboratory import Lab

RIGHTS = "Cap|NoNewPrivs|Seccomp:|SigIgn|SigBlk"
WHO = f"id; pwd; umask; env | sort; grep -E '{RIGHTS}' /proc/self/status; readlink /proc/self/fd/0"


@pytest.fixture
def plain_host(crowd: Lab) -> Host:
    """Return the same host, each of whose commands is a `docker exec`."""
    return hosts.find(crowd.settings.project, "server")[0]


@pytest.mark.parametrize("argv", [["sh", "-c", WHO], ["printf", "%s", "two\nlines \u00e4 '\\"], ["true"]])
def test_it_answers_as_the_host_does(crowd: Lab, plain_host: Host, argv: list[str]) -> None:
    """Who it is, where, with which environment, capabilities and signals; and text of any kind."""
    assert crowd.server.run(argv) == plain_host.run(argv)


def test_it_fails_as_the_host_does(crowd: Lab, plain_host: Host) -> None:
    """Status and standard error in the same words."""
    argv = ["sh", "-c", "echo out; echo 'what is wrong' >&2; exit 3"]
    errors = []
    for host in (crowd.server, plain_host):
        with pytest.raises(CommandFailed) as failed:
            host.run(argv)
        errors.append(str(failed.value))
    assert errors[0] == errors[1]


def test_it_answers_again_when_its_runner_is_gone(crowd: Lab) -> None:
    """As after a restart of the host: one command without it, then it has another."""
    (runner,) = crowd.server.run(["pgrep", "-f", "json.loads"]).split()
    crowd.server.run(["kill", "-9", runner], user="0")
    assert crowd.server.run(["echo", "there"]) == "there\n"
    assert crowd.server.run(["pgrep", "-f", "json.loads"]).split() != [runner]
