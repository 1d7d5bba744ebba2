"""The monitor: what a host's table says, what changed, and how long a state lasted at least and at most."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from connlab.base import probes
from connlab.base.errors import GaveUp
from connlab.kernel import reference_model
from connlab.kernel.socket_monitor import FourTuple, SocketMonitor, StateChange, counts_over_time, lifetimes
from probes import socket_monitor as program

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTEN = (
    "   0: 00000000:3039 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 5211 1 0 100 0\n"
)
ESTAB = "   1: 0200A8C0:3039 0400A8C0:E44A 01 00000000:00000000 00:00000000 00000000 10001 0 5212 1 0 20 4\n"
KEPT = "   1: 0200A8C0:3039 0400A8C0:E44A 05 00000000:00000000 02:000003E8 00000000     0 0 0 1 0 20 4\n"
SMALL = "   2: 0200A8C0:3039 0400A8C0:E44A 06 00000000:00000000 03:0000176F 00000000     0        0 0 3 0\n"
OURS, THEIRS = ["192.168.0.2", 12345], ["192.168.0.4", 58442]
PAIR = FourTuple(*OURS, *THEIRS)
SECOND = 10**9


def read_table(tmp_path, *lines: str) -> dict:
    """Return what the monitor makes of a table of these lines."""
    path = tmp_path / "tcp"
    path.write_text("".join(line.rstrip().ljust(149) + "\n" for line in (HEAD, *lines)))
    with path.open("rb") as file:
        return program.look(file.fileno())


@pytest.mark.skipif(sys.byteorder != "little", reason="the lines above were read on a little-endian machine")
def test_a_table_is_read(tmp_path) -> None:
    """States as ss writes them, addresses as people do; listeners are no connections."""
    assert list(program.changes({}, read_table(tmp_path, LISTEN, ESTAB))) == [[*OURS, *THEIRS, "ESTAB", None]]


@pytest.mark.skipif(sys.byteorder != "little", reason="the lines above were read on a little-endian machine")
@pytest.mark.parametrize(
    ("line", "state", "timer"),
    [(ESTAB, "ESTAB", None), (KEPT, "FIN-WAIT-2", 10.0), (SMALL, "TIME-WAIT", 59.99)],
)
def test_a_timer_is_read_where_the_kernel_waits_with_it(
    tmp_path, line: str, state: str, timer: float
) -> None:
    """In TIME_WAIT, and as an orphan in FIN_WAIT_2; in hundredths of a second."""
    assert list(program.changes({}, read_table(tmp_path, line))) == [[*OURS, *THEIRS, state, timer]]


@pytest.mark.parametrize("count", [0, 1, 25, 26, 27, 53, 54, 500])
def test_a_table_of_any_length_is_read_to_its_end(tmp_path, count: int) -> None:
    """In pages, as the kernel gives it: the last line of a full page is not the last of all."""
    lines = [SMALL.replace("E44A", f"{port:04X}") for port in range(40000, 40000 + count)]
    assert len(read_table(tmp_path, *lines)) == count


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no Linux")
def test_the_kernels_own_table_is_read_to_its_end() -> None:
    """A hundred connections of our own: each is found from both its ends, whatever else there is."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(100)]
            own_ports = {sock.getsockname()[1] for sock in sockets}
            table = os.open("/proc/net/tcp", os.O_RDONLY)
            stack.callback(os.close, table)
            ports = [program.address(local)[1] for local, _ in program.look(table)]
    assert own_ports <= set(ports)
    assert ports.count(port) == 100


def test_only_changes_are_told() -> None:
    """A new state, a socket that is gone; a timer that runs is none."""
    key = ("0200A8C0:3039", "0400A8C0:E44A")
    closing, later = {key: ("TIME-WAIT", 60.0)}, {key: ("TIME-WAIT", 59.0)}
    assert list(program.changes(closing, later)) == []
    assert [change[4:] for change in program.changes({key: ("ESTAB", None)}, closing)] == [
        ["TIME-WAIT", 60.0]
    ]
    assert [change[4:] for change in program.changes(closing, {})] == [[None, None]]


def test_the_program_runs_alone_and_ends_with_its_input() -> None:
    """Its text is all that a host is sent: `python3 -c`."""
    argv = [sys.executable, *probes.argv("socket_monitor", 10)[1:]]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        messages = [json.loads(running.stdout.readline()) for _ in range(2)]
        running.stdin.close()
        assert running.wait(timeout=10) == 0
    (never, start, end), (before, again, later) = (message["ns"] for message in messages)
    assert never == 0 < start < end <= again < later
    assert start <= before < again, (
        "the look before may be the first: others open sockets on this machine too"
    )
    assert later - end >= SECOND or messages[1]["changes"], (
        "it speaks when something changes, and once a second"
    )


