"""The lab's log: merged by time, a colour for each host, nothing that is null."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connlab.cli.show import logs as show
from connlab.cluster import logs
from connlab.cluster.host import Host

SERVER = Host("s", "server", 1, "10.0.0.2", "running", "Up")
CLIENT = Host("c", "client", 1, "10.0.0.3", "running", "Up")
AT = "2026-11-23T16:45:28."


def event(moment: str, **fields: object) -> str:
    return json.dumps({"ts": f"{AT}{moment}Z", "service": "server", "host": "server-1", **fields})


WRITTEN = {
    "s": [
        f"{AT}300001000Z {event('300000', event='accepted', source='10.0.0.3', errno=None, text='a b')}",
        f"{AT}400001000Z Traceback (most recent call last):",
    ],
    "c": [
        f"{AT}299999999Z {event('299999', event='attempt', us=5, errno=None)}",
        f'{AT}500000000Z {{"ts": 5}}',
    ],
}


class Engine:
    """The engine's log of each host, as the SDK gives it."""

    @property
    def api(self):
        return self

    def logs(
        self,
        host: str,
        *,
        timestamps: bool,
        stream: bool = False,
        follow: bool = False,
        since: int | None = None,
    ):
        raw = "".join(f"{line}\n" for line in WRITTEN[host]).encode()
        return iter([raw[:40], raw[40:]]) if stream else raw

    def events(self, *, filters: dict[str, str]):
        return iter([b"{}"])


@pytest.fixture(autouse=True)
def _engine(monkeypatch):
    monkeypatch.setattr(logs, "client", Engine)


def test_hosts_are_merged_by_time(capsys):
    """By what each event says of itself; a line that is no event by when the engine had it."""
    log = show.Log()
    for line in logs.history([SERVER, CLIENT]):
        log.show(line)
    assert capsys.readouterr().out.splitlines() == [
        "16:45:28.299999 client-1  attempt us=5",
        '16:45:28.300000 server-1  accepted source=10.0.0.3 text="a b"',
        "16:45:28.400001 server-1  | Traceback (most recent call last):",
        '16:45:28.500000 client-1  | {"ts": 5}',
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("fin", "fin"),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ("5", '"5"'),
        ("null", '"null"'),
        ("é", "é"),
        (5, "5"),
    ],
)
def test_a_field_is_written_as_hosts_write_it(value, written) -> None:
    """In the text format of docs/events.md, in which the number 5 and the text "5" differ."""
    assert show.event_words("tally", {"value": value}) == f"tally value={written}"


def test_each_host_has_its_colour(capsys, monkeypatch):
    """At a terminal; the same one for all its lines."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    log = show.Log()
    for line in logs.history([SERVER, CLIENT]):
        log.show(line)
    output = capsys.readouterr().out
    assert [output.count("\x1b[36mclient-1"), output.count("\x1b[32mserver-1")] == [2, 2]


def test_it_is_data_too(capsys):
    """An object a line, with what is null."""
    for line in logs.history([SERVER]):
        show.as_json(line)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["event"], first["errno"], first["host"]) == ("accepted", None, "server-1")
    assert second["text"] == "Traceback (most recent call last):"


def test_who_follows_gets_what_was_not_told_yet(monkeypatch):
    """Every line once, to the end of the last host; a host whose log ended is looked for again."""
    earlier = [line for line in logs.history([SERVER, CLIENT]) if line.event]
    running = [[SERVER, CLIENT], *[[]] * 9]
    monkeypatch.setattr(logs.hosts, "find", lambda project, service: running.pop(0))
    followed = [line.text for line in logs.follow("connlab", None, earlier)]
    assert sorted(followed) == ["Traceback (most recent call last):", '{"ts": 5}']


def test_a_paused_host_is_followed_too(monkeypatch):
    """It says nothing now, and goes on with the same log: nobody starts it, so nothing else would tell."""
    running = [[replace(CLIENT, state="paused"), replace(SERVER, state="exited")], *[[]] * 9]
    monkeypatch.setattr(logs.hosts, "find", lambda project, service: running.pop(0))
    assert {line.host.name for line in logs.follow("connlab", None, [])} == {"client-1"}
