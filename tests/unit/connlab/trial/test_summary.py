"""The screen and the page of a trial: what is equal is one, what differs is there, words of files are only words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connlab.cli.show import trial as show
from connlab.report.trial_page import trial_page
from connlab.trial.answer import summary, summary_rows
from connlab.trial.answer.summary import Summary
from tests.support.trial_answers import PATH, TEXTS, answer, finding, row


def of(**more: Any) -> Summary:
    return summary.summary(answer(**more), TEXTS)


def lines(*rows: dict[str, Any], names: dict[str, str] | None = None) -> list[tuple[str, ...]]:
    """Return the table as tuples of its six cells."""
    found = summary_rows.lines(rows, names or {PATH: "rules.v4"})
    return [(port, over, *cells) for port, over, cells in found]


def test_a_row_says_who_gets_in_and_by_which_line():
    """Of one file the line alone; open ports that nobody looks at are one row."""
    assert lines(*answer()["ports"]) == [
        ("443", "IPv4", "E20 T10", "20 per /24", "silence", ":3"),
        ("443, 8090", "IPv6", "E64", "all 64", "", "no rule"),
        ("8090", "IPv4", "T10", "nobody", "silence", ":3"),
    ]
    two = {PATH: "rules.v4", "b.nft": "b.nft"}
    assert lines(row(), names=two)[0][-1] == "rules.v4:3"


def test_equal_rows_of_families_interfaces_and_nets_are_one():
    """Interfaces are named where there are several; families and nets where not all are there."""
    assert [line[1] for line in lines(row(), row(family=6))] == ["IPv4 and IPv6"]
    assert [line[1] for line in lines(row(via="wan0"), row(via="lan0"))] == ["IPv4 via wan0, lan0"]
    assert [line[1] for line in lines(row(via="wan0"), row(via="lan0", limit=None))] == [
        "IPv4 via wan0",
        "IPv4 via lan0",
    ]
    nets = lines(row(), row(**{"from": "10.0.0.0/8", "limit": None}))
    assert [line[1] for line in nets] == ["IPv4, others", "IPv4 from 10.0.0.0/8"]


@pytest.mark.parametrize(
    ("others", "over"),
    [
        # IPv4 via lan0 and IPv6 via wan0 say another thing
        ([row(via="lan0", limit=None), row(family=6, via="wan0", limit=None), row(family=6, via="lan0")],
         ["IPv4 via wan0; IPv6 via lan0", "IPv4 via lan0; IPv6 via wan0"]),
        ([row(via="lan0", limit=None), row(family=6, via="wan0"), row(family=6, via="lan0")],
         ["IPv4 via wan0; IPv6 via wan0, lan0", "IPv4 via lan0"]),
        ([row(via="lan0"), row(via="lan0", limit=None, **{"from": "10.0.0.0/8"})],
         ["IPv4 via wan0; via lan0, others", "IPv4 via lan0 from 10.0.0.0/8"]),
    ],
)  # fmt: skip
def test_each_row_is_in_the_line_that_names_its_interface(others, over):
    """A line with two families and two interfaces is about all four, or says about which."""
    assert [line[1] for line in lines(row(via="wan0"), *others)] == over


def test_open_ports_by_different_interfaces_are_lines_of_their_own():
    """One that has a single interface, or one net, is told apart from none."""
    found = lines(
        *(row(port, via=via, limit=None) for port, via in ((80, "wan0"), (80, "lan0"), (81, "wan0")))
    )
    assert [line[:2] for line in found] == [("80", "IPv4 via wan0, lan0"), ("81", "IPv4")]
    nets = lines(row(80), row(80, limit=None, **{"from": "10.0.0.0/8"}), row(81, limit=None))
    assert [line[:2] for line in nets] == [
        ("80", "IPv4, others"),
        ("80", "IPv4 from 10.0.0.0/8"),
        ("81", "IPv4"),
    ]


def test_repairs_that_were_not_tried_are_told(capsys):
    """On the screen and on the page; nothing where all were."""
    assert of().repairs == ""
    left = of(repairs={"tried": 16, "not_tried": 5, "why": "at most 16 are tried"})
    assert left.repairs.startswith("5 more are known and were not tried: at most 16 are tried; ")
    show.screen(left)
    assert "repairs  5 more are known" in capsys.readouterr().out
    assert "5 more are known" in trial_page(left, TEXTS, "runs/x", "")


def test_a_limit_is_each_ports_own_or_of_all_that_share_it():
    """Two ports with the same limit are two rows; two that share one are one."""
    assert [line[:1] for line in lines(row(80), row(443))] == [("80",), ("443",)]
    shared = lines(row(80, ports=[80, 443]), row(443, ports=[80, 443]))
    assert [(line[0], line[3]) for line in shared] == [("80, 443", "20 per /24 together")]
    apart = lines(row(80, ports=[80, 443]), row(443, ports=[80, 443], late="E10"))
    assert [(line[0], line[3]) for line in apart if line[0]] == [
        ("80", "20 per /24 with 443"),
        ("443", "20 per /24 with 80"),
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {"burst": {"dials": 30, "established": 17, "refused": 3, "silent": 10}},
            ("30 at once", "17", "3 refused, 10 silent"),
        ),
        ({"late": "E6 T4"}, ("repeated SYNs", "E6 T4", "")),
        ({"live": "reset"}, ("those in", "are reset", "")),
        ({"found": False}, ("new neighbours", "nobody", "find no host")),
        ({"live_untracked": "eeeeerrr"}, ("older ones", "e5 r3", "")),
        ({"live_tracked": "eeeeeeet"}, ("older, tracked", "e7 t1", "")),
        ({"frees": None}, ("after one closes", "not in time", "")),
        ({"frees": 2.5}, ("after one closes", "after 2.5 s", "")),
        ({"again": "R14"}, ("after all close", "R14", "")),
        ({"again": "E19 R11"}, ("after all close", "E19 R11", "")),
        (
            {"witnesses_agree": False, "disagreements": ["burst: dial 3", "limit: dial 1"]},
            ("trace, client", "disagree", "a fault of the lab: burst: dial 3"),
        ),
    ],
)
def test_a_scenario_that_told_something_has_a_line(more, line):
    """And one that told what the limit says already has none."""
    assert [each[2:5] for each in lines(row(**more))[1:]] == [line]
    assert len(lines(row())) == 1
    assert len(lines(row(again=f"{row()['pattern']}0"))) == 1  # and more dials of the last kind


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("E4 R6 T4", "E4 R6 T4"),
        ("E12 D1 R1 D1 R1 D1", "E12 D1 R1 D1 R1 D1"),
        ("E12 D1 R1 D1 R1 D1 R2", "E12 D1 R1, then D2 R3"),
    ],
)
def test_a_long_pattern_is_summed_up(pattern, shown):
    """Its first runs as they are."""
    assert summary_rows.brief(pattern) == shown


def test_names_are_as_short_as_they_can_be():
    """The last part, or as many as tell two apart."""
    assert summary_rows.short_names(["/a/b/x.rules", "c/y.sh", "-"]) == {
        "/a/b/x.rules": "x.rules",
        "c/y.sh": "y.sh",
        "-": "-",
    }
    assert list(summary_rows.short_names(["/a/x.rules", "/b/x.rules"]).values()) == ["a/x.rules", "b/x.rules"]


def test_findings_that_say_the_same_are_one():
    """The others are named by port and family; a line that does nothing is not told twice."""
    over = {**finding("shared-by-net", 80, 6), "text": "port 80 over IPv6 is so"}
    again = [finding("shared-by-net", 80), over, finding("bans", 80)]
    found = of(findings=[*answer()["findings"], *again])
    assert [(note.id, note.also, note.where) for note in found.findings] == [
        ("shared-by-net", "port 80 over IPv4 and IPv6", "rules.v4:3"), ("bans", "", "rules.v4:3"),
    ]  # fmt: skip
    (idle,) = found.idle
    assert (idle.id, idle.where, idle.text) == ("never-reached", "rules.v4:5", "it is so")


def test_a_line_that_no_packet_came_to_is_told_with_who_decided():
    """Once, if a finding tells it; not at all of a protocol that nobody dials."""
    blamed = [finding("never-reached", None, None, 4)]
    rules = [
        {"file": PATH, "line": 4, "rule": "-A INPUT -p tcp --dport 443 -j ACCEPT", "packets": 0, "decided": 0}
    ]
    assert [note.text for note in of(rules=rules, findings=blamed).idle] == ["it is so"]
    (note,) = of(rules=rules, findings=[]).idle
    assert (note.where, note.evidence) == ("rules.v4:4", "SYNs to port 443 are decided by line 3")
    for rule, count in (
        ("-p icmp -j ACCEPT", 0),
        ("meta l4proto udp drop", 0),
        ("-p tcp -j REJECT --reject-with icmp-net-unreachable", 1),
    ):
        assert len(of(rules=[{**rules[0], "rule": rule}], findings=[]).idle) == count, rule


def test_what_a_tool_said_of_a_setting_is_told_with_its_line():
    """Once; what it said of a rule, or of no line, is told before all else."""
    said = [{"line": line, "text": f"of {line}"} for line in (1, 2, None)]
    file = {"path": PATH, "form": "shell", "loaded": "partly", "exit": 1, "messages": said}
    setting = {
        "file": PATH,
        "line": 1,
        "key": "x",
        "asked": "1",
        "before": None,
        "after": None,
        "verdict": [],
        "text": "",
    }
    assert [words for _, words in of(files=[file], sysctls=[setting]).loading[1:]] == ["of 2", "of None"]


def test_a_line_is_quoted_once(capsys):
    """Afterwards its place is enough."""
    show.screen(of(findings=[finding("bans"), finding("live-reset")]))
    words = capsys.readouterr().out
    assert words.count("--connlimit-mask 24 -j DROP") == 1
    assert words.count("rules.v4:3") == 2


def test_the_screen_has_all_of_it(capsys):
    """Each part, in this order."""
    show.screen(
        of(
            files=[
                {
                    "path": PATH,
                    "form": "iptables-save",
                    "loaded": "partly",
                    "exit": 2,
                    "messages": [{"line": 4, "text": "no"}],
                }
            ],
            set=[{"file": PATH, "line": 3, "word": "above", "before": "20", "after": "30"}],
            sysctls=[
                {
                    "file": PATH,
                    "line": 1,
                    "key": "net.core.somaxconn",
                    "asked": "9",
                    "before": "4096",
                    "after": None,
                    "verdict": ["lower-than-default"],
                    "text": "acts on the server",
                }
            ],
            offices=[
                {
                    "port": 443,
                    "people": 5,
                    "each": 3,
                    "got": 7,
                    "per_person": [2, 2, 1, 1, 1],
                    "neighbour": "E3",
                }
            ],
            expectations=[
                {"text": "port 443: 20", "holds": True, "got": "20"},
                {"text": "port 443: 9", "holds": False, "got": "20"},
            ],
        )
    )
    words = capsys.readouterr().out
    parts = [
        "rules.v4  iptables-save, loaded in part, exit status 2",
        "rules.v4:4  no",
        "above 30 was tried, where the file says 20",
        "20 per /24",
        "E established,",
        "shared-by-net  port 443 is so",
        "\n    E20 T10",
        "--connlimit-mask 24 -j DROP",
        "lines that do nothing",
        "rules.v4:5  -A INPUT",
        "never-reached  it is so",
        "net.core.somaxconn",
        "lower-than-default",
        "7 of 15 get in, from 1 to 2 each; then a neighbour in the router's /24: E3",
        "PASS  port 443: 20",
        "FAIL  port 443: 9; there is: 20",
    ]
    places = [words.find(part) for part in parts]
    assert places == sorted(places), [part for part, place in zip(parts, places, strict=True) if place < 0]
    assert min(places) >= 0


HOSTILE = "<script>alert(1)</script>\x1b]0;owned\x07\u202e[bold]{{ 7 * 7 }}"


def hostile() -> dict[str, Any]:
    """Return an answer that has the words in each place where words of files, tools and people come."""
    path = f"/etc/{HOSTILE}.rules"
    judge = {"file": path, "line": 1, "rule": f"policy {HOSTILE}"}
    return answer(
        files=[
            {
                "path": path,
                "form": "iptables-save",
                "loaded": False,
                "exit": 1,
                "messages": [{"line": 1, "text": HOSTILE}],
            }
        ],
        ports=[row(decided_by=judge, via=HOSTILE), row(decided_by=judge, limit=0)],
        rules=[{"file": path, "line": 1, "rule": HOSTILE, "packets": 0, "decided": 0}],
        findings=[
            {**finding("bans", line=None), "file": path, "line": 1, "text": HOSTILE, "evidence": HOSTILE}
        ],
        sysctls=[
            {
                "file": path,
                "line": 1,
                "key": HOSTILE,
                "asked": HOSTILE,
                "before": HOSTILE,
                "after": HOSTILE,
                "verdict": ["absent"],
                "text": HOSTILE,
            }
        ],
        expectations=[{"text": HOSTILE, "holds": False, "got": HOSTILE}],
        set=[{"file": path, "line": 1, "word": HOSTILE, "before": "1", "after": "2"}],
    )


def test_words_of_files_reach_no_terminal_unescaped(capsys):
    """Names of files, lines, messages, interfaces and keys: brackets are brackets, what does not print is shown."""
    given = hostile()
    show.screen(summary.summary(given, {given["files"][0]["path"]: f"{HOSTILE}\n"}))
    words = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in words)
    assert words.count(r"</script>\x1b]0;owned\x07\u202e[bold]") >= 10


def test_words_of_files_are_no_part_of_the_page():
    """The only elements are the page's own; a place of a file is a link to its line."""
    given = hostile()
    found = summary.summary(given, {given["files"][0]["path"]: f"{HOSTILE}\n"})
    page = trial_page(found, {found.files[0]: f"{HOSTILE}\n"}, "2026-try", show.LETTERS)
    assert page.startswith("<!doctype html>\n")
    assert "<script" not in page
    assert "49" not in page
    assert page.count(r"&lt;script&gt;alert(1)&lt;/script&gt;\x1b]0;owned\x07\u202e[bold]{{ 7 * 7 }}") >= 10
    assert all(character.isprintable() or character == "\n" for character in page)


