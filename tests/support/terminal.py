"""A person at the `lab` command: a real pseudo-terminal, or a pipe, with deadlines on what it says."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator

from tests.support.laboratory import Lab
from tests.support.processes import knob_variables, lab_command

WITHIN = 30.0  # seconds


class Session:
    """A running `lab` command; `output` is where it writes, `keyboard` where it reads from."""

    def __init__(self, process: subprocess.Popen, output: int, keyboard: int) -> None:
        self._process = process
        self._output = output
        self._keyboard = keyboard

    def type(self, keys: str) -> None:
        """Type these keys."""
        os.write(self._keyboard, keys.encode())

    def until(self, text: str) -> str:
        """Return the output up to and with this text; an AssertionError with all of it if that does not come."""
        output = b""
        while text.encode() not in output:
            part = self._read(output)
            assert part, f"ended without {text!r}: {output.decode()}"
            output += part
        return output.decode()

    def rest(self) -> str:
        """Return all output that still comes, to the end."""
        output = b""
        while part := self._read(output):
            output += part
        return output.decode()

    def status(self) -> int:
        """Return the exit status, once the command has ended."""
        return self._process.wait(WITHIN)

    def _read(self, so_far: bytes) -> bytes:
        ready = select.select([self._output], [], [], WITHIN)[0]
        assert ready, f"nothing more within {WITHIN:g} s after: {so_far.decode()}"
        try:
            return os.read(self._output, 65_536)
        except OSError:  # EIO: nobody has the terminal open any more (pty(7))
            return b""


@contextlib.contextmanager
def terminal(lab: Lab, *argv: str, stdin: str | None = None) -> Iterator[Session]:
    """Run `lab ARGV` on a terminal of its own, which is closed at the end; with `stdin`, on pipes."""
    command = lab_command(*argv)
    environment = {**os.environ, **knob_variables(lab.settings), "TERM": "dumb"}
    if stdin is None:
        ours, theirs = pty.openpty()
        # A session leader takes the first terminal it opens as its own: then Ctrl-C and hang-up reach it.
        opener = (
            "import os,sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); os.execvp(sys.argv[1], sys.argv[1:])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", opener, *command],
            env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        session = Session(process, ours, ours)
    else:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        process.stdin.write(stdin.encode())
        process.stdin.close()
        session = Session(process, process.stdout.fileno(), -1)
    try:
        yield session
    finally:
        if stdin is None:
            os.close(ours)
        else:
            process.stdout.close()
        try:
            process.wait(WITHIN)
        finally:
            process.kill()
            process.wait()
