"""A command on a host that answers more than once: with a line, and with one more for each line that it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from connlab.cluster.host import Host
from connlab.cluster.stream import PATIENCE, Stream, StreamClosed


class RepeatedCommand:
    """A host whose one command is started once and asked as often as one likes: one `docker exec` for all answers.

    A host that does not run at the second question, or whose command is gone, is asked as `Host.run` asks: what is
    wrong with it is then said in the words of a first question.
    """

    def __init__(self, host: Host) -> None:
        """Start nothing yet."""
        self.host = host
        self.name = host.name
        self._stream: Stream | None = None

    def run(self, argv: Sequence[str]) -> str:
        """Return the command's next answer; `argv` is always the same. Raises as `Host.run`, and `GaveUp`."""
        try:
            if self._stream is None:
                self._stream = self.host.stream(argv)
                return self._stream.read_line(PATIENCE)
            if self.host.inspect()["State"]["Status"] == "running":
                self._stream.write("")
                return self._stream.read_line(PATIENCE)
        except StreamClosed:
            pass
        self.close()
        return self.host.run(argv)

    def close(self) -> None:
        """End the command, if it was started."""
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> RepeatedCommand:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
