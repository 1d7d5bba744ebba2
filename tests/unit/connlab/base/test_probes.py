"""How a command is told, whose program travels with it."""

import shlex

from connlab.base import probes


def test_a_command_is_told_in_one_line() -> None:
    """A refusal whose first line is printed, as a cell of the matrix has it, keeps what comes after the command."""
    told = probes.command_line([*probes.argv("killed_emulator"), "a b"])
    assert told == """python3 -S -E -c '\"""Kills QEMU, wherever it runs in this container.\"""...' 'a b'"""


def test_a_command_of_one_line_is_told_whole() -> None:
    """It can be pasted to a shell."""
    argv = ["sh", "-c", "echo 'it is' > /tmp/x"]
    assert shlex.split(probes.command_line(argv)) == argv
