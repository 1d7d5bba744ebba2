"""The words of a client host, without a process: outcomes, events, knobs, names."""

import errno
import io
import itertools
import json
import re
from pathlib import Path

import pytest

from client import connector, events, names, settings
from server import events as server_events
from tests.support.given import PROFILES, given
from tests.support.menu import MENU

DOCS = Path(__file__).parents[3] / "docs"


def documented_outcomes():
    table = (DOCS / "events.md").read_text().split("## Outcomes")[1]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    return {outcome.strip(" `"): re.findall(r"\bE[A-Z]+\b", numbers) for outcome, _, numbers in rows}


def test_outcomes_are_those_of_the_documentation():
    """docs/events.md and the client map the same errnos to the same outcomes."""
    documented = {
        getattr(errno, name): outcome
        for outcome, numbers in documented_outcomes().items()
        for name in numbers
    }
    assert {0: "established", **documented} == connector.OUTCOMES


@pytest.mark.parametrize("number", sorted(set(errno.errorcode) - set(connector.OUTCOMES)))
def test_an_unknown_errno_is_loud(number):
    """Every errno without a row is a harness_error, shown by its name."""
    assert (connector.outcome_of(number), connector.errno_name(number)) == (
        "harness_error",
        errno.errorcode[number],
    )


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


@pytest.mark.parametrize("escape", [events.escape, server_events.escaped], ids=["client", "server"])
def test_no_two_messages_look_the_same(escape):
    """Each short message of a few awkward bytes has a text of its own; both hosts write the same one."""
    letters = (b"\\", b"x", b"1", b"b", b"\x1b", b"\xff", "ü".encode())
    messages = {b"".join(word) for n in range(6) for word in itertools.product(letters, repeat=n)}
    assert len({escape(message) for message in messages}) == len(messages)
    assert all(escape(message) == events.escape(message) for message in messages)


@pytest.fixture
def log(tmp_path):
    """Where this process writes its events, as long as the test runs."""
    with (tmp_path / "log").open("wb", buffering=0) as file:
        yield lambda how: events.configure(how, file.fileno()) or Path(file.name)
    events.configure("json")


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


def test_text_is_for_eyes(log):
    """LOG_FORMAT=text: `ts host event key=value`, with JSON strings where a blank or quote would mislead."""
    path = log("text")
    events.emit("tally", **AWKWARD)
    stamp, rest = path.read_text().split(" ", 1)
    assert stamp.endswith("Z")
    words = 'count=3 none=null yes=true word=fin blank="a b" quote="a\\"b" rest="\\\\\\n" empty=""'
    assert rest == f"{names.host()} tally {words}\n"


@pytest.mark.parametrize(
    ("knob", "text", "complaint"),
    [
        ("WORKLOAD", "sleep", "allowed: burst, churn, hold, idle"),
        ("DIALS", "lots", "is not a whole number; allowed: 1 to 20000"),
        ("PERIOD", "nan", "is out of range; allowed: 0.01 to 86400"),
        ("PORT", "0", "is out of range; allowed: 1 to 65535"),
        ("LOG_FORMAT", "", "allowed: json, text"),
        ("CLIENT_SYSCTL", "stock.yaml", f"allowed: {', '.join(PROFILES)}"),
        ("CONNLAB_SERVER", "", "allowed: a host name or an IPv4 address"),
    ],
)
def test_a_bad_knob_is_explained(knob, text, complaint):
    """The message names the knob, the value and what is allowed."""
    with pytest.raises(ValueError, match=f"{knob}={text!r} .*{complaint}"):
        settings.read(given() | {knob: text})


def test_the_defaults_are_the_menu():
    """Without an environment a client does what `.env` says."""
    told = {knob: MENU[knob] for knob in settings.KNOBS if knob in MENU}
    assert settings.read(given() | told) == settings.read({})


@pytest.mark.parametrize(
    ("container", "host"),
    [
        ("connlab_client_2", "client-2"),
        ("connlab-client-20", "client-20"),
        ("my-own_lab-server-1", "server-1"),
        ("connlab_client_run_5f2a", None),
        ("8f14e45fceea", None),
        (None, None),
    ],
)
def test_a_host_is_named_as_compose_named_it(container, host):
    """Both generations of Compose, and containers that Compose did not number."""
    assert names.short(container) == host


@pytest.mark.parametrize("owner", [b"\xc0\x0c", b"\x013\x07in-addr\x04arpa\x00"])
def test_the_name_is_read_from_a_dns_answer(owner):
    """The first label of the first answer, its owner compressed (RFC 1035 §4.1.4) or not; else nothing."""
    head, data = b"\0\1\x81\x80\0\1\0\1\0\0\0\0", b"\x10connlab_client_2\x0bconnlab_lab\0"
    record = owner + b"\0\x0c\0\1\0\0\2\x58" + len(data).to_bytes(2, "big") + data
    assert names._first_label(head + record, len(head)) == "connlab_client_2"
    assert names._first_label(head[:7] + b"\0" + head[8:], len(head)) is None
    assert names._first_label(head + record[: len(owner) + 10], len(head)) is None
    assert names._first_label(head, len(head)) is None


def test_own_address_comes_from_etc_hosts(monkeypatch):
    """The IPv4 line that carries the hostname; none is no error."""
    monkeypatch.setattr(names._socket, "gethostname", lambda: "box")
    hosts = b"127.0.0.1 localhost\n# 9.9.9.9 box\nfd00::2 box\n\n198.51.100.7\tbox box.lab\n"
    monkeypatch.setattr(names, "open", lambda *_: io.BytesIO(hosts), raising=False)
    assert names.address() == "198.51.100.7"
    monkeypatch.setattr(names, "open", lambda *_: io.BytesIO(b"127.0.0.1 localhost\n"), raising=False)
    assert names.address() is None
