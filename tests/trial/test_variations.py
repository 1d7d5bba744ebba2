"""More of each kind of file: what it does to clients is seen, whatever form, mask or number it comes in."""

from __future__ import annotations

import functools
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.in_process import call_lab
from tests.support.trial_answers import doubtful_rows

pytestmark = [pytest.mark.usefixtures("shared_sandboxes"), pytest.mark.variation]
Row = tuple[int, int]  # port, family


class Variation(NamedTuple):
    """A file, fields of its rows, for each row the ids of what is found about it, and the lines that ids name."""

    text: str
    rows: Mapping[Row, Mapping[str, Any]]
    found: Mapping[Row, Sequence[str]]
    lines: Mapping[str, int] = {}
    options: Sequence[str] = ()


LOOPED = "loopback-limited"
VARIATIONS: Mapping[str, Variation] = {
    # A whole host, each port with a mistake of its own.
    "host.rules": Variation(
        """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:BAN - [0:0]
:TELL - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 1001 --syn -m connlimit --connlimit-above 3 --connlimit-mask 16 -j TELL
-A INPUT -p tcp --dport 1002 --syn -m connlimit --connlimit-above 3 --connlimit-mask 0 -j DROP
-A INPUT -p tcp --dport 1003 --syn -m connlimit --connlimit-upto 2 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp --dport 1004 -m state --state NEW -m recent --set --name d
-A INPUT -p tcp --dport 1004 -m state --state NEW -m recent --rcheck --seconds 30 --hitcount 4 --name d -j DROP
-A INPUT -p tcp --dport 1005 -m recent --rcheck --seconds 60 --name bad -j DROP
-A INPUT -p tcp --dport 1005 --syn -m connlimit --connlimit-above 2 -j BAN
-A INPUT -p tcp --dport 1006 --syn -m connlimit --connlimit-above 6 -j DROP
-A INPUT -p tcp --dport 1006 --syn -m connlimit --connlimit-above 2 -j REJECT --reject-with icmp-admin-prohibited
-A INPUT -p tcp --dport 1007 -j ACCEPT
-A INPUT -p tcp --dport 1007 --syn -m connlimit --connlimit-above 5 -j DROP
-A INPUT -p tcp -m multiport --dports 1001:1006 -j ACCEPT
-A TELL -p tcp -j REJECT --reject-with tcp-reset
-A BAN -p tcp -m recent --set --name bad -j REJECT --reject-with tcp-reset
COMMIT
""",
        {
            (1001, 4): {"pattern": "E3 R10", "shared_by": "/16", "refusal": "rst"},
            (1002, 4): {"pattern": "E3 T10", "shared_by": "everybody", "refusal": "silence"},
            (1003, 4): {"limit": 0, "pattern": "R10"},
            (1004, 4): {"pattern": "E3 T10", "shared_by": "address", "again": "T13", "frees": None},
            (1005, 4): {"limit": 2, "pattern": "E2 R1 T9", "refusal": "rst"},
            (1006, 4): {"pattern": "E2 R6 T4", "refusal": "icmp, then silence"},
            (1007, 4): {"limit": None},
            (8090, 4): {"limit": 0},
        },
        {
            (1001, 4): ["shared-by-net"],
            (1002, 4): ["shared-by-all", "refusal-silent"],
            (1003, 4): ["upside-down"],
            (1004, 4): ["rate-not-count", "bans", "refusal-silent", "live-frozen"],
            (1005, 4): ["bans"],
            (1006, 4): ["refusal-rationed"],
            (1007, 4): ["unlimited"],
            (8090, 4): [],
            (1001, 6): ["ipv6-open"],
        },
        {"unlimited": 18, "upside-down": 11, "refusal-rationed": 17, "bans": 13, "never-reached": 16},
    ),
    # Both families, in nft's words.
    "both.nft": Variation(
        """table inet guard {
  set few { type ipv4_addr; size 64; flags dynamic; }
  set providers { type ipv6_addr; size 65535; flags dynamic; }
  set logged { type ipv4_addr; size 65535; flags dynamic; }
  set fast { type ipv4_addr; size 65535; flags dynamic; }
  chain input {
    type filter hook input priority filter; policy accept;
    tcp dport 2001 tcp flags & (fin|syn|rst|ack) == syn ct count over 3 reject with tcp reset
    tcp dport 2002 tcp flags & (fin|syn|rst|ack) == syn add @few { ip saddr ct count over 2 } counter drop
    tcp dport 2003 ct state new add @providers { ip6 saddr & ffff:ffff:: ct count over 3 } reject with tcp reset
    tcp dport 2004 ct state new add @logged { ip saddr ct count over 2 } log prefix "drop " level info
    tcp dport 2005 add @fast { ip saddr limit rate over 5/second burst 10 packets } counter reject with tcp reset
  }
}
""",
        {
            (2001, 4): {"pattern": "E3 R10", "shared_by": "everybody"},
            (2001, 6): {"pattern": "E3 R10", "shared_by": "everybody"},
            (2002, 4): {"pattern": "E2 T10", "shared_by": "address"},
            (2002, 6): {"limit": None},
            (2003, 6): {"pattern": "E3 R10", "shared_by": "/32"},
            (2003, 4): {"limit": None},
            (2004, 4): {"limit": None},
            (2005, 4): {"live": "reset", "limit": re.compile("[5-9]")},
            (8090, 4): {"limit": None},
        },
        {
            (2001, 4): ["shared-by-all", LOOPED],
            (2001, 6): ["shared-by-all", LOOPED],
            (2002, 4): ["set-full-opens", "refusal-silent", LOOPED],
            (2002, 6): ["ipv6-open"],
            (2003, 6): ["shared-by-net", "mask-means-another-thing", "live-reset", LOOPED],
            (2003, 4): [],
            (2004, 4): ["unlimited", "log-only", "log-silent"],
            (2005, 4): ["rate-not-count", "live-reset", LOOPED],
            (8090, 4): [],
        },
        {"mask-means-another-thing": 10, "set-full-opens": 9, "log-only": 11},
    ),
    # What lets SYNs in at a rate opens what the policy shuts; the limit after it is about nobody.
    "opened.rules": Variation(
        """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 3001 -j ACCEPT
-A INPUT -p tcp --syn -m limit --limit 1/sec --limit-burst 3 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 3001 --syn -m connlimit --connlimit-above 5 -j DROP
COMMIT
""",
        {
            (3001, 4): {"limit": None},
            (8090, 4): {"limit": 3, "pattern": re.compile("E3 T.*"), "shared_by": "everybody"},
        },
        {
            (3001, 4): ["unlimited"],
            (8090, 4): ["shut-port-opened", "shared-by-all", "live-frozen", "rate-not-count"],
        },
        {"shut-port-opened": 8, "unlimited": 7, "never-reached": 9},
    ),
    # Every packet of every port, also those that answer the server's own dials.
    "everything.nft": Variation(
        """table ip guard {
  chain input {
    type filter hook input priority filter; policy accept;
    meta l4proto tcp ct count over 4 reject with tcp reset
  }
}
""",
        {
            (4001, 4): {"pattern": "E4 R10", "shared_by": "everybody", "ports": [4001, 8090],
                        "live_untracked": "eeeerrrr", "live_tracked": "eeeeeeee"},
            (8090, 4): {"pattern": "E4 R10"},
        },
        {
            (4001, 4): ["shared-by-all", "ports-share", "live-reset", "outgoing-counted", LOOPED],
            (8090, 4): ["shared-by-all", "live-reset", LOOPED],
            (4001, 6): ["ipv6-open"],
        },
        {"ports-share": 4},
        ["--port", "4001"],
    ),
    # Sources, interfaces and addresses of the server that rules tell apart; what OUTPUT keeps back.
    "apart.sh": Variation(
        """iptables -P INPUT DROP
iptables -P OUTPUT DROP
iptables -A INPUT -s 10.0.0.0/8 -p tcp --dport 5001 -j ACCEPT
iptables -A INPUT -i wan0 -p tcp --dport 5001 --syn -m connlimit --connlimit-above 4 --connlimit-mask 32 -j DROP
iptables -A INPUT -p tcp --dport 5001 -j ACCEPT
iptables -A OUTPUT -p tcp --sport 5001 -j ACCEPT
iptables -A INPUT -i lan0 -p tcp --dport 5002 --syn -j ACCEPT
iptables -A OUTPUT -p tcp --sport 5002 -j ACCEPT
iptables -A INPUT -d 203.0.113.10 -p tcp --dport 5003 -j ACCEPT
iptables -A INPUT -p tcp --dport 5004 -j ACCEPT
""",
        {
            (5001, 4): {"from": "any", "via": "wan0", "pattern": "E4 T10"},
            (5002, 4): {"via": "wan0", "limit": 0},
            (5003, 4): {"limit": 0, "refusal": "silence"},
            (5004, 4): {"limit": 0, "refusal": "silence"},
        },
        {(5001, 4): ["refusal-silent"], (5002, 4): ["connected-but-dead", "live-frozen"], (5003, 4): [], (5004, 4): []},
        {"connected-but-dead": 7},
    ),
    # A count before the ports, of a log and of a refusal.
    "before-the-ports.sh": Variation(
        """iptables -A INPUT -p tcp -m connlimit --connlimit-above 3 -m tcp --dport 6001 \
  -j REJECT --reject-with tcp-reset
iptables -A INPUT -p tcp -m hashlimit --hashlimit-above 2/min --hashlimit-burst 2 --hashlimit-mode srcip \\
  --hashlimit-name h -m multiport --dports 6002 -j LOG
""",
        {
            (6001, 4): {"pattern": "E3 R10", "ports": [6001, 6002, 8090]},
            (6002, 4): {"limit": None},
        },
        {
            (6001, 4): ["counts-elsewhere", "live-reset", "outgoing-counted", LOOPED],
            (6002, 4): ["unlimited", "log-only", "log-silent", "counts-elsewhere"],
        },
        {"log-only": 2},
    ),
}  # fmt: skip
each_variation = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in VARIATIONS]
)


