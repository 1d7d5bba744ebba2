"""Sandboxes that serve one trial after another: most tests of trials are about rules, not about a container's life."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from connlab.base.settings import Settings
from connlab.cluster import sandbox
from connlab.cluster.stream import Stream

SECONDS = 3600  # a run of the tests is shorter


class Counted:
    """A stream that knows how many answers are still to come."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self.open = stream, 0

    def write(self, line: str) -> None:
        """Send a request."""
        self.open += 1
        self._stream.write(line)

    def read_line(self, within: float) -> str:
        """Read an answer."""
        line = self._stream.read_line(within)
        self.open -= 1
        return line


class Sandboxes:
    """One sandbox for rules, one for scripts; a trial that fails, or leaves answers behind, takes its own with it."""

    def __init__(self) -> None:
        self._idle: dict[int, tuple[contextlib.ExitStack, Stream]] = {}

    @contextlib.contextmanager
    def sandbox(self, settings: Settings, seconds: int, processes: int = 512) -> Iterator[Counted]:
        """Give a sandbox as connlab.cluster.sandbox does, to one at a time; `seconds` is how long it may take."""
        assert seconds < SECONDS
        stack, stream = self._idle.pop(processes, None) or self._start(settings, processes)
        counted = Counted(stream)
        try:
            yield counted
        except BaseException:
            stack.close()
            raise
        if counted.open or processes in self._idle:
            stack.close()
        else:
            self._idle[processes] = stack, stream

    def close(self) -> None:
        """Remove those that are there."""
        for stack, _ in self._idle.values():
            stack.close()
        self._idle.clear()

    def _start(self, settings: Settings, processes: int) -> tuple[contextlib.ExitStack, Stream]:
        stack = contextlib.ExitStack()
        return stack, stack.enter_context(sandbox.sandbox(settings, SECONDS, processes))
