"""What the lab says no with: one exit code for each kind of no."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

from lab import cli
from lab.errors import GaveUp, LabError, NotFit, Usage

HOME = Path(__file__).parents[2]
CODES = {LabError: 1, Usage: 2, NotFit: 3, GaveUp: 4}


def raising(error: BaseException):
    def call() -> None:
        raise error

    return call


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_a_refusal_becomes_its_exit_code_and_its_words(capsys, kind, code):
    """The sentence goes to standard error, where data never is."""
    assert cli.guarded(raising(kind("the lab is not up\n  next: make up"))) == code
    assert capsys.readouterr() == ("", "lab: the lab is not up\n  next: make up\n")


def test_no_refusal_has_a_code_of_its_own():
    """Whatever lab/ raises is one of the four kinds; 5 and above mean nothing."""
    for path in (HOME / "lab").glob("[!_]*.py"):
        importlib.import_module(f"lab.{path.stem}")
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