@functools.cache
def tried(name: str) -> dict[str, Any]:
    """Return the answer to a file; each is tried once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(VARIATIONS[name].text)
        result = call_lab("try", str(path), "--dials", "16", *VARIATIONS[name].options, "--json")
    answer = dict(json.loads(result.stdout))
    assert [file["loaded"] for file in answer["files"]] == [True], answer["files"]
    return answer


def first_rows(name: str) -> dict[Row, dict[str, Any]]:
    """Return the first row of each port and family."""
    found: dict[Row, dict[str, Any]] = {}
    for row in tried(name)["ports"]:
        found.setdefault((row["port"], row["family"]), row)
    return found


@each_variation
def test_who_gets_in(name):
    """The row says what its mistake does."""
    rows = first_rows(name)
    wrong = {
        (*row, field): rows[row][field]
        for row, fields in VARIATIONS[name].rows.items()
        for field, value in fields.items()
        if not (
            value.fullmatch(str(rows[row][field]))
            if isinstance(value, re.Pattern)
            else rows[row][field] == value
        )
    }
    assert wrong == {}


@each_variation
def test_what_is_found_about_each_port(name):
    """That and nothing else."""
    found: dict[Row, set[str]] = {row: set() for row in VARIATIONS[name].found}
    for each in tried(name)["findings"]:
        if (each["port"], each["family"]) in found:
            found[each["port"], each["family"]].add(each["id"])
    assert found == {row: set(ids) for row, ids in VARIATIONS[name].found.items()}


@each_variation
def test_a_finding_names_its_line(name):
    """The first of its kind."""
    lines: dict[str, int | None] = {}
    for each in tried(name)["findings"]:
        lines.setdefault(each["id"], each["line"])
    assert {kind: lines[kind] for kind in VARIATIONS[name].lines} == VARIATIONS[name].lines


@each_variation
def test_trace_counters_and_clients_agree(name):
    """In every scenario of every row."""
    assert doubtful_rows(tried(name)) == []


@pytest.mark.xdist_group("apart.sh")
def test_rows_are_told_apart_by_what_the_rules_name():
    """Nets and interfaces of one port; where they make no difference there is one row."""
    rows = [
        (row["port"], row["from"], row["via"], row["limit"], row["live"])
        for row in tried("apart.sh")["ports"] if row["family"] == 4 and row["port"] in (5001, 5002)
    ]  # fmt: skip
    assert rows == [
        (5001, "any", "wan0", 4, "unharmed"), (5001, "any", "lan0", None, "unharmed"),
        (5001, "10.0.0.0/8", "wan0", None, "unharmed"),
        (5002, "any", "wan0", 0, None), (5002, "any", "lan0", None, "dead"),
    ]  # fmt: skip


def test_a_match_that_the_kernel_lacks_is_no_silent_pass(tmp_path):
    """The row cannot be run, nothing is promised about it, and the exit code says so."""
    rules = tmp_path / "lacks.sh"
    rules.write_text(
        "iptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -A INPUT -p tcp --dport 443 -m ipvs --ipvs -j DROP\n"
    )
    result = call_lab("try", str(rules), "--dials", "4", "--json", "--expect", "port 443: unlimited")
    answer = json.loads(result.stdout)
    row = next(row for row in answer["ports"] if (row["port"], row["family"]) == (443, 4))
    assert (result.returncode, row["cannot_run"], row["limit"]) == (3, "the kernel has no `ipvs`", None)
    assert [each["holds"] for each in answer["expectations"]] == [False]