class PreparedStream:
    """A stream that gives prepared looks."""

    def __init__(self, *messages: tuple[int, list[list[object]]]) -> None:
        self.lines = [
            json.dumps({"ns": [ns - 2, ns - 1, ns], "changes": changes}) for ns, changes in messages
        ]

    def read_line(self, _within: float) -> str:
        return self.lines.pop(0)


def entry(state: str | None, timer: float | None = None) -> list[object]:
    return [*PAIR, state, timer]


def test_a_socket_monitor_knows_what_there_is_now() -> None:
    """And stops reading as soon as the condition is true."""
    monitor = SocketMonitor(
        PreparedStream((0, [entry("ESTAB")]), (5, []), (9, [entry("TIME-WAIT", 60.0)]), (12, [entry(None)]))
    )
    assert monitor.now == {PAIR: "ESTAB"}
    assert monitor.until(lambda now: now[PAIR] == "TIME-WAIT", "it has closed", within=1)
    assert (monitor.ns, monitor.count()) == (9, {"TIME-WAIT": 1})
    monitor.up_to(10)
    assert (monitor.ns, monitor.now) == (12, {})


def test_a_socket_monitor_gives_up(monkeypatch) -> None:
    """With the reason, and what there is instead, once both clocks have gone on for so long."""
    monkeypatch.setattr("connlab.kernel.socket_monitor.time.monotonic", iter([0.0, 1.0, 3.0, 3.0]).__next__)
    monitor = SocketMonitor(PreparedStream((0, [entry("ESTAB")]), (SECOND, []), (3 * SECOND, [])))
    with pytest.raises(GaveUp, match=r"waiting until it has closed; there are .*'ESTAB': 1"):
        monitor.until(lambda now: not now, "it has closed", within=2)
    assert monitor.ns == 3 * SECOND


def test_looks_that_nobody_has_read_yet_are_no_time_that_was_waited() -> None:
    """The last one read is a minute old, because the caller did other things: its seconds begin now."""
    old = [(second * SECOND, []) for second in range(1, 61)]
    monitor = SocketMonitor(PreparedStream((0, [entry("ESTAB")]), *old, (61 * SECOND, [entry(None)])))
    assert monitor.until(lambda now: not now, "it has closed", within=5)


def test_a_caller_that_stood_still_reads_on(monkeypatch) -> None:
    """Our clock has gone on by far more, but not that of the looks: what they say is still to come."""
    monkeypatch.setattr("connlab.kernel.socket_monitor.time.monotonic", iter([0.0, 100.0, 100.0]).__next__)
    monitor = SocketMonitor(PreparedStream((0, [entry("ESTAB")]), (SECOND, []), (2 * SECOND, [entry(None)])))
    assert monitor.until(lambda now: not now, "it has closed", within=5)


CHANGES = [
    StateChange(0, 1 * SECOND, PAIR, "ESTAB", None),
    StateChange(1 * SECOND, 2 * SECOND, PAIR, "TIME-WAIT", 60.0),
    StateChange(61 * SECOND, 63 * SECOND, PAIR, None, None),
]


def test_a_life_is_known_to_within_its_looks() -> None:
    """At least from the first look that found it to the last; at most from the one before to the one after."""
    (life,) = lifetimes(CHANGES, "TIME-WAIT")
    assert (life.lower_bound, life.seconds, life.upper_bound) == (59, 61, 62)
    assert (life.four_tuple, life.start.timer) == (PAIR, 60.0)


def test_a_life_without_an_end_is_none() -> None:
    assert lifetimes(CHANGES[:2], "TIME-WAIT") == []


def test_levels_are_told_when_they_change() -> None:
    """Number by time, from the origin on."""
    assert counts_over_time(CHANGES, "TIME-WAIT", SECOND) == [(0.0, 0), (1.0, 1), (62.0, 0)]
    assert counts_over_time([*CHANGES[:1], StateChange(1, 2, PAIR, "CLOSE-WAIT", None)], "TIME-WAIT", 0) == [
        (1.0, 0)
    ]


@pytest.mark.parametrize(
    ("fin_timeout", "seconds"), [(1, 1), (15, 15), (60, 60), (61, 2), (70, 20), (120, 120)]
)
def test_the_prediction_for_orphans(fin_timeout: int, seconds: int) -> None:
    """The kernel's own arithmetic (T04, T06)."""
    assert reference_model.orphan_seconds(fin_timeout) == seconds


def test_the_prediction_for_ports() -> None:
    """Linux's 28,232 ports are 470 a second; each address has its own."""
    assert round(reference_model.sustained_rate(28_232)) == 471
    assert reference_model.sustained_rate(10, sources=3) == 3 * reference_model.sustained_rate(10)
    assert reference_model.timer_bounds(60) == (60, 67.5)
