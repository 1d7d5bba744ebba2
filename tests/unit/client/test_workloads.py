"""The workloads: what each dials, holds and tells."""

import signal
import socket
import struct

import pytest

from connlab.base.wait import until
from tests.support.ports import free_port
from tests.support.processes import write_program
from tests.unit.client.processes import WITHIN, accept, first, lines, listening


def test_burst_tells_each_attempt_and_the_tally(run, echo):
    """Every dial is established, its message comes back through the greeting, and the round is summed up."""
    events = lines(run("-m", "client", PORT=str(echo), DIALS="3").stdout)
    assert next(events)["event"] == "ready"
    assert [next(events)["outcome"] for _ in range(3)] == ["established"] * 3
    tally = next(events)
    assert (tally["attempts"], tally["established"], tally["echoed"]) == (3, 3, 3)


def test_burst_outlives_its_server(run):
    """No server, then one that resets: outcomes, not errors."""
    port = free_port()
    process = run("-m", "client", PORT=str(port), DIALS="1", PERIOD="0.05")
    events = lines(process.stdout)
    host = next(events)["host"]
    assert first(events, "attempt")["outcome"] == "refused"
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(WITHIN)
        connection = accept(listener)
        with connection:
            assert connection.recv(64) == f"hello from {host} 1".encode()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset = next(event for event in events if event.get("outcome") not in (None, "refused"))
    assert (reset["outcome"], reset["errno"]) == ("reset", "ECONNRESET")


def test_hold_keeps_and_redials(run):
    """A lost connection is dialled again at the next beat; a stop closes them all with FIN."""
    with listening() as (listener, port):
        process = run("-m", "client", WORKLOAD="hold", PORT=str(port), DIALS="2", PERIOD="0.05")
        events = lines(process.stdout)
        closed, open_connection = accept(listener), accept(listener)
        assert first(events, "held")["count"] == 2
        closed.close()
        with open_connection, accept(listener) as again:
            assert first(events, "tally")["attempts"] == 1
            assert first(events, "held")["count"] == 2
            process.terminate()
            assert (open_connection.recv(1), again.recv(1)) == (b"", b"")
        assert [event["event"] for event in events] == ["stopping", "released"]
    assert process.wait(WITHIN) == 0


def test_churn_tallies_each_period(run, echo):
    """One connection at a time, summed up once a period, every message echoed."""
    events = lines(run("-m", "client", WORKLOAD="churn", PORT=str(echo), PERIOD="0.1").stdout)
    attempts = 0
    while attempts <= 1:  # how many fit into a period is the machine's business
        tally = first(events, "tally")
        attempts = tally["attempts"]
        assert attempts == tally["established"] == tally["echoed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_a_round(run, number):
    """The server never echoes; the workload stops all the same, with no tally, and exits 0."""
    with listening() as (listener, port):
        process = run("-m", "client", PORT=str(port), DIALS="1")
        with accept(listener):
            process.send_signal(number)
            events = list(lines(process.stdout))
    assert [event["event"] for event in events] == ["ready", "stopping"]
    assert events[-1]["signal"] == number.name
    assert process.wait(WITHIN) == 0


def test_idle_only_waits(run):
    """Ready, then nothing until the signal."""
    process = run("-m", "client", WORKLOAD="idle")
    events = lines(process.stdout)
    assert next(events)["workload"] == "idle"
    process.terminate()
    assert [event["event"] for event in events] == ["stopping"]
    assert process.wait(WITHIN) == 0


def test_idle_leaves_no_sleep_behind(run, tmp_path):
    """Nor one that cannot be asked to end: what holds the output open is gone when the client is."""
    write_program(tmp_path / "sleep", 'trap \'\' TERM\n: >"$0.deaf"\nexec /bin/sleep "$@"')
    process = run("-m", "client", WORKLOAD="idle", PATH=f"{tmp_path}:/usr/bin:/bin")
    events = lines(process.stdout)
    assert next(events)["event"] == "ready"
    until((tmp_path / "sleep.deaf").exists, "its sleep hears no SIGTERM", within=WITHIN)
    process.terminate()
    assert [event["event"] for event in events] == ["stopping"]


def test_a_bad_knob_stops_at_once(run):
    """One line on stderr, nothing on stdout, exit 2."""
    process = run("-m", "client", DIALS="-1")
    output, _ = process.communicate(timeout=WITHIN)
    assert (process.returncode, output) == (2, b"")
    assert process.log.read_text() == "connlab client: DIALS='-1' is not a whole number from 1 to 20000\n"
