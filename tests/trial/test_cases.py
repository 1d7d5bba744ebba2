"""Files as people bring them, and what each was measured to do: who gets in, by which line, and what is found."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.in_process import call_lab
from tests.support.trial_answers import doubtful_rows

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
FILES = Path(__file__).parent / "cases"


class Case(NamedTuple):
    """What a file does: fields of the rows of IPv4 by port, the line that decided for each, and the findings' ids.

    A regular expression stands for what time has a part in, `maybe` for what a busy machine may not come to see: it
    dials more slowly than tokens come. `idle`: lines that decide nothing.
    """

    rows: Mapping[int, Mapping[str, Any]]
    lines: Mapping[int, int | None]
    findings: Sequence[str]
    idle: Sequence[int] = ()
    options: Sequence[str] = ()
    maybe: Sequence[str] = ()


CASES: Mapping[str, Case] = {
    "01-log-is-no-limit.sh": Case(
        {8081: {"via": "wan0", "limit": None, "pattern": "E24"}, 8082: {"limit": None}},
        {8081: None, 8082: None},
        ["unlimited", "log-only", "log-silent", "counts-elsewhere"],
        [2],
    ),
    "02-accepted-before.sh": Case(
        {9001: {"limit": None, "pattern": "E24"}, 8090: {"limit": 0, "pattern": "T10", "refusal": "silence"}},
        {9001: 3, 8090: 5},
        ["unlimited", "never-reached"],
        [4],
    ),
    "03-every-packet-every-port.sh": Case(
        {8081: {"pattern": "E5 R10", "ports": [8081, 8082, 8090], "live_untracked": "eeeeerrr",
                "live_tracked": "eeeeeeee", "refusal": "rst", "shared_by": "address", "frees": "at once"}},
        {8081: 2, 8082: 2},
        ["ipv6-open", "ports-share", "live-reset", "outgoing-counted", "loopback-limited"],
        options=["--port", "8081", "--port", "8082"],
    ),
    "04-rate-on-every-packet.sh": Case(
        {8081: {"limit": re.compile("1[0-9]"), "live": "reset", "refusal": "rst", "pattern": re.compile("E1.*"),
                "by_seconds": True},
         8090: {"limit": None}},
        {8081: 4},
        ["ipv6-open", "rate-not-count", "live-reset", "loopback-limited"],
    ),
    "05-inserted-backwards.sh": Case(
        {8081: {"pattern": "E24"}}, {8081: 3}, ["unlimited", "never-reached"], [2]
    ),
    "06-limit-opens-what-was-shut.nft": Case(
        {8081: {"pattern": "E24"}, 8082: {"pattern": "E24"},
         8099: {"limit": 4, "pattern": re.compile("E4 T.*"), "refusal": "silence", "late": re.compile(".*E.*"),
                "shared_by": "everybody"}},
        {8081: 5, 8099: 6},
        ["unlimited", "never-reached", "shut-port-opened", "shared-by-all", "live-frozen", "rate-not-count",
         "loopback-limited", "neighbour-silent"],
        [7],
        ["--port", "8099"],
        ["ports-share"],
    ),
    "07-one-count-for-all.nft": Case(
        {8081: {"pattern": "E6 R10", "shared_by": "everybody"}},
        {8081: 5},
        ["ipv6-open", "shared-by-all", "live-reset", "loopback-limited"],
    ),
    "08-count-per-source.nft": Case(
        {8081: {"pattern": "E6 R10", "shared_by": "address"}},
        {8081: 5},
        ["ipv6-open", "set-full-opens", "loopback-limited"],
    ),
    "09-lower-limit-first.rules": Case(
        {8081: {"pattern": "E4 R6 T4", "refusal": "icmp, then silence", "shared_by": "address"}},
        {8081: 6},
        ["ipv6-open", "never-reached", "refusal-rationed", "loopback-limited"],
        [5],
    ),
    "10-input-only-by-hand.rules": Case(
        {8081: {"pattern": "E7 T10", "shared_by": "/24", "refusal": "silence", "late": "T10"}},
        {8081: 4},
        ["wipes-table", "ipv6-open", "shared-by-net", "refusal-silent", "loopback-limited"],
    ),
    "11-upside-down.sh": Case(
        {8081: {"pattern": "T10", "limit": 0,
                # three, or more where it goes on into another jiffy: what did not get in is not counted there (J01)
                "burst": re.compile("|".join(
                    rf"{{'dials': 20, 'established': {20 - silent}, 'refused': 0, 'silent': {silent}}}"
                    for silent in range(3, 11)))}},
        {8081: 1},
        ["upside-down", "loopback-limited"],
    ),
    "12-rate-not-count.sh": Case(
        {8081: {"pattern": "E4 R10", "again": "R14", "frees": None}},
        {8081: 2},
        ["ipv6-open", "live-reset", "rate-not-count", "bans", "loopback-limited"],
    ),
    "13-a-whole-host.rules": Case(
        {8081: {"pattern": "E12 R10", "shared_by": "/24", "ports": [8081, 8082]},
         8082: {"pattern": "E12 R10", "shared_by": "/24", "ports": [8081, 8082]},
         22: {"pattern": "E3 T10", "ports": [22], "shared_by": "address"}, 8090: {"pattern": "T10", "limit": 0}},
        {8081: 12, 8082: 12, 22: 8, 8090: 2},
        ["ipv6-open", "shared-by-net", "ports-share", "live-reset", "live-frozen", "rate-not-count", "bans",
         "refusal-silent"],
    ),
    "14-script-that-half-loads.sh": Case(
        {22: {"pattern": "T10"}, 8081: {"pattern": "E24"}}, {22: 4, 8081: 6},
        ["loads-partly", "wipes-table", "neighbour-silent"],
    ),
}  # fmt: skip
# What was tried in the place of a line: its words and the dials that it leads to, by finding and port (0: it has none).
SOURCES = "`add @sources { ip saddr ct count over"
RECENT = (
    "with `--syn` and `-m connlimit --connlimit-above 5` in place of `-m recent`, which lets in 4",
    "E5 R10",
)
INSTEAD: Mapping[str, Mapping[tuple[str, int], tuple[str, str] | None]] = {
    "01-log-is-no-limit.sh": {
        ("log-only", 8081): ("with the ports before `-m connlimit` and `-j REJECT` behind the LOG", "E4 R10"),
        ("counts-elsewhere", 8081): None,
    },
    "02-accepted-before.sh": {
        ("unlimited", 9001): ("with line 4 before line 3", "E5 R6 T4"),
        ("never-reached", 0): ("with line 4 before line 3", "E5 R6 T4"),
    },
    "03-every-packet-every-port.sh": {
        ("ports-share", 8081): ("with `--syn` and a rule for each port", "E5 R10"),
        ("live-reset", 8081): ("with `--syn` and a rule for each port", "E5 R10"),
        ("loopback-limited", 8081): None,
    },
    "05-inserted-backwards.sh": {("unlimited", 8081): ("with line 2 before line 3", "E5 T10")},
    "06-limit-opens-what-was-shut.nft": {
        ("never-reached", 0): (f"with line 7 before line 5 and {SOURCES} 5 }}`", "E5 T10"),
        ("shut-port-opened", 8099): ("with `limit rate over 2/second burst 4 packets drop`", "T10"),
        ("rate-not-count", 8099): None,
    },
    "07-one-count-for-all.nft": {
        ("shared-by-all", 8081): (
            f"with `tcp flags & (fin | syn | rst | ack) == syn` and {SOURCES} 6 }}`", "E6 R10"),
    },
    "09-lower-limit-first.rules": {
        ("refusal-rationed", 8081): ("with `--reject-with tcp-reset`", "E4 R10"),
        ("never-reached", 0): None,
        # ICMP errors, of which IPv6 gives one more each 60 ms
        ("ipv6-open", 8081): ("with the same rule in ip6tables and mask 64", "E4 R[0-9]+.*"),
    },
    "10-input-only-by-hand.rules": {("shared-by-net", 8081): ("with mask 32", "E7 T10")},
    "11-upside-down.sh": {("upside-down", 8081): ("with `--connlimit-above 3`", "E3 T10")},
    "12-rate-not-count.sh": {("rate-not-count", 8081): RECENT, ("bans", 8081): RECENT, ("live-reset", 8081): RECENT},
    "13-a-whole-host.rules": {
        ("shared-by-net", 8082): ("with `--syn`, mask 32 and a rule for each port", "E12 R10"),
        ("ports-share", 8081): ("with `--syn`, mask 32 and a rule for each port", "E12 R10"),
        ("live-frozen", 22): ("with `--syn`", "E3 T10"),
        ("rate-not-count", 22): ("with `-m connlimit --connlimit-above 3` in place of `-m hashlimit`", "E3 T10"),
        ("bans", 22): ("with `-m connlimit --connlimit-above 3` in place of `-m hashlimit`", "E3 T10"),
    },
}  # fmt: skip
each_case = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in CASES]
)


@functools.cache
def tried(name: str) -> dict[str, Any]:
    """Return the answer to a file; each is tried once."""
    result = call_lab("try", str(FILES / name), "--dials", "24", *CASES[name].options, "--json")
    answer = dict(json.loads(result.stdout))
    assert "error" not in answer, answer["error"]
    return answer


def rows(name: str) -> dict[int, dict[str, Any]]:
    """Return the rows of IPv4 by their ports."""
    return {row["port"]: row for row in tried(name)["ports"] if row["family"] == 4}


def agrees(value: Any, expected: Any) -> bool:
    """Compare a value with another, or with a regular expression."""
    if isinstance(expected, re.Pattern):
        return expected.fullmatch(str(value)) is not None
    return bool(value == expected)


@each_case
def test_who_gets_in(name):
    """As it was measured: one source, dials 20 ms apart."""
    wrong = {
        (port, field): rows(name)[port][field]
        for port, fields in CASES[name].rows.items()
        for field, value in fields.items()
        if not agrees(rows(name)[port][field], value)
    }
    assert wrong == {}


@each_case
def test_the_line_that_decided(name):
    """Of the rule that refused, or let in where none did; a policy's own line, or none if it is built in."""
    assert {port: rows(name)[port]["decided_by"]["line"] for port in CASES[name].lines} == CASES[name].lines


