"""FIREWALL=path/to/file: any file of rules is a lab's policy, whatever its form.

client-1 ── bridge ── server   FIREWALL=./own.sh, then edited, then an nft script
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connlab.base.settings import Settings
from connlab.cluster import hosts, one_off
from tests.support.in_process import call_on
from tests.support.laboratory import own_settings, temporary_project

SCRIPT = """#!/bin/sh
# at most LIMIT of each
for port in 443 12345; do
  iptables -A INPUT -p tcp --syn --dport $port -m connlimit --connlimit-above LIMIT -j REJECT --reject-with tcp-reset
done
"""
NFT = """table inet guard {
  chain in {
    type filter hook input priority filter
    tcp dport ${PORT} ct state new ct count over 3 reject with tcp reset
  }
}
"""
HALF = "iptables -A INPUT -p tcp --dport 12345 -j DROP\niptables -A INPUT -j NOWHERE\n"
Dial = Callable[[int], tuple[int, int]]


@pytest.fixture
def lab_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Give settings of a lab of our own, in a folder with files."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"own.sh": SCRIPT.replace("LIMIT", "4"), "own.nft": NFT, "half.sh": HALF}.items():
        Path(name).write_text(text)
    settings = own_settings()
    with temporary_project(settings):
        yield settings


@pytest.fixture
def dial(lab_settings: Settings) -> Dial:
    """Dial as often as is asked for: how many were established, and how many refused."""

    def dialled(count: int) -> tuple[int, int]:
        attempt = call_on(lab_settings, "attempt", "--count", str(count))
        said = re.search(r"^(\d+) established(?:, (\d+) refused)?", attempt.stdout, re.MULTILINE)
        assert said, attempt.stdout + attempt.stderr
        return int(said[1]), int(said[2] or 0)

    return dialled


def test_a_file_of_any_form_is_a_policy(lab_settings: Settings, dial: Dial) -> None:
    """A script, edited and taken up again; nft rules, flushed and mended; one that half loads changes nothing."""
    up = call_on(lab_settings, "up", FIREWALL="./own.sh")
    assert up.returncode == 0, up.stderr
    assert dial(6) == (4, 2)
    status = call_on(lab_settings, "status").stdout
    assert f"policy    {Path('own.sh').resolve()}, in force: 4 connections per source address" in status

    Path("own.sh").write_text(SCRIPT.replace("LIMIT", "2"))
    assert call_on(lab_settings, "up", FIREWALL="own.sh").returncode == 0
    assert dial(6) == (2, 4)

    assert call_on(lab_settings, "up", FIREWALL="own.nft").returncode == 0
    assert dial(6) == (3, 3)
    (server,) = hosts.find(lab_settings.project, "server")
    one_off.run_in_netns(server, ["nft", "flush", "ruleset"])
    assert dial(6) == (6, 0)
    again = call_on(lab_settings, "up")
    assert "the policy in the kernel was not as it was loaded, and is loaded again" in again.stderr
    assert dial(6) == (3, 3)

    half = call_on(lab_settings, "up", FIREWALL="half.sh")
    assert half.returncode == 1
    assert "half.sh does not load as it is:\n  2 iptables v1.8.11" in half.stderr
    assert [host.id for host in hosts.find(lab_settings.project, "server")] == [server.id]


@pytest.mark.variation
def test_doctor_tries_it_as_up_does(lab_settings: Settings) -> None:
    """Made ready first, though no lab is up: it loads. Of one that half loads that is told, and nothing of settings."""
    rows = {}
    for name in ("own.sh", "half.sh"):
        answer = json.loads(call_on(lab_settings, "doctor", "--json", FIREWALL=name).stdout)
        rows[name] = {row["name"]: (row["result"], row["detail"]) for row in answer["checks"]}
    own, half = rows.values()
    assert (own["policy"][0], own["sysctls"][0]) == ("PASS", "PASS")
    assert f"{Path('own.sh').resolve()} loads on this kernel" in own["policy"][1]
    assert half["policy"][0] == "FAIL"
    assert "half.sh does not load as it is:\n  2 iptables" in half["policy"][1]
    assert half["sysctls"] == ("WARN", "not tried, because the policy does not load")
