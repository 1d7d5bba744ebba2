"""`lab explain` on a terminal: a row of a page, and a line with its ways; words of files are only words."""

from __future__ import annotations

from connlab.cli.show import explanation
from connlab.trial.answer import reference

HOSTILE = "[bold]\x1b[31m\u202e"
STEPS = [
    {"table": "ip filter", "chain": "OUTPUT", "file": None, "line": None, "rule": "policy ACCEPT", "verdict": "accept"},
    {"table": "ip filter", "chain": "INPUT", "file": "b.nft", "line": 2, "rule": "jump GATE", "verdict": "jump"},
    {"table": "ip filter", "chain": "GATE", "file": HOSTILE, "line": 4, "rule": HOSTILE, "verdict": "drop"},
]  # fmt: skip
WAY = {"port": 8081, "family": 4, "syns": 1293, "letters": "E3 R10", "way": STEPS}
LINE = {
    "run": "2026-try", "file": HOSTILE, "line": 4, "text": HOSTILE,
    "rules": [{"rule": HOSTILE, "packets": 1494, "decided": 305}, {"rule": "-A GATE", "packets": 0, "decided": 0}],
    "ways": [WAY], "sysctls": [], "offices": False, "loaded": True,
}  # fmt: skip


def test_a_row_of_a_page_is_printed(capsys):
    """Its fact, its source, and where it stands; an id in small letters is found; one that is none is not."""
    explanation.entry(reference.entry("c02"))
    words = capsys.readouterr().out
    assert words.startswith("C02  The judged SYN counts itself")
    assert words.endswith('docs/kernel.md, "The limit: xt_connlimit, nf_conncount"\n')
    assert reference.entry("bans").page == "docs/try.md"
    assert reference.entry("no-such") is None
    assert reference.entry("id") is None


def test_a_line_is_printed_with_its_ways(capsys):
    """A rule that is the line's own text is not repeated; a step of another file names it; nothing is obeyed."""
    explanation.line(LINE)
    words = capsys.readouterr().out
    shown = r"[bold]\x1b[31m\u202e"
    assert words.startswith(f"{shown}:4  {shown}\n1,494 packets, decided over 305 first SYNs\n")
    assert "0 packets, decided over 0 first SYNs: -A GATE\n" in words
    assert "OUTPUT policy ACCEPT > INPUT b.nft line 2 jump > GATE line 4 drop" in words
    assert all(character.isprintable() or character == "\n" for character in words)


def test_a_line_that_made_nothing(capsys):
    """It is said."""
    explanation.line({**LINE, "rules": [], "ways": []})
    assert "no rule comes from this line" in capsys.readouterr().out
    explanation.line({**LINE, "rules": [], "ways": [], "loaded": False})
    assert "the file did not load, or not all of it" in capsys.readouterr().out


def test_counters_without_offices_say_so(capsys):
    """The ways have their dials, the numbers above leave them out."""
    explanation.line({**LINE, "offices": True})
    assert "1,494 packets, decided over 305 first SYNs (offices apart: below)\n" in capsys.readouterr().out