@each_case
def test_what_is_found_and_nothing_else(name):
    """Each of these was looked at: a person who knows the network says so too."""
    found = {each["id"] for each in tried(name)["findings"]} - {*CASES[name].maybe}
    assert found == {*CASES[name].findings}, tried(name)["ports"]


@each_case
def test_lines_that_decide_nothing(name):
    """They are found by name: no packet came to them that they could have decided over, or they only log."""
    found = [each["line"] for each in tried(name)["findings"] if each["id"] in ("never-reached", "log-only")]
    assert {*found} == {*CASES[name].idle}
    assert {rule["decided"] for rule in tried(name)["rules"] if rule["line"] in found} <= {0}


@each_case
def test_trace_counters_and_clients_agree(name):
    """In every scenario of every row."""
    assert doubtful_rows(tried(name)) == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in INSTEAD]
)
def test_what_was_probably_meant_is_tried_as_well(name):
    """All that a line's findings call for, together; nothing where no repair is known, or none makes a difference."""
    found = {(each["id"], each["port"] or 0): each["instead"] for each in reversed(tried(name)["findings"])}
    assert {key: found[key] for key, better in INSTEAD[name].items() if not meant(found[key], better)} == {}


def meant(instead: dict[str, Any] | None, better: tuple[str, str] | None) -> bool:
    """Tell whether that was tried, and came out so."""
    if instead is None or better is None:
        return instead is better
    return instead["text"] == better[0] and bool(re.fullmatch(better[1], instead["pattern"]))
