"""A command that is run to its end: how it ended, and all that it wrote on either stream."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from server import commands

BYTES = 1 << 20  # sixteen times what a pipe holds


def test_both_streams_and_the_exit_status_are_told():
    """Its standard input is what was given, and nothing of ours if nothing was."""
    argv = ["sh", "-c", "cat; echo why >&2; exit 3"]
    assert commands.run(argv, "wörd\n") == (argv, 3, "wörd\n", "why\n")
    assert commands.run(["cat"]) == (["cat"], 0, "", "")


def test_more_than_a_pipe_holds_on_both_streams():
    """Whichever it fills first, it does not wait for a reader."""
    script = f"import sys; sys.stderr.write('e' * {BYTES}); sys.stdout.write('o' * {BYTES})"
    result = commands.run([sys.executable, "-S", "-E", "-c", script])
    assert (result.status, result.output, result.error) == (0, "o" * BYTES, "e" * BYTES)


def test_a_command_that_a_signal_ends():
    """The negative number of the signal, as subprocess has it."""
    assert commands.run(["sh", "-c", "kill -9 $$"]).status == -9


def test_a_command_that_is_not_there():
    """An OSError, which says what the reason is."""
    with pytest.raises(FileNotFoundError):
        commands.run(["no-such-command"])


def test_nothing_is_left_open(tmp_path):
    """Neither by one that ended nor by one that never began."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    commands.run(["true"])
    with pytest.raises(PermissionError):
        commands.run([str(tmp_path)])
    assert len(list(Path("/proc/self/fd").iterdir())) == before