def test_the_page_needs_nothing_but_itself():
    """No script, nothing from elsewhere; each link leads to a line of the page; the same gives the same bytes."""
    found = of(expectations=[{"text": "port 443: 9", "holds": False, "got": "20"}])
    page = trial_page(found, {"rules.v4": TEXTS[PATH]}, "2026-try", show.LETTERS)
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r"https?:|src=|url\(|<link|@import", page)
    links = re.findall(r'href="#([^"]+)"', page)
    assert len(links) >= 3
    assert set(links) <= set(re.findall(r'id="([^"]+)"', page))
    assert page == trial_page(found, {"rules.v4": TEXTS[PATH]}, "2026-try", show.LETTERS)


def test_what_was_tried_in_the_place_of_a_line_is_beside_it():
    """On the screen and on the page; of findings that are one, the first that has something."""
    better = {"text": "with mask 32", "pattern": "E20 R10"}
    two = [finding("shared-by-net"), {**finding("shared-by-net", 444), "instead": better}]
    idle = {
        **finding("never-reached", None, None, 5),
        "instead": {**better, "text": "with line 5 before line 4"},
    }
    found = of(findings=[*two, idle])
    assert [note.instead for note in found.findings] == ["with mask 32: E20 R10"]
    assert [note.instead for note in found.idle] == ["with line 5 before line 4: E20 R10"]
    assert trial_page(found, TEXTS, "run", "").count("tried as well: with ") == 2
