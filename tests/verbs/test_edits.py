"""An edited policy, profile or mode: no image is built, and what cannot work leaves the running lab alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connlab.base import settings
from connlab.base.model import events
from connlab.cluster import hosts
from tests.support.checkout import checkout, run_copy
from tests.support.laboratory import own_settings, temporary_project
from tests.support.variations import then_variations

pytestmark = pytest.mark.xdist_group("edits")  # one lab for all of them, not one in each worker
FLOW = '{services: {host: {sysctls: {"net.ipv4.tcp_fin_timeout": 14, net.ipv4.tcp_rmem: "4096\\t8192\\t16384"}}}}\n'
LIST = "services:\n  host:\n    sysctls: ['net.ipv4.tcp_keepalive_time=0x10']\n"


class Checkout:
    """A copy of the repository, and its `lab` command on one project."""

    def __init__(self, folder: Path, project: str) -> None:
        self.folder, self.project = folder, project

    def lab(self, *argv: str, **knobs: str) -> subprocess.CompletedProcess[str]:
        """Run `lab ARGV` of this copy."""
        own = {"WORKLOAD": "idle", "CLIENTS": "1", "CLIENT_SYSCTL": "own"}
        return run_copy(self.folder, *argv, COMPOSE_PROJECT_NAME=self.project, **own, **knobs)

    def edit(self, path: str, before: str, after: str) -> None:
        """Replace a text of a file, which is there."""
        text = (self.folder / path).read_text()
        assert before in text
        (self.folder / path).write_text(text.replace(before, after))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Return a checkout with a lab that is up, its clients' profile a list."""
    lab_settings = own_settings()
    with temporary_project(lab_settings):
        checkout_copy = Checkout(checkout(tmp_path_factory.mktemp("checkout")), lab_settings.project)
        (checkout_copy.folder / "sysctl/own.yaml").write_text(LIST)
        up = checkout_copy.lab("up")
        assert up.returncode == 0, up.stderr
        yield checkout_copy


def test_an_edit_is_no_image_build(copy: Checkout) -> None:
    """All three at once: another server of the same image, in force what was written; the client is as it was.

    The server's profile is in flow style, the client's a list with 0x10: read back as their kernels have them.
    """
    server, client = hosts.find(copy.project)
    image = server.inspect()["Image"]
    copy.edit("firewall/connlimit.rules", "-A OUTPUT", "-A INPUT -p udp -j DROP\n-A OUTPUT")
    copy.edit("server/modes/threading.py", "BACKLOG = 1024", "BACKLOG = 77")
    (copy.folder / "sysctl/article.yaml").write_text(FLOW)
    up = copy.lab("up")

    assert up.returncode == 0, up.stderr
    assert "building" not in up.stderr
    other, same = hosts.find(copy.project)
    assert (same.id, other.inspect()["Image"]) == (client.id, image)
    assert other.id != server.id
    (listening,) = (event for event in events(other.log()) if event.event == "listening")
    assert listening.fields["backlog"] == 77
    assert "-A INPUT -p udp -j DROP" in other.run(["iptables-save", "-t", "filter"])

    status = json.loads(copy.lab("status", "--json").stdout)
    sysctls = [
        (key["key"], key["declared"], key["effective"], key["state"])
        for key in status["sysctls"] + status["client_sysctls"]
    ]
    assert sysctls == [
        ("net.ipv4.tcp_fin_timeout", "14", "14", "applied"),
        ("net.ipv4.tcp_rmem", "4096 8192 16384", "4096 8192 16384", "applied"),
        ("net.ipv4.tcp_keepalive_time", "16", "16", "applied"),
    ]


LONG = "# " + "x" * 140_000 + "\n"
REFUSED = {
    "a profile that is no YAML": ("sysctl/article.yaml", "services: [", "sysctl/article.yaml: while parsing"),
    "a value that each Compose reads differently": (
        "sysctl/own.yaml", LIST.replace("['net.ipv4.tcp_keepalive_time=0x10']", "{net.ipv4.tcp_syncookies: on}"),
        "line 3: net.ipv4.tcp_syncookies: on is read in different ways",
    ),
    "a policy that does not fit": ("firewall/connlimit.rules", LONG, "MAX_ARG_STRLEN): firewall/connlimit.rules 140"),
    "a mode that is no text": ("server/modes/pool.py", b"\xff", "server/modes/pool.py: it is not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "content", "why"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_travel_leaves_the_lab_alone(
    copy: Checkout, path: str, content: str | bytes, why: str
) -> None:
    """Exit code 1, the file and the reason, before any host is touched."""
    file, before = copy.folder / path, hosts.find(copy.project)
    content_before = file.read_bytes()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        result = copy.lab("up")
    finally:
        file.write_bytes(content_before)
    assert result.returncode == 1
    assert why in result.stderr
    assert "\n  next: " in result.stderr
    assert "Traceback" not in result.stderr
    assert [(host.id, host.running) for host in hosts.find(copy.project)] == [
        (host.id, host.running) for host in before
    ]


MODE = "server/modes/threading.py"
BROKEN = {
    "a syntax error": ("daemon_threads = True", "daemon_threads = = True", ", line {}: invalid syntax"),
    "an import that fails": ("BACKLOG = 1024", "import yaml", ", line {}: ModuleNotFoundError: No module"),
    "no build": ("def build(", "def made(", ": it has no function build(settings, connections)"),
}


@pytest.mark.parametrize(("before", "after", "why"), then_variations(*BROKEN.values()), ids=BROKEN)
def test_a_mode_that_cannot_be_used_leaves_the_lab_alone(
    copy: Checkout, before: str, after: str, why: str
) -> None:
    """It is imported in a throw-away host first: exit code 1, file and line, and the server goes on."""
    hosts_before = [(host.id, host.running) for host in hosts.find(copy.project)]
    text = (copy.folder / MODE).read_text()
    mode = (settings.HOME / MODE).read_text()
    line = mode[: mode.index(before)].count("\n") + 1
    (copy.folder / MODE).write_text(mode.replace(before, after))
    try:
        result = copy.lab("up")
    finally:
        (copy.folder / MODE).write_text(text)
    assert result.returncode == 1, result.stdout
    assert "the running lab was left as it is:" in result.stderr
    assert MODE + why.format(line) in result.stderr
    assert "Traceback" not in result.stderr
    assert [(host.id, host.running) for host in hosts.find(copy.project)] == hosts_before
