"""Expectations: what is written, as a person writes it, and whether it holds of an answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connlab.base.errors import Usage
from connlab.base.settings import HOME
from connlab.trial.dialling.plan import Office
from connlab.trial.expected import files as expectation_files
from connlab.trial.expected import judged as expectations
from connlab.trial.expected.grammar import SUBJECTS, parse

JUDGE = {"file": "firewall/prod.rules", "line": 9, "rule": "-A INPUT -j DROP"}
NOBODY_LOOKED = {"file": None, "line": None, "rule": "no rule"}
ROW = {
    "port": 443, "family": 4, "from": "any", "via": "eth0", "limit": 20, "shared_by": "/24", "ports": [443, 8443],
    "refusal": "silence", "decided_by": JUDGE, "pattern": "E20 T10", "live": "unharmed", "frees": "at once",
}  # fmt: skip
OPEN = {"limit": None, "shared_by": None, "refusal": "none", "decided_by": NOBODY_LOOKED, "pattern": "E64"}
SHUT = {
    "limit": 0,
    "shared_by": None,
    "refusal": "rst",
    "ports": [22],
    "pattern": "R10",
    "frees": None,
    "live": None,
}
ANSWER: dict[str, Any] = {
    "ports": [
        ROW,
        {**ROW, **OPEN, "family": 6},
        {**ROW, **SHUT, "port": 22},
        {**ROW, **SHUT, "port": 22, "family": 6, "limit": 3, "shared_by": "address", "frees": 2.5},
        {**ROW, "from": "10.0.0.0/8", "limit": 40, "shared_by": "everybody", "ports": [443]},
        {**ROW, "port": 993, "to": "198.51.100.1"},
        {**ROW, "port": 993, "to": "198.51.100.2", "limit": 5, "ports": [993]},
        {**ROW, "port": 94, "limit": 0, "shared_by": None, "ports": [94], "pattern": "T1 E2 T1 E2"},
        {**ROW, **OPEN, "port": 80},
        {**ROW, **OPEN, "port": 80, "family": 6},
    ],
    "offices": [{"port": 443, "people": 50, "each": 6, "got": 20, "per_person": [1] * 20 + [0] * 30, "neighbour": 0}],
    "findings": [{"id": "unlimited", "port": 80, "family": 4, "text": "port 80 is open to any number"}],
    "sysctls": [{"key": "net.core.somaxconn", "verdict": ["applied", "only-if-asked"]}],
}  # fmt: skip
# What is written, whether it holds, and what there is instead.
JUDGED = [
    ("port 443: 20 per /24, silence", True, "20 per /24 with 8443, silence"),
    ("PORT 443 : 20 Per /24 , Silence", True, "20 per /24 with 8443, silence"),
    ("port 443: 20", True, "20 per /24 with 8443, silence"),
    ("port 443: 21", False, "20 per /24 with 8443, silence"),
    ("port 443: 20 per address", False, "20 per /24 with 8443, silence"),
    ("port 443: 20 per /24, rst", False, "20 per /24 with 8443, silence"),
    ("port 443: silence", True, "20 per /24 with 8443, silence"),
    ("port 443: 20 per /24 with 8443", True, "20 per /24 with 8443, silence"),
    ("port 443: 20 per /24 with 8443 and 80", False, "20 per /24 with 8443, silence"),
    ("port 443: at least 20", True, "20 per /24 with 8443, silence"),
    ("port 443: at least 21", False, "20 per /24 with 8443, silence"),
    ("port 443: at most 20", True, "20 per /24 with 8443, silence"),
    ("port 443: at most 19", False, "20 per /24 with 8443, silence"),
    ("port 443 over IPv6: 20", False, "unlimited"),
    ("port 443 over IPv6: unlimited", True, "unlimited"),
    ("port 443 over IPv6: at least 1000", True, "unlimited"),
    ("port 443 over IPv6: at most 1000", False, "unlimited"),
    ("port 443 from 10.0.0.0/8: 40 for everybody", True, "40 for everybody, silence"),
    ("port 443 from 10.9.0.0/16: 40", False, "it was not tried"),
    ("port 443 via eth0: 20", True, "20 per /24 with 8443, silence"),
    ("port 443 via wan0: 20", False, "it was not tried"),
    ("port 993 to 198.51.100.2: 5", True, "5 per /24, silence"),
    ("port 993: 5", False,
     "IPv4 via eth0 to 198.51.100.1: 20 per /24 with 443 and 8443, silence; "
     "IPv4 via eth0 to 198.51.100.2: 5 per /24, silence"),
    ("port 443: live unharmed, frees at once", True,
     "20 per /24 with 8443, silence, live unharmed, frees at once"),
    ("port 443: frees within 5 s", True, "20 per /24 with 8443, silence, frees at once"),
    ("port 443: by line 9", True, "20 per /24 with 8443, silence, by firewall/prod.rules:9"),
    ("port 443: by prod.rules:9", True, "20 per /24 with 8443, silence, by firewall/prod.rules:9"),
    ("port 443: by rod.rules:9", False, "20 per /24 with 8443, silence, by firewall/prod.rules:9"),
    ("port 443: by line 8", False, "20 per /24 with 8443, silence, by firewall/prod.rules:9"),
    ("port 443: dials E20 T10", True, "20 per /24 with 8443, silence, dials E20 T10"),
    ("port 22: nobody", False, "IPv4 via eth0: nobody, rst; IPv6 via eth0: 3 per address, rst"),
    ("port 22 over IPv4: nobody, rst", True, "nobody, rst"),
    ("port 94: nobody", False, "some, silence"),
    ("port 94: some", True, "some, silence"),
    ("port 22 over IPv4: some", False, "nobody, rst"),
    ("port 22 over IPv6: frees within 2s", False, "3 per address, rst, frees after 2.5 s"),
    ("port 22 over IPv4: frees within 60 s", False, "nobody, rst, does not free in time"),
    ("port 80: unlimited", True, "unlimited"),
    ("port 80: 20", False, "unlimited"),
    ("port 25: nobody", False, "it was not tried"),
    ("office 50x6 on 443: 20", True, "20"),
    ("office 50x6: at least 300", False, "20"),
    ("office 50x6 on port 443: at most 1 each", True, "20, 0 to 1 each"),
    ("office 50x6 on port 443: 1 each", False, "20, 0 to 1 each"),
    ("office 5x6: 20", False, "it was not tried"),
    ("no finding bans", True, "no such finding"),
    ("no finding unlimited", False, "port 80 is open to any number"),
    ("no finding unlimited on port 443", True, "no such finding"),
    ("no finding unlimited over IPv6", True, "no such finding"),
    ("no finding unlimited on port 80 over IPv4", False, "port 80 is open to any number"),
    ("finding unlimited on 80", True, "port 80 is open to any number"),
    ("finding bans", False, "no such finding"),
    ("sysctl net/core/somaxconn: only-if-asked, applied", True, "applied, only-if-asked"),
    ("sysctl net.core.somaxconn: absent", False, "applied, only-if-asked"),
    ("sysctl net.core.other: applied", False, "no line sets it"),
]  # fmt: skip
# What is not understood, the column where that begins, and what was wanted there.
WRONG = [
    ("", 1, "one of 'port', 'office', 'no finding', 'finding', 'sysctl'"),
    ("prt 443: 20", 1, "one of"),
    ("port 443 20", 10, "'over', 'from', 'via', 'to' or a colon"),
    ("port 443", 9, "a colon"),
    ("port 443:20", 6, "a port"),
    ("port 0: 1", 6, "a port"),
    ("port 65536: 1", 6, "a port"),
    ("port 443:", 10, "a number, 'unlimited', 'nobody', or what the others see"),
    ("port 443: 20 pr /24", 14, "a comma, or the end,"),
    ("port 443: 20 per", 17, "'address', or a prefix as /24,"),
    ("port 443: 20 per 24", 18, "'address', or a prefix as /24,"),
    ("port 443: 20,", 14, "a number"),
    ("port 443: twenty", 11, "a number"),
    ("port 443: connected", 20, "', then silence'"),
    ("port 443: live well", 16, "one of unharmed, reset, frozen, dead"),
    ("port 443: frees soon", 17, "'within'"),
    ("port 443: by 9", 14, "'line 9', or a file and line"),
    ("port 443: dials x", 17, "letters"),
    ("port 443 over IPv5: 2", 15, "'IPv4' or 'IPv6'"),
    ("port 443 from here: 2", 15, "a net"),
    ("port 443 from 10.0.0.1/8: 2", 15, "a net"),
    ("port 443 to here: 2", 13, "an address"),
    ("office 50: 300", 8, "people and connections of each, as 50x6,"),
    ("no finding unlimted", 12, "the id of a finding"),
    ("finding bans over IP", 19, "'IPv4' or 'IPv6'"),
    ("sysctl net.core.somaxconn: fine", 28, "a verdict"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "holds", "got"), JUDGED)
def test_it_is_held_against_the_answer(text: str, holds: bool, got: str) -> None:
    """Every kind of claim, true and false; what there is, is said in the words that one could expect."""
    assert expectations.judge([parse(text)], ANSWER) == [{"text": text, "holds": holds, "got": got}]


@pytest.mark.parametrize(("text", "column", "wanted"), WRONG)
def test_what_is_not_understood_has_its_place(text: str, column: int, wanted: str) -> None:
    """The column of the word, what should be there, and where the grammar is."""
    with pytest.raises(Usage) as refusal:
        parse(text)
    assert refusal.value.what == f"--expect: {text!r} is not understood"
    assert refusal.value.why.startswith(f"column {column}: {wanted}")
    assert refusal.value.next_step.startswith('docs/try.md, "Expectations"')


def test_what_is_got_can_be_expected() -> None:
    """The words for a row are of the grammar: whoever agrees with what there is writes it down."""
    for row in ANSWER["ports"]:
        (said,) = expectations.judge(
            [parse(f"port {row['port']} over IPv{row['family']}: unlimited")],
            {**ANSWER, "ports": [row | {"from": "any"}]},
        )
        text = f"port {row['port']} over IPv{row['family']}: {said['got']}"
        assert expectations.judge([parse(text)], {**ANSWER, "ports": [row | {"from": "any"}]})[0]["holds"], (
            text
        )


def test_ports_and_dials_that_it_takes() -> None:
    """A port that no rule names is tried; a limit of 300 is told from none by 301 dials."""
    expected = [
        parse(text) for text in ("port 25: 300", "port 22: unlimited", "no finding bans", "port 25: nobody")
    ]
    assert expectations.ports(expected) == [25, 22]
    assert expectations.dials(expected) == 301
    assert expectations.dials([]) == 0


def test_an_office_that_is_expected_is_tried_once() -> None:
    """Not again where it is wished for, at that port or at all of them."""
    expected = [
        parse("office 50x6 on 443: 300"),
        parse("office 50x6 on 443: 6 each"),
        parse("office 5x5: 25"),
    ]
    assert expectations.offices(expected) == [Office(50, 6, 443), Office(5, 5)]
    assert expectations.offices(expected, [Office(50, 6)]) == [Office(50, 6), Office(5, 5)]
    assert expectations.offices([]) == []


YAML = {
    "a list": "- port 443: 20 per /24, silence\n- 'no finding bans'\n- port 22 over IPv4: nobody\n",
    "a mapping": "port 443: 20 per /24, silence\nno finding: bans\nport 22 over IPv4: nobody\n",
    "lists of texts": "no finding: [bans]\nport 443: [20 per /24, silence]\nport 22 over IPv4: nobody\n",
    "fields": "port 443 over IPv4: {limit: 20, shared_by: /24}\nport 80: {limit: null, refusal: none}\n",
}


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_a_file_of_them(text: str, tmp_path: Path) -> None:
    """Both forms of YAML; each holds, and has a text that says what it is."""
    path = tmp_path / "prod.expect.yaml"
    path.write_text(text)
    judged = expectations.judge(expectation_files.expected(str(path), {}), ANSWER)
    assert len(judged) >= 2
    assert all(each["holds"] for each in judged), judged
    assert all(any(each["text"].startswith(first) for first in SUBJECTS) for each in judged)


def test_fields_are_compared_with_their_types() -> None:
    """A number is a number, null is none, and a value that differs does not hold."""
    (expected,) = expectation_files.read_text(
        "port 443 over IPv4: {limit: 20, ports: [443, 8443], frees: at once}", "x"
    )
    assert expectations.judge([expected], ANSWER)[0]["holds"]
    (expected,) = expectation_files.read_text("port 443 over IPv4: {limit: '20'}", "x")
    assert not expectations.judge([expected], ANSWER)[0]["holds"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "x.yaml expects nothing"),
        ("# nothing\n", "x.yaml expects nothing"),
        ("- port 443: 20\n- port 443: 20 pr /24\n", "x.yaml, line 2: 'port 443: 20 pr /24' is not understood"),
        ("- port 443: 20\n  - x: [", "x.yaml, line 2 is no YAML"),
        ("port 443: {limt: 20}", "x.yaml, line 1: 'limt' is no field of ports"),
        ("- [port 443]", "x.yaml, line 1: a list inside a list"),
        ("[[x]]: 1", "x.yaml, line 1: a key is a text, as port 443"),
        ("no finding: {a: b}", "x.yaml, line 1: 'no finding' is not understood"),
        ("port 443: [[20]]", "x.yaml, line 1: 'port 443' is followed by no text"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_has_its_line(text: str, what: str) -> None:
    """The name of the file and the line."""
    with pytest.raises(Usage) as refusal:
        expectation_files.read_text(text, "x.yaml")
    assert refusal.value.what.startswith(what)


@pytest.mark.parametrize("argument", ["prod.yaml", "443: 20", "ports.expect.yaml", ""])
def test_neither_an_expectation_nor_a_file(argument: str) -> None:
    """A file that is not there, a subject that is none."""
    with pytest.raises(Usage, match="is neither an expectation nor a file"):
        expectation_files.expected(argument, {})


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Binary, or far too large."""
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Usage, match="is no text"):
        expectation_files.read_file(path, {})
    path.write_bytes(b"#" * (expectation_files.LARGEST + 1))
    with pytest.raises(Usage, match="is too large"):
        expectation_files.read_file(path, {})
    assert expectation_files.beside(Path("firewall/nft-ct-count.rules")) == Path(
        "firewall/nft-ct-count.expect.yaml"
    )


def test_the_page_has_expectations_that_are_understood():
    """Each in the table of docs/try.md, those after the first with its subject where they have none; and its YAML."""
    page = (HOME / "docs/try.md").read_text().partition("\n## Expectations\n")[2].partition("\n## ")[0]
    rows = [
        re.findall(r"`([^`]+)`", line.split("|")[1]) for line in page.splitlines() if line.startswith("| `")
    ]
    assert len(rows) >= 12
    for first, *others in rows:
        parse(first)
        for text in others:
            alone = any(text.startswith(f"{subject} ") for subject in SUBJECTS)
            parse(text if alone else f"{first.partition(':')[0]}: {text}")
    assert len(expectation_files.read_text(page.partition("```yaml\n")[2].partition("```")[0], "page")) == 5
