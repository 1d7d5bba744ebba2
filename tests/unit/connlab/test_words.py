"""Words that are not ours, on a terminal, on a page and among errors: shown as what they are, and obeyed by nobody."""

from __future__ import annotations

import ast
import re
from html import unescape

import click
import pytest

from connlab.base.errors import LabError
from connlab.base.output import lines, visible
from connlab.cli import main as cli
from connlab.cli.show import doctor, judging
from connlab.cli.show.terminal import COLOURS, coloured, console, joined, new_table, strong
from connlab.evidence.claims import CLAIMS
from connlab.evidence.verdicts import Judgement
from connlab.report import page, verdict_tables
from tests.support.syntax import imports, nodes, trees

# What a terminal obeys, what turns or hides text, what rich takes for markup or an emoji, what cannot be encoded.
HOSTILE = {
    "escape": ("\x1b[31mred", r"\x1b[31mred"),
    "title": ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
    "csi in one character": ("\x9b31m", r"\x9b31m"),
    "carriage return": ("PASS\rFAIL", r"PASS\rFAIL"),
    "backspace": ("no\b\byes", r"no\x08\x08yes"),
    "turned around": ("\u202esdrow\u202c", r"\u202esdrow\u202c"),
    "isolate": ("a\u2066b", r"a\u2066b"),
    "nothing to see": ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
    "line separator": ("a\u2028b", r"a\u2028b"),
    "surrogate": ("caf\udce9", r"caf\udce9"),
    "nul": ("a\0b", r"a\x00b"),
    "tag": ("a\U000e0041", r"a\U000e0041"),
    "closing markup": ("[/proc/x]", "[/proc/x]"),
    "opening markup": ("iptables [legacy]", "iptables [legacy]"),
    "link": ("[link=file:///etc]x[/link]", "[link=file:///etc]x[/link]"),
    "emoji": (":skull:", ":skull:"),
    "backslash": (r"a\[bold]", r"a\[bold]"),
    "ordinary": ("größer, 日本, 🙂", "größer, 日本, 🙂"),
}
each = pytest.mark.parametrize(("words", "text"), HOSTILE.values(), ids=HOSTILE)


@each
def test_a_word_is_shown_as_what_it_is(words, text):
    """On one line; of several lines the line feeds stay."""
    assert visible(words) == text
    assert visible(f"{words}\n.") == rf"{text}\n."
    assert lines(f"{words}\n.") == f"{text}\n."


@each
def test_a_table_shows_it(words, text, capsys):
    """In a head, in a cell and beside it, alone and joined to coloured words."""
    out, table = console(), new_table(words, "part")
    table.add_row(words, joined(strong(words), words, coloured(words)))
    out.print(table)
    out.print(words)
    assert capsys.readouterr().out.count(text) == 6


@each
def test_doctor_shows_it(words, text, capsys):
    """A detail is the engine's or the kernel tool's, a fix may name a file."""
    doctor.checks([{"name": words, "result": "FAIL", "detail": words, "fix": words}])
    said = capsys.readouterr().out
    assert said.count(text) == 3
    assert _is_harmless(said)


@each
def test_claims_and_effects_show_it(words, text, capsys):
    """Evidence is a host's, and a test's name a file's."""
    row = Judgement(**{**vars(CLAIMS[-1]), "verdict": "holds", "evidence": f"{words}\n", "test": words})
    judging.claims([row])
    said = capsys.readouterr().out
    assert said.count(text) == 2
    assert len(said.splitlines()) == 3
    assert _is_harmless(said)
    judging.effects([row])
    assert _is_harmless(capsys.readouterr().out)


@each
def test_an_error_shows_it(words, text, capsys):
    """The words of an engine, a tool or a log line are in many a refusal, what was typed in one of Click's."""
    for status, error in ((1, LabError(f"it said {words}\n  next: make up")), (2, click.UsageError(words))):

        def refuse(refusal: Exception = error) -> None:
            raise refusal

        assert cli.guarded(refuse) == status
        said = capsys.readouterr().err
        assert text in said
        assert _is_harmless(said)


@each
def test_a_page_shows_it(words, text):
    """As text of HTML, and in a cell of Markdown, which ends with neither a line nor a bar of somebody else's."""
    assert f"<h1>{text}</h1>" in unescape(page.page(words, {}, [], "now", {}))
    row = Judgement(**{**vars(CLAIMS[0]), "verdict": "holds", "evidence": f"{words}|\n<b>"})
    (line,) = verdict_tables.table([row]).splitlines()[2:]
    assert line.endswith(rf"| {text}\|\n&lt;b> |")


def test_every_word_in_its_colour(capsys, monkeypatch):
    """The control: the lab's own words are coloured on a terminal, and bare in a pipe."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for word in COLOURS:
        console().print(joined(coloured(f"{word:<8}"), " [dim]"))
        assert re.fullmatch(rf"\x1b\[3\dm{word} *\x1b\[0m \[dim\]\n", capsys.readouterr().out)
    monkeypatch.delenv("FORCE_COLOR")
    console().print(coloured("holds"))
    assert capsys.readouterr().out == "holds\n"


@pytest.mark.xdist_group("syntax")  # where all is parsed already
def test_nobody_goes_past_the_one_way_out():
    """`print` is in base.words and where data is printed; rich's Console and Text in cli.show.terminal alone."""
    modules = trees("connlab/**/*.py")
    called = {name: _called_names(tree) for name, tree in modules.items()}
    printing = {name for name, names in called.items() if "print" in names}
    assert printing == {"connlab.base.output", "connlab.cli.verbs.options"}
    rich = {
        name for name, tree in modules.items() if any(one.startswith("rich.") for one in imports(tree, name))
    }
    drawing = {name for name in rich if {"Text", "Console", "Text.from_markup"} & called[name]}
    assert drawing == {"connlab.cli.show.terminal"}
    assert not [name for name, tree in modules.items() if "rich.markup" in imports(tree, name)]
    writing = {name for name, tree in modules.items() if "sys.stderr" in ast.unparse(tree)}
    assert writing == {"connlab.base.output"}


@pytest.mark.xdist_group("syntax")
def test_nobody_writes_markup():
    """It would be shown as it stands: a colour is asked for with `coloured`, `strong` or `pale`."""
    text = {
        name: tree for name, tree in trees("connlab/**/*.py").items() if name.startswith("connlab.cli.show")
    }
    assert len(text) >= 5
    words = [
        (name, node.value)
        for name, tree in text.items()
        for node in nodes(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [found for found in words if re.search(r"\[/?(bold|dim|red|green|yellow|/)?\]", found[1])] == []


def _is_harmless(said: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in said)


def _called_names(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in nodes(tree) if isinstance(node, ast.Call)}
