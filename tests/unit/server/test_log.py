"""The server's log: whatever comes over the wire or from the kernel, it stays what docs/events.md says."""

from __future__ import annotations

import json
import re
import socket

from connlab.base.model import Event, events
from connlab.machine import events as log
from tests.unit.server.process import HOME, NFLOG, SOON, ask, dial, echo, heard, report, said


def test_garbage_stays_on_one_line(server):
    """Whatever bytes come, the log is printable ASCII, one JSON object a line, and they come back unchanged."""
    garbage = [
        bytes(range(32)),
        bytes(range(127, 256)),
        b"\n" * 9,
        b"\xf0\x9f\x92",
        b'"}\n{',
        "é\u2028".encode(),
    ]
    with dial(server) as sock:
        assert [echo(sock, message) for message in garbage] == garbage
    heard(server, "closed")
    raw = server.log.read_bytes()
    assert re.fullmatch(rb"[\x20-\x7e\n]*", raw)
    assert all(isinstance(json.loads(line), dict) for line in raw.splitlines())
    assert sum(event.fields["bytes"] for event in said(server, "message")) == sum(map(len, garbage))
    assert r"\x00\x01" in said(server, "message")[0].fields["text"]


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
    with dial(server) as sock:
        echo(sock, b"a" * 1000)
    heard(server, "closed")
    shown = said(server, "message")
    assert sum(event.fields["bytes"] for event in shown) == 1000
    assert max(len(event.fields["text"]) for event in shown) == 128


def test_text_lines_say_the_same_story(start):
    """LOG_FORMAT=text: no JSON, and every line is read back as its event."""
    plain = start(LOG_FORMAT="text")
    with dial(plain) as sock:
        echo(sock, b'two words and a "quote"\n')
    heard(plain, "closed")
    lines = plain.log.read_text().splitlines()
    assert not any(line.startswith("{") for line in lines)
    assert [Event.parse(line).event for line in lines] == [
        "listening",
        "ready",
        "accepted",
        "message",
        "closed",
    ]
    assert said(plain, "message")[0].fields["text"] == r'two words and a "quote"\x0a'


def test_refusals_are_told_as_they_are_reported(start):
    """Datagrams that a real kernel sent, through a descriptor as PID 1 hands it over: one event each."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours)
        for datagram in NFLOG["ipv4"] + NFLOG["ipv6"]:
            kernels.send(bytes.fromhex(datagram))
        told = [event.fields for event in heard(server, "refused", 4)]
        assert told == [
            {"source": "127.0.0.1", "source_port": 40003}, {"source": "127.0.0.1", "source_port": 40004},
            {"source": "127.0.0.1", "source_port": 40005}, {"source": "::1", "source_port": 40013},
        ]  # fmt: skip
        assert said(server, "events_lost") == []
        assert json.loads(ask(server).stdout)["sources"]["127.0.0.1"] == {
            "open": 0,
            "accepted": 0,
            "refused": 3,
        }


def test_a_gap_in_the_reports_is_told(start):
    """Two reports got lost between the first and the fourth: `events_lost` has their number."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours)
        for datagram in (NFLOG["ipv4"][0], NFLOG["ipv6"][0]):
            kernels.send(bytes.fromhex(datagram))
        heard(server, "refused", 2)
        assert [event.fields for event in said(server, "events_lost")] == [{"count": 2}]


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
            kernels.sendto(report(number), ours.getsockname())
        server = start(reports=ours)
        (lost,) = heard(server, "events_lost")
        told = len(said(server, "refused"))
        assert 0 < told < 300
        assert lost.fields == {"count": 300 - told}
        kernels.sendto(report(300), ours.getsockname())
        heard(server, "refused", told + 1)
        assert len(said(server, "events_lost")) == 1
        assert json.loads(ask(server).stdout)["refusals"] == {
            "reported": True,
            "lost": 300 - told,
            "behind": False,
        }


def test_events_have_the_fields_of_the_event_page(server):
    """Nothing is written that docs/events.md does not explain."""
    with dial(server) as sock:
        echo(sock, b"hello")
    server.process.terminate()
    server.process.wait(timeout=SOON)
    page = (HOME / "docs/events.md").read_text().partition("## Server")[2].partition("## Client")[0]
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `(\w+)` .*$", page, re.MULTILINE)}
    found = events(server.log.read_text())
    assert {event.event for event in found} == {
        "listening", "ready", "accepted", "message", "closed", "stopping", "stopped",
    }  # fmt: skip
    for event in found:
        assert set(event.fields) <= set(re.findall(r"`(\w+)`", rows[event.event])), event
        assert (event.service, bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.ts))) == (
            "server",
            True,
        )
