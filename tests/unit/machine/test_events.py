"""The one writer of the log format: what both hosts write, and that it reads back."""

from __future__ import annotations

import itertools
import json
import os
import re
import select
from pathlib import Path

import pytest

from connlab.base.model import Event
from connlab.machine import events, identity
from tests.support.processes import host_python, run_program

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"hello from client-1 1", "hello from client-1 1"),
        ("grüße".encode(), "grüße"),
        (b"a\r\n\x00\x1b[2J", "a\\x0d\\x0a\\x00\\x1b[2J"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("\u202eevil".encode(), "\\xe2\\x80\\xaeevil"),
        (b"x" * 127 + "ü".encode(), "x" * 127 + "\\xc3"),
        (b"x" * 500, "x" * 128),
        (b"\\x1b", "\\\\x1b"),
        (b"\\\x1b\\", "\\\\\\x1b\\\\"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ],
)
def test_wire_bytes_are_escaped(wire, text):
    """At most 128 bytes, UTF-8 where they are, never a control character."""
    assert events.escape(wire) == text


def test_no_two_messages_look_the_same():
    """Each short message of a few awkward bytes has a text of its own."""
    letters = (b"\\", b"x", b"1", b"b", b"\x1b", b"\xff", "ü".encode())
    messages = {b"".join(word) for n in range(6) for word in itertools.product(letters, repeat=n)}
    assert len({events.escape(message) for message in messages}) == len(messages)


@pytest.fixture
def log(tmp_path):
    """Return a function that sets the format of this process's events, and returns their file."""
    with (tmp_path / "log").open("wb", buffering=0) as file:
        yield lambda how: events.configure("client", how, file.fileno()) or Path(file.name)
    events.configure("", "json")


AWKWARD = {
    "count": 3,
    "none": None,
    "yes": True,
    "word": "fin",
    "blank": "a b",
    "quote": 'a"b',
    "rest": "\\\n",
    "empty": "",
}


def test_an_event_is_one_line_of_json(log):
    """Whatever the values, the line parses back to them, after the four common fields."""
    path = log("json")
    events.emit("tally", **AWKWARD)
    line = path.read_text()
    event = json.loads(line)
    assert line.count("\n") == 1
    assert list(event)[:4] == ["ts", "service", "host", "event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["ts"])
    assert {key: event[key] for key in AWKWARD} == AWKWARD


def test_many_events_are_written_in_pieces_that_are_atomic():
    """Each write(2) has whole lines, PIPE_BUF bytes at most, and not one line alone; none is lost."""
    reading, writing = os.pipe2(os.O_DIRECT)  # what one write(2) gave is read apart from the next (pipe(2))
    events.configure("client", "json", writing)
    events.emit_each("attempt", ({"us": at, "errno": "ECONNREFUSED"} for at in range(100)))
    events.configure("", "json")
    os.close(writing)
    pieces = list(iter(lambda: os.read(reading, 65_536), b""))
    os.close(reading)
    assert all(piece.endswith(b"\n") and len(piece) <= select.PIPE_BUF for piece in pieces)
    assert [json.loads(line)["us"] for line in b"".join(pieces).splitlines()] == list(range(100))
    assert len(pieces) < 10


def test_text_is_for_eyes(log):
    """LOG_FORMAT=text: `ts host event key=value`, with JSON strings where a blank or quote would mislead."""
    path = log("text")
    events.emit("tally", **AWKWARD)
    stamp, rest = path.read_text().split(" ", 1)
    assert stamp.endswith("Z")
    words = 'count=3 none=null yes=true word=fin blank="a b" quote="a\\"b" rest="\\\\\\n" empty=""'
    assert rest == f"{identity.host()} tally {words}\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("+5", "+5"), ("1_000", "1_000"), ("é", "é"), ("-inf", "-inf"), (r"\x00", r"\x00"), ("nan", "nan"),
        ("5", '"5"'), ("-1e5", '"-1e5"'), ("NaN", '"NaN"'), ("[]", '"[]"'), ("null", '"null"'), ("a=b", '"a=b"'),
        ("\x1b", r'"\u001b"'), (5, "5"), (0.5, "0.5"),
    ],
)  # fmt: skip
def test_a_string_has_quotes_only_where_it_could_be_something_else(log, value, written):
    """A blank, a quote, an equals sign, what cannot be printed, and what is JSON without quotes (docs/events.md)."""
    path = log("text")
    events.emit("tally", value=value)
    assert path.read_text() == f"{path.read_text().split()[0]} {identity.host()} tally value={written}\n"
    read = Event.parse(path.read_text())
    assert read.fields == {"value": value}


@pytest.mark.parametrize("how", ["json", "text"])
def test_both_hosts_write_the_same_line(how):
    """Each in a process that has imported its own code; but for the time and the service, a line is a line."""
    fields = {**AWKWARD, "sign": "+5", "line": "1_000", "letter": "é"}
    emit = f"events.emit('message', **{fields!r}, text=events.escape({bytes(range(256))!r}))"
    written = []
    for host, module in (("client", "host_log"), ("server", "connection")):
        script = f"import {host}.{module}\nfrom connlab.machine import events\n"
        script += f"events.configure({host!r}, {how!r})\n{emit}"
        result = run_program(host_python("-c", script), check=True)
        written.append(re.sub(r'[0-9T:.-]+Z|"(server|client)"', "", result.stdout))
    assert written[0] == written[1] != ""
