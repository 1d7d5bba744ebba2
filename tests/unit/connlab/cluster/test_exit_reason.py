"""The end of a container in words."""

from __future__ import annotations

import pytest

from connlab.cluster import exit_reason, readiness


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"ExitCode": 0, "OOMKilled": False, "Error": ""}, "exit status 0"),
        ({"ExitCode": 1}, "exit status 1"),
        ({"ExitCode": 137, "OOMKilled": False}, "exit status 137 (SIGKILL)"),
        ({"ExitCode": 139}, "exit status 139 (SIGSEGV)"),
        ({"ExitCode": 143}, "exit status 143 (SIGTERM)"),
        ({"ExitCode": 255}, "exit status 255"),
        (
            {"ExitCode": 137, "OOMKilled": True},
            "it reached its memory limit (OOM killer); exit status 137 (SIGKILL)",
        ),
        (
            {"ExitCode": 127, "OOMKilled": False, "Error": "no such program"},
            "exit status 127; the engine says: no such program",
        ),
    ],
)
def test_an_end_has_its_cause(state, words):
    """Exit status, signal, memory, and what the engine itself could not do."""
    assert exit_reason.describe_end(state) == words


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "it wrote nothing"),
        ("\n", "it wrote nothing"),
        ("Traceback\nKeyError: 'x'\n", "Traceback\nKeyError: 'x'"),
        (
            '{"ts":"t","service":"server","host":"server-1","event":"listen_failed","error":"taken"}\nmore\n',
            "taken",
        ),
    ],
)
def test_a_host_that_wrote_nothing_is_said_to(log, words):
    """Never a colon with nothing behind it; an event that says why comes first."""
    assert readiness.reason(log) == words
