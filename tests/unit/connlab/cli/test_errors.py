"""What the lab says no with: one exit code for each kind of no."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

import click
import pytest
import requests

from connlab.base.errors import GaveUp, LabError, NotFit, Usage
from connlab.cli import main as cli
from connlab.cluster import engine

HOME = Path(__file__).parents[4]
CODES = {LabError: 1, Usage: 2, NotFit: 3, GaveUp: 4}


def raising(error: BaseException):
    def call() -> None:
        raise error

    return call


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_a_refusal_becomes_its_exit_code_and_its_words(capsys, kind, code):
    """The sentence goes to standard error, where data never is."""
    assert cli.guarded(raising(kind("the lab is not up", next_step="make up"))) == code
    assert capsys.readouterr() == ("", "lab: the lab is not up\n  next: make up\n")


def test_no_refusal_has_a_code_of_its_own():
    """Whatever connlab/ raises is one of the four kinds; 5 and above mean nothing."""
    for path in (HOME / "connlab").rglob("[!_]*.py"):
        importlib.import_module(".".join(path.relative_to(HOME).with_suffix("").parts))
    kinds, todo = set(), {LabError}
    while todo:
        kinds |= todo
        todo = {below for kind in todo for below in kind.__subclasses__()}
    assert len(kinds) >= 7, kinds
    assert {kind.status for kind in kinds} == {1, 2, 3, 4}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.exceptions.Abort()])
def test_ctrl_c_is_130(error):
    """As every shell expects of a command that SIGINT ended."""
    assert cli.guarded(raising(error)) == 130


def test_a_wrong_option_is_2(capsys):
    """Click's own refusals are usage too."""
    assert cli.guarded(raising(click.UsageError("no such option"))) == 2
    assert "no such option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (409, "Container 4f1c is paused, unpause the container before exec"),
        (409, "Container 4f1c is not running"),
        (404, "No such container: 4f1c"),
        (500, "OCI runtime exec failed: \x1b[31m"),
    ],
)
def test_an_engine_that_says_no_is_not_unfit(capsys, code, words):
    """A host that is paused, stopped or gone: the engine's words, and where to look; exit status 1."""
    response = requests.Response()
    response.status_code = code
    refusal = engine.Refused(f"{code} Client Error for http+docker://x: Conflict", response, words)
    assert cli.guarded(raising(refusal)) == 1
    text = words.replace("\x1b", r"\x1b")
    assert capsys.readouterr().err == f"lab: the Docker engine refuses: {text}\n  next: make status\n"


def of_requests() -> requests.ConnectionError:
    """Make an error as requests makes it of one of the kernel's."""
    error = requests.ConnectionError(
        "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
    )
    error.__context__ = ConnectionResetError(104, "Connection reset by peer")
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [(requests.ConnectionError("aborted"), "aborted"),
     (requests.ReadTimeout("HTTPConnectionPool(host='x', port=1): Read timed out."), "it did not answer in time"),
     (of_requests(), "it took the call and hung up")],
)  # fmt: skip
def test_an_engine_that_went_away_is(capsys, error, words):
    """In the middle of something: exit status 3, and doctor."""
    assert cli.guarded(raising(error)) == 3
    assert capsys.readouterr().err == f"lab: the Docker engine went away: {words}\n  next: make doctor\n"


def test_what_a_trial_does_not_take_has_a_next_step():
    """Of each refusal of a file, a line or an expectation that connlab/trial/ makes: a test that runs meets few."""
    refusals = {
        f"{path.relative_to(HOME)}:{node.lineno}": {word.arg for word in node.keywords}
        for path in (HOME / "connlab/trial").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Usage"
    }
    assert len(refusals) >= 25, refusals
    assert [at for at, words in refusals.items() if "next_step" not in words] == []


def test_success_is_0():
    """The control."""
    assert cli.guarded(lambda: None) == 0


def test_a_defect_is_no_refusal():
    """What nobody foresaw is not made into a sentence: its traceback is the report."""
    with pytest.raises(ZeroDivisionError):
        cli.guarded(lambda: 1 / 0)


def test_the_help_lists_the_codes():
    """What is above is what `lab --help` promises."""
    promised = " ".join(cli.lab.get_help(click.Context(cli.lab)).split())
    assert re.findall(r"(\d+) [a-z]", promised.partition("Exit codes:")[2].partition("Options:")[0]) == [
        "0", "1", "2", "3", "4", "130",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "data"),
    [
        (
            LabError("client-1 is not running", "paused", next_step="make up"),
            {"error": {"what": "client-1 is not running", "why": "paused", "next": "make up"}, "exit": 1},
        ),
        (
            NotFit("nothing was started", "\n  one\n  two"),
            {"error": {"what": "nothing was started", "why": "one\ntwo", "next": None}, "exit": 3},
        ),
        (
            click.UsageError("no such option"),
            {"error": {"what": "no such option", "why": None, "next": "lab --help"}, "exit": 2},
        ),
        (KeyboardInterrupt(), {"error": {"what": "interrupted", "why": None, "next": None}, "exit": 130}),
    ],
)
def test_a_refusal_is_data_too(capsys, error, data):
    """With --json: one object on standard output; the words stay on standard error."""
    assert cli.guarded(raising(error), as_json=True) == data["exit"]
    streams = capsys.readouterr()
    assert json.loads(streams.out) == {"schema": 1, **data}
    assert data["error"]["what"] in streams.err


def test_what_is_known_all_the_same_stays(capsys):
    """A verb's own answer, in the same object."""
    refusal = GaveUp("the server does not answer")
    refusal.answer = {"project": "connlab"}
    assert cli.guarded(raising(refusal), as_json=True) == 4
    assert json.loads(capsys.readouterr().out)["project"] == "connlab"
