"""The lab's policies do what is expected beside them: `firewall/NAME.expect.yaml` of `firewall/NAME.rules`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connlab.base.settings import HOME
from connlab.cluster import images, preflight
from connlab.trial.expected import files as expectation_files
from tests.support.in_process import call_lab
from tests.support.laboratory import own_settings
from tests.support.variations import then_variations

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
POLICIES = sorted(
    path for path in HOME.glob("firewall/*") if not path.name.endswith(expectation_files.BESIDE)
)
IPV4, IPV6 = (HOME / "firewall" / name for name in ("connlimit.rules", "connlimit6.rules6"))


def tried(*argv: str | Path) -> dict[str, Any]:
    """Return the answer of `lab try ARGV`, of a policy that loads; few dials: no limit here is larger."""
    result = call_lab("try", *map(str, argv), "--dials", "20", "--json")
    answer = json.loads(result.stdout)
    assert [file["loaded"] for file in answer["files"]] == [True] * len(answer["files"]), answer["files"]
    return dict(answer)


def broken(answer: dict[str, Any]) -> list[str]:
    """List what does not hold, with what there is instead."""
    assert answer["expectations"]
    return [f"{each['text']}: {each['got']}" for each in answer["expectations"] if not each["holds"]]


@pytest.mark.parametrize("policy", then_variations(*POLICIES), ids=lambda policy: policy.name)
def test_a_policy_does_what_is_expected_beside_it(policy: Path):
    """Its port and its limit are the knobs'."""
    assert broken(tried(policy, "--expect", expectation_files.beside(policy))) == []


@pytest.mark.parametrize(
    "policy", then_variations(*(path.stem for path in POLICIES if path.suffix == ".rules"))
)
def test_a_server_of_the_lab_has_it_word_for_word(policy: str):
    """What its kernel gives back is what the file says; else the server would not listen."""
    settings = own_settings(FIREWALL=policy)
    images.ensure(settings, ["server"])
    assert preflight.problems(settings, again=True) == []


def test_both_families_are_limited_by_both_files():
    """The policy for IPv6 closes the way around the one for IPv4."""
    answer = tried(
        IPV4, IPV6, "--expect", "port 12345 over IPv4: 15 per address, rst",
        "--expect", "port 12345 over IPv6: 15 per /64, rst", "--expect", "no finding ipv6-open",
    )  # fmt: skip
    assert broken(answer) == []


@pytest.mark.variation
def test_a_whole_address_over_ipv6_is_no_client():
    """With mask 128 who has a /64 takes another address for each 15 connections: the control of mask 64."""
    line = next(n for n, text in enumerate(IPV6.read_text().splitlines(), 1) if "--connlimit-mask 64" in text)
    answer = tried(IPV6, "--set", f"{line}:mask=128", "--expect", "port 12345 over IPv6: 15 per address, rst")
    assert broken(answer) == []


@pytest.mark.variation
def test_an_icmp_error_over_ipv6_is_what_the_others_see(tmp_path):
    """It comes back while connect(2) runs, and wakes nobody. The kernel rations it, but not over loopback.

    There nobody finds the server's queue full, how short it may be.
    """
    (tmp_path / "reject.rules").write_text(
        "# ip6tables-save\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 443 --syn -m connlimit "
        "--connlimit-above 4 --connlimit-mask 64 -j REJECT --reject-with icmp6-adm-prohibited\nCOMMIT\n"
    )
    found = tried(tmp_path / "reject.rules", "--listen", "0",
                  "--expect", "port 443 over IPv6: 4 per /64",
                  "--expect", "no finding refusal-silent")  # fmt: skip
    assert broken(found) == []
    assert [row["pattern"][:4] for row in found["ports"] if (row["port"], row["family"]) == (443, 6)] == [
        "E4 R"
    ]
    assert [each["evidence"] for each in found["findings"] if each["id"] == "loopback-limited"] == ["E4 R10"]
