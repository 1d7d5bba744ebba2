"""At a terminal of 80 columns no word is broken, and in a pipe no line is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from connlab.base import output
from connlab.cli.show import dialling, doctor, judging, running
from connlab.cli.show.terminal import console, new_table
from connlab.evidence.claims import CLAIMS
from connlab.evidence.verdicts import Judgement
from connlab.kernel import policy

LONG = "one server serves another host, whose connection waits for a listener that is late; " * 4
TEST = "tests/experiments/test_iterative.py::test_after_a_clean_close_the_printed_loop_serves_nobody"
ROW = Judgement(**{**vars(CLAIMS[1]), "verdict": "refuted", "evidence": LONG, "test": TEST})

EFFECT = replace(
    ROW, setting="tcp_tw_reuse_delay=200 and something else that is long", side="server", sentence=LONG
)


@pytest.fixture(params=[80, 140])
def columns(request, monkeypatch):
    """Have a terminal as wide as that, without colours."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


SHOWN = {
    "claims": lambda: judging.claims([ROW]),
    "effects": lambda: judging.effects([EFFECT]),
    "doctor": lambda: doctor.checks([{"name": "a", "result": "FAIL", "detail": LONG, "fix": LONG}]),
    "tips": lambda: running.whats_next([1, 2]),
    "policy": lambda: running.policy_notices(policy.unknown_policy(LONG)),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_a_line_is_broken_between_words(show, columns, monkeypatch, capsys):
    """All its words are there, whole; the control is the same in a pipe, where each line stays one."""
    show()
    text = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    monkeypatch.delenv("TTY_COMPATIBLE")
    show()
    piped = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    assert "".join(text.split()) == "".join(piped.split())
    assert set(text.split()) <= {*piped.split(), *piped.replace("::", " ::").split()}
    assert len(piped.splitlines()) <= 4


def test_a_line_in_a_pipe_ends_with_its_last_word(columns, monkeypatch, capsys):
    """No blanks fill up a table there, as they do at a terminal; the rest stays, also what is not a whole line."""

    def show() -> str:
        table = new_table("port", ">held", "by rule")
        table.add_row("443", "3", ":8 policy DROP")
        table.add_row("8090", "", "")
        out = console()
        out.print(table)
        out.print(" a  b ", end="")
        return capsys.readouterr().out

    assert re.search(r" +\n", show()), "the control"
    monkeypatch.delenv("TTY_COMPATIBLE")
    rule = "─" * 28
    assert show() == f"\n port   held   by rule\n {rule}\n 443       3   :8 policy DROP\n 8090\n\n a  b "


def test_a_kind_of_socket_has_one_line(columns, capsys):
    """Two hosts with the same answers have one column, so that the longest words fit."""
    answer = {"state": "not supported", "errno": "ESOCKTNOSUPPORT", "made": None}
    kind = {"family": "AF_INET6", "family_number": 10, "type": "SOCK_SEQPACKET", "type_number": 5}
    message = {"family": "AF_INET", "type": "SOCK_STREAM", "came_back": True, "us": 99_990}
    dialling.sockets({
        "client": "client-10", "server": "server-1", "user": "connlab",
        "tried": [{**kind, "client": answer, "server": answer}],
        "exchanged": [{**message, "from": "client-10", "to": "server-1"}],
    })  # fmt: skip
    text = " ".join(re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).split())
    assert "AF_INET6 (10) SOCK_SEQPACKET (5) not supported (ESOCKTNOSUPPORT)" in text
    assert "AF_INET SOCK_STREAM client-10 to server-1, 99.99 ms" in text


def test_a_refusal_is_broken_between_words(monkeypatch, capsys):
    """On standard error too; what is no terminal gets it as it is."""
    output.notice(f"{LONG}\n  next: {LONG}")
    piped = capsys.readouterr().err
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    output.notice(f"{LONG}\n  next: {LONG}")
    text = capsys.readouterr().err
    assert len(piped.splitlines()) == 2
    assert max(map(len, text.splitlines())) <= 80
    assert text.split() == piped.split()
    assert [line[:5] for line in text.splitlines()].count("lab: ") == 1
