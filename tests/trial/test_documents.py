"""Examples of limits from official pages, each typed anew in docs/documents/, do what is said here.

A claim that is not true is refuted by a test that passes; what each of them measured is in docs/documents.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connlab.base import settings
from connlab.base.model import Verdict
from connlab.base.settings import HOME
from connlab.evidence.claims import CLAIMS
from connlab.trial.dialling.dial_words import pattern
from connlab.trial.hosts.conductor import Conductor
from tests.support.in_process import call_lab
from tests.support.sandboxes import Sandboxes
from tests.support.trial_answers import doubtful_rows

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
RULES = {claim.id: HOME / "docs/documents" / claim.rules for claim in CLAIMS if claim.rules}
Row = dict[str, Any]
Judge = Callable[..., None]


def tried(claim: str, *options: str) -> tuple[Callable[..., Row], dict[str, Any]]:
    """Return rows by port, family and net, and the whole answer, of the example of a claim."""
    result = call_lab("try", str(RULES[claim]), "--dials", "20", *options, "--json")
    answer = json.loads(result.stdout)
    assert [file["loaded"] for file in answer["files"]] == [True], answer

    def row(port: int, family: int = 4, net: str = "any") -> Row:
        (found,) = [
            row for row in answer["ports"] if (row["port"], row["family"], row["from"]) == (port, family, net)
        ]
        return dict(found)

    assert doubtful_rows(answer) == []

    return row, answer


def knocks(sandboxes: Sandboxes) -> list[str]:
    """Return what one address gets that holds a connection, then dials port 139, says something, and dials again.

    The last is what another address gets, which has not knocked.
    """
    one, other, server = "198.18.85.170", "198.18.85.171", "198.51.100.10"

    def dial(port: int, source: str = one, count: int = 3) -> dict[str, Any]:
        return {"do": "dial", "routes": [[source, server, port]], "count": count, "group": source}

    steps = [
        {"do": "listen", "ports": [139, 8090], "backlog": 511},
        {"do": "load", "texts": [{"tool": "iptables", "text": RULES["badguy"].read_text()}]},
        dial(8090), dial(139, count=1), {"do": "say", "group": one}, dial(8090), dial(8090, other),
    ]  # fmt: skip
    with sandboxes.sandbox(settings.read(), 60) as stream:
        (answer,) = Conductor(stream, 60).ask([
            {"do": "scenario", "interfaces": ["eth0"], "via": "eth0", "targets": [server],
             "sources": [f"{one}/32", f"{other}/32"], "steps": steps}
        ])  # fmt: skip
    dials = [pattern([dial[0] for dial in answer["dials"][slice(*result["dials"])]])
             for result in answer["results"] if "dials" in result]  # fmt: skip
    said = next(result["one"] for result in answer["results"] if "one" in result)
    return [*dials[:2], said, *dials[2:]]


def evidence(answer: dict[str, Any], finding: str) -> str:
    """Return the dials that show who shares a count."""
    return str(next(each["evidence"] for each in answer["findings"] if each["id"] == finding))


@pytest.mark.claim("two-telnet-connections")
def test_two_telnet_connections(verdict: Judge) -> None:
    """Of one address two get in; six of the others are told so, and the rest see silence."""
    row, _ = tried("two-telnet-connections")
    telnet = row(23)
    assert (telnet["limit"], telnet["shared_by"], telnet["refusal"]) == (2, "address", "icmp, then silence")
    assert telnet["frees"] == "at once"
    verdict(Verdict.HOLDS, f"{telnet['pattern']} for each address: six ICMP errors, then silence")


@pytest.mark.claim("connlimit-the-other-way")
def test_the_other_way_around(verdict: Judge) -> None:
    """A rule that accepts up to two refuses nobody: behind it stands a policy that accepts."""
    row, _ = tried("connlimit-the-other-way")
    telnet = row(23)
    assert (telnet["limit"], telnet["pattern"]) == (None, "E20")
    verdict(Verdict.REFUTED, f"alone it limits nobody: {telnet['pattern']}")


@pytest.mark.variation
@pytest.mark.claim("sixteen-per-class-c")
def test_sixteen_per_class_c(verdict: Judge) -> None:
    """A /24 shares the sixteen; as it is printed, without a chain, no iptables takes the line."""
    row, answer = tried("sixteen-per-class-c")
    http = row(80)
    assert (http["limit"], http["shared_by"]) == (16, "/24")
    verdict(Verdict.HOLDS, evidence(answer, "shared-by-net"))


@pytest.mark.variation
@pytest.mark.claim("connections-to-a-host")
def test_connections_to_a_host(verdict: Judge) -> None:
    """Each source has a hundred of its own: connlimit groups by source unless it is told --connlimit-daddr."""
    row, _ = tried("connections-to-a-host")
    host = row(49152, 6)
    assert (host["limit"], host["shared_by"]) == (100, "address")
    verdict(Verdict.REFUTED, f"{host['limit']} for each source address, of which anybody has more than one")


@pytest.mark.variation
@pytest.mark.claim("groups-of-eight")
def test_groups_of_eight(verdict: Judge) -> None:
    """All sixteen addresses of a /28 share one rate; the next /28 has its own."""
    row, answer = tried("groups-of-eight")
    assert row(8090, net="10.0.0.0/8")["shared_by"] == "/28"
    verdict(Verdict.REFUTED, f"a /28 is 16 addresses, and they share: {evidence(answer, 'shared-by-net')}")


@pytest.mark.claim("badguy")
def test_badguy(sandboxes: Sandboxes, verdict: Judge) -> None:
    """Also on connections that it had before; others are not concerned."""
    before, knock, said, after, other = knocks(sandboxes)
    assert (before, knock, said, after, other) == ("E3", "T1", "ttt", "T3", "E3")
    verdict(
        Verdict.HOLDS,
        f"port 139: {knock}; then port 8090: {after}, and 3 of 3 older connections freeze; another address: {other}",
    )


@pytest.mark.variation
@pytest.mark.claim("ten-ssh-connections")
def test_ten_ssh_connections(verdict: Judge) -> None:
    """Ten in all, whoever has them."""
    row, answer = tried("ten-ssh-connections")
    assert [(row(22, family)["limit"], row(22, family)["shared_by"]) for family in (4, 6)] == [
        (10, "everybody")
    ] * 2
    verdict(Verdict.HOLDS, f"one count for everybody: {evidence(answer, 'shared-by-all')}")


@pytest.mark.variation
@pytest.mark.claim("two-to-the-host")
def test_two_to_the_host(verdict: Judge) -> None:
    """Over all ports together, each address for itself."""
    row, _ = tried("two-to-the-host", "--port", "8080", "--port", "8081")
    assert {(row(port)["limit"], row(port)["shared_by"]) for port in (8080, 8081)} == {(2, "address")}
    verdict(Verdict.HOLDS, f"{row(8080)['pattern']} for each address")


@pytest.mark.variation
@pytest.mark.claim("three-a-minute")
def test_three_a_minute(verdict: Judge) -> None:
    """Five SYNs are accepted at once, and nothing after them: the chain drops what belongs to no new connection."""
    row, answer = tried("three-a-minute")
    ssh = row(22)
    assert (ssh["limit"], ssh["refusal"], ssh["live"]) == (5, "silence", "dead")
    (dead,) = [each for each in answer["findings"] if each["id"] == "connected-but-dead"]
    assert dead["instead"] == {
        "text": "with `ct state established,related accept` before all else",
        "pattern": ssh["pattern"],
    }
    verdict(Verdict.REFUTED, f"{ssh['pattern']}: the burst is 5, and on none of the 5 does a byte arrive")


@pytest.mark.variation
@pytest.mark.claim("ten-a-second")
def test_ten_a_second(verdict: Judge) -> None:
    """What is above the rate is not accepted by this rule, and then by the chain."""
    row, _ = tried("ten-a-second")
    ssh = row(22)
    assert (ssh["limit"], ssh["pattern"], ssh["burst"]["established"]) == (None, "E20", 20)
    verdict(Verdict.REFUTED, f"nobody is refused: {ssh['pattern']} at 50 a second, and 20 of 20 in one burst")


@pytest.mark.variation
@pytest.mark.parametrize(
    "claim",
    [pytest.param(claim, marks=pytest.mark.claim(claim)) for claim in ("two-ssh-by-meter", "two-ssh-by-set")],
)
def test_two_ssh_connections(claim: str, verdict: Judge) -> None:
    """Two for each address among those that begin; of older connections, which nothing tracked, the third freezes."""
    row, _ = tried(claim)
    ssh = row(22)
    assert (ssh["limit"], ssh["shared_by"], ssh["refusal"]) == (2, "address", "icmp, then silence")
    assert ssh["live_untracked"][:3] == "eet"
    assert set(ssh["live_tracked"]) == {"e"}
    older = ssh["live_untracked"]
    measured = f"{ssh['pattern']} for each address; of {len(older)} connections older than the rules"
    verdict(
        Verdict.DEPENDS, f"{measured}, {older.count('e')} live on where conntrack did not know them, else all"
    )


@pytest.mark.variation
@pytest.mark.claim("denylist")
def test_a_denylist(verdict: Judge) -> None:
    """It is a rate for each address: five at once, and another one six seconds later."""
    row, _ = tried("denylist", "--patience", "9")
    every = row(8090)
    assert (every["limit"], every["shared_by"]) == (5, "address")
    assert every["frees"] is not None
    assert 3 < every["frees"] < 9
    verdict(
        Verdict.REFUTED,
        f"{every['pattern']}: five, not ten; nobody is blocked, {every['frees']:.0f} s later one gets in",
    )


@pytest.mark.variation
@pytest.mark.claim("denylist-of-8")
def test_a_denylist_of_8(verdict: Judge) -> None:
    """It is one rate for all addresses; who comes when it is used up is blocked."""
    row, answer = tried("denylist-of-8", "--patience", "9")
    every = row(8090)
    assert (every["limit"], every["shared_by"], every["frees"]) == (5, "everybody", None)
    verdict(
        Verdict.REFUTED,
        f"five of all addresses together, then who comes next is blocked: {evidence(answer, 'shared-by-all')}",
    )


@pytest.mark.variation
@pytest.mark.parametrize(
    ("claim", "change", "expected"),
    [
        ("connlimit-the-other-way", ("COMMIT", "-A INPUT -p tcp --syn --dport 23 -j DROP\nCOMMIT"),
         "port 23 over IPv4: 2 per address, live unharmed"),
        ("connections-to-a-host", ("--connlimit-above 100", "--connlimit-above 10 --connlimit-daddr"),
         "port 49152 over IPv6: 10 for everybody"),
        ("three-a-minute", ("    ct state new tcp", "    ct state established,related accept\n    ct state new tcp"),
         "port 22 over IPv4: 5 per address, silence, live unharmed"),
        ("ten-a-second", ("limit rate 10/second } accept", "limit rate over 1/second } drop"),
         "port 22 over IPv4: 5 per address, silence"),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" not in value else "",
)  # fmt: skip
def test_what_to_do_instead(claim: str, change: tuple[str, str], expected: str, tmp_path: Path) -> None:
    """The page's advice does what the example was said to; with a number that a few dials reach."""
    rules = tmp_path / RULES[claim].name
    text = RULES[claim].read_text()
    assert text.count(change[0]) == 1
    rules.write_text(text.replace(*change))
    tried = call_lab("try", str(rules), "--dials", "20", "--expect", expected, "--json")
    (judged,) = json.loads(tried.stdout)["expectations"]
    assert judged["holds"], judged["got"]
