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
from tests.support.processes import lab_command

WITHIN = 30.0  # seconds


class Session:
    """A running `lab` command; `output` is where it writes, `keyboard` where it reads from."""

    def __init__(self, process: subprocess.Popen, output: int, keyboard: int) -> None:
        self._process = process
        self._output = output
        self._keyboard = keyboard

    def type(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def until(self, wanted: str) -> str:
        """What is said up to and with `wanted`; an AssertionError with all of it if that does not come."""
        said = b""
        while wanted.encode() not in said:
            part = self._read(said)
            assert part, f"ended without {wanted!r}: {said.decode()}"
            said += part
        return said.decode()

    def rest(self) -> str:
        """All that is still said, to the end."""
        said = b""
        while part := self._read(said):
            said += part
        return said.decode()

    def status(self) -> int:
        return self._process.wait(WITHIN)

    def _read(self, so_far: bytes) -> bytes:
        ready = select.select([self._output], [], [], WITHIN)[0]
        assert ready, f"nothing more within {WITHIN:g} s after: {so_far.decode()}"
        try:
            return os.read(self._output, 65_536)
        except OSError:  # EIO: nobody has the terminal open any more (pty(7))
            return b""


def knob_variables(lab: Lab) -> dict[str, str]:
    """The knobs of a test's lab as its person would have typed them: not the whole menu."""
    return {name: lab.settings.values[name] for name in lab.settings.given}


@contextlib.contextmanager
def terminal(lab: Lab, *argv: str, stdin: str | None = None) -> Iterator[Session]:
    """`lab ARGV` on a terminal of its own, which is closed at the end; with `stdin`, on pipes."""
    command = lab_command(*argv)
    environment = {**os.environ, **knob_variables(lab), "TERM": "dumb"}
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
