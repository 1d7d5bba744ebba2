"""The words: outcomes, attempts, and the lines that hosts write."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connlab.base.model import Attempt, Event, Outcome, events, tally

HOME = Path(__file__).parents[4]
ATTEMPT = {
    "number": 2, "conn": 3, "outcome": "established", "errno": None, "source": "172.30.0.4", "source_port": 46978,
    "target": "172.30.0.2", "target_port": 12345, "start_ns": 81234567890123, "us": 140, "closed_ns": None,
}  # fmt: skip


def test_outcomes_are_the_table_of_the_event_page():
    """The closed set in the code is the table that users read, in its order."""
    table = (HOME / "docs/events.md").read_text().partition("## Outcomes")[2]
    assert list(Outcome) == re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_an_attempt_is_what_the_agent_answers():
    """Every field of docs/agent.md arrives, and the outcome becomes one of the closed set."""
    attempt = Attempt.from_agent(ATTEMPT)
    assert attempt.outcome is Outcome.ESTABLISHED
    assert dataclasses.asdict(attempt) == ATTEMPT
    assert Attempt.from_agent({**ATTEMPT, "closed_ns": 5}).closed_ns == 5
    page = (HOME / "docs/agent.md").read_text()
    assert set(ATTEMPT) == set(re.split(r",\s*", re.search(r"`\{(number, conn, outcome[^}]*)\}`", page)[1]))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({**ATTEMPT, "outcome": "vanished"}, ValueError),
        ({**ATTEMPT, "outcome": None}, ValueError),
        ({**ATTEMPT, "surprise": 1}, TypeError),
        ({name: value for name, value in ATTEMPT.items() if name != "us"}, TypeError),
        ({name: value for name, value in ATTEMPT.items() if name != "outcome"}, KeyError),
    ],
)
def test_an_answer_that_this_version_does_not_know_is_loud(answer, error):
    """Nothing unknown is taken for something known: it is an error, not a default."""
    with pytest.raises(error):
        Attempt.from_agent(answer)


def test_a_tally_counts_each_outcome():
    """The sums of a batch; what did not happen counts nothing."""
    attempts = [
        Attempt.from_agent({**ATTEMPT, "outcome": word}) for word in ("refused", "established", "refused")
    ]
    assert tally(attempts) == {Outcome.REFUSED: 2, Outcome.ESTABLISHED: 1}
    assert tally([]) == {}


def test_a_json_line_is_an_event():
    """A line as the server wrote it."""
    line = (
        '{"ts": "2026-11-23T17:16:31.805147Z", "service": "server", "host": "server-1", "event": "refused", '
        '"source": "172.30.0.4", "source_port": 47048}'
    )
    expected = {"source": "172.30.0.4", "source_port": 47048}
    assert Event.parse(line) == Event(
        "2026-11-23T17:16:31.805147Z", "server", "server-1", "refused", expected
    )


def test_a_text_line_is_the_same_event():
    """LOG_FORMAT=text loses nothing: numbers are numbers, null is None, blanks and quotes survive."""
    line = (
        '2026-11-23T17:16:31.805147Z client-12 attempt outcome=timed_out source="10.0.0.9" '
        'errno=null us=2000140 text="say \\"a=b\\" twice" empty=""'
    )
    event = Event.parse(line)
    assert (event.service, event.host, event.event) == ("client", "client-12", "attempt")
    assert event.fields == {
        "outcome": "timed_out", "source": "10.0.0.9", "errno": None, "us": 2000140,
        "text": 'say "a=b" twice', "empty": "",
    }  # fmt: skip


def test_a_text_line_without_fields_is_an_event():
    """`ready` has nothing to add."""
    event = Event.parse("2026-11-23T17:16:31.805147Z server-1 ready")
    assert (event.event, event.fields) == ("ready", {})


WIRE = [b"hello", b"two words", b'"quoted"', b"a=b", b"\x00\xff\r\n\x1b[31m", "é ← ok".encode()]
WIRE += [b"\\x00", b"", b"\xc3", b"123", b"null", b"true", b"1e5", "é".encode()]


def written_events(log_format: str) -> list[Event]:
    """Read back what the server's own code writes of each message on the wire above."""
    script = (
        "import os\nfrom connlab.machine.events import configure, emit, escape\n"
        "configure('server', os.environ['LOG_FORMAT'])\n"
        "for w in %r: emit('message', text=escape(w))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script % WIRE],
        cwd=HOME,
        env={"LOG_FORMAT": log_format},
        capture_output=True,
        check=True,
    )
    assert not re.search(rb"[^\x20-\x7e\n\x80-\xff]", result.stdout), "a raw control byte reached the log"
    return events(result.stdout.decode())


def test_escaped_wire_bytes_stay_escaped():
    """A hostile message is harmless text on one line, and is read back as that text."""
    texts = [event.fields["text"] for event in written_events("json")]
    assert len(texts) == len(WIRE)
    assert texts[4] == r"\x00\xff\x0d\x0a\x1b[31m"
    assert texts[5] == "é ← ok"


def test_both_formats_say_the_same():
    """Whatever came from the wire, the text line and the JSON line are one event."""
    json_ = [event.fields for event in written_events("json")]
    text = [event.fields for event in written_events("text")]
    assert text == json_


@pytest.mark.parametrize(
    "line",
    [
        "", " ", "Traceback (most recent call last):", '  File "x.py", line 3, in f', "[]", "3", "null", '"ts"', "{",
        '{"ts": "2026-11-23T17:16:31.805147Z"}', "2026-11-23 17:16:31 server-1 ready", "server-1  | {}", "\x00\xff",
        '{"service": "server", "host": "server-1", "event": "ready"}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_event_is_none(line):
    """A traceback among the events does not stop whoever reads them."""
    assert Event.parse(line) is None


def test_a_log_is_its_events_in_order():
    """Junk between events is left out, nothing else is."""
    lines = [
        json.dumps({"ts": "t", "service": "server", "host": "server-1", "event": name}) for name in "abc"
    ]
    log = "\n".join([lines[0], "Traceback", lines[1], "", lines[2], '{"ts": "cut o'])
    assert [event.event for event in events(log)] == ["a", "b", "c"]
