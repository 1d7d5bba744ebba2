"""The server's log: whatever comes over the wire or from the kernel, it stays what docs/events.md says."""

from __future__ import annotations

import json
import re
import socket

import pytest

from connlab.base.model import Event
from connlab.machine import events as log
from tests.unit.server.modes.kinds import MODES
from tests.unit.server.process import HOME, echo
from tests.unit.server.reports import REPORTS, numbered_report


def test_garbage_stays_on_one_line(server):
    """Whatever bytes come, the log is printable ASCII, one JSON object a line, and they come back unchanged."""
    garbage = [bytes(range(32)), bytes(range(127, 256)), b"\n" * 9]
    garbage += [b"\xf0\x9f\x92", b'"}\n{', "é\u2028".encode()]
    with server.dial() as sock:
        assert [echo(sock, message) for message in garbage] == garbage
    server.wait_for("closed")
    raw = server.log.read_bytes()
    assert re.fullmatch(rb"[\x20-\x7e\n]*", raw)
    assert all(isinstance(json.loads(line), dict) for line in raw.splitlines())
    assert sum(event.fields["bytes"] for event in server.events("message")) == sum(map(len, garbage))
    assert r"\x00\x01" in server.events("message")[0].fields["text"]


def test_text_has_no_control_characters(monkeypatch, capfd):
    """With LOG_FORMAT=text too, in a value without blanks, wherever it came from; it reads back as it was."""
    monkeypatch.setattr(log, "_format", "text")
    for words in ("\x1b[31mred", "a\u202eb", "a\x9bb", "a\u200bb", "plain", "größer"):
        log.emit("policy_failed", error=words)
        line = capfd.readouterr().out
        assert line.removesuffix("\n").isprintable()
        assert Event.parse(line).fields["error"] == words


def test_a_long_message_is_shown_in_part(server):
    """At most 128 bytes of a message reach the log; its size is told."""
    with server.dial() as sock:
        echo(sock, b"a" * 1000)
    server.wait_for("closed")
    messages = server.events("message")
    assert sum(event.fields["bytes"] for event in messages) == 1000
    assert max(len(event.fields["text"]) for event in messages) == 128


def test_text_lines_say_the_same_story(start):
    """LOG_FORMAT=text: no JSON, and every line is read back as its event."""
    plain = start(LOG_FORMAT="text")
    with plain.dial() as sock:
        echo(sock, b'two words and a "quote"\n')
    plain.wait_for("closed")
    assert "{" not in plain.log.read_text()
    names = [event.event for event in plain.events()]
    assert names == ["listening", "ready", "accepted", "message", "closed"]
    assert plain.events("message")[0].fields["text"] == r'two words and a "quote"\x0a'


def test_refusals_are_told_as_they_are_reported(start):
    """Datagrams that a real kernel sent, through a descriptor as PID 1 hands it over: one event each."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours)
        for datagram in REPORTS["ipv4"] + REPORTS["ipv6"]:
            kernels.send(datagram)
        reports = [event.fields for event in server.wait_for("refused", 4)]
        assert reports == [
            {"source": "127.0.0.1", "source_port": 40003}, {"source": "127.0.0.1", "source_port": 40004},
            {"source": "127.0.0.1", "source_port": 40005}, {"source": "::1", "source_port": 40013},
        ]  # fmt: skip
        assert server.events("events_lost") == []
        assert server.ask()["sources"]["127.0.0.1"] == {"open": 0, "accepted": 0, "refused": 3}


def test_a_gap_in_the_reports_is_told(start):
    """Two reports got lost between the first and the fourth: `events_lost` has their number."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours)
        for datagram in (REPORTS["ipv4"][0], REPORTS["ipv6"][0]):
            kernels.send(datagram)
        server.wait_for("refused", 2)
        assert [event.fields for event in server.events("events_lost")] == [{"count": 2}]


def test_dropped_reports_are_told_at_once(start):
    """The kernel dropped the last ones for want of room: told without waiting for another, and not a second time.

    A UDP socket stands for the netlink one: the kernel counts the drops of both in the same place.
    """
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(type=socket.SOCK_DGRAM) as kernels,
    ):
        ours.bind(("127.0.0.1", 0))
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        for number in range(300):
            kernels.sendto(numbered_report(number), ours.getsockname())
        server = start(reports=ours)
        (loss,) = server.wait_for("events_lost")
        count = len(server.events("refused"))
        assert 0 < count < 300
        assert loss.fields == {"count": 300 - count}
        kernels.sendto(numbered_report(300), ours.getsockname())
        server.wait_for("refused", count + 1)
        assert len(server.events("events_lost")) == 1
        assert server.ask()["refusals"] == {"reported": True, "lost": 300 - count, "behind": False}


def test_events_have_the_fields_of_the_event_page(server):
    """Nothing is written that docs/events.md does not explain."""
    with server.dial() as sock:
        echo(sock, b"hello")
    server.stop()
    page = (HOME / "docs/events.md").read_text().partition("## Server")[2].partition("## Client")[0]
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `(\w+)` .*$", page, re.MULTILINE)}
    lines = server.events()
    assert {event.event for event in lines} == {
        "listening", "ready", "accepted", "message", "closed", "stopping", "stopped",
    }  # fmt: skip
    for event in lines:
        assert set(event.fields) <= set(re.findall(r"`(\w+)`", rows[event.event])), event
        assert (event.service, bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.ts))) == (
            "server",
            True,
        )


@pytest.mark.parametrize("mode", MODES)
def test_a_summary_has_no_line_for_a_connection(start, mode):
    """EVENTS=summary: nothing of connections and messages is written, and the account counts as ever."""
    server = start(mode, EVENTS="summary")
    for _ in range(3):
        server.check_service()
    server.wait_for_open(0)
    assert server.account() == {"open": 0, "accepted": 3, "refused": 0}
    assert server.stop() == 0
    names = {event.event for event in server.events()} - {"worker_started"}
    assert names == {"listening", "ready", "stopping", "stopped"}


def test_a_summary_has_the_sum_of_refusals_by_source(start):
    """What was told and what was counted agree, and what came last is told before the end."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours, EVENTS="summary")
        for number in range(500):
            kernels.send(numbered_report(number))
        assert server.account()["refused"] == 500
        kernels.send(numbered_report(500))
        assert server.stop() == 0
        sums = server.events("refusals")
        assert sum(event.fields["count"] for event in sums) == 501
        assert {event.fields["source"] for event in sums} == {"127.0.0.1"}
        assert len(sums) < 50, "a line for each would be no sum"
        assert server.events("refused") == []
        assert [event.event for event in server.events()[-3:]] == ["refusals", "stopping", "stopped"]
