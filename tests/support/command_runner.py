"""A host whose commands run through one `docker exec` that stays open, for a test that has many.

Each is a process of that host as before, and costs the machine a third: no shim, no runc and no call to the engine.
What takes a snapshot of a server stays too, and is asked again by a line (server/sample.py): half of it is its start.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from connlab.base import probes
from connlab.cluster.host import CommandFailed, Host
from connlab.cluster.stream import PATIENCE, Stream, StreamClosed
from connlab.kernel.snapshot import SAMPLE

RUNNER = tuple(probes.argv("command_runner"))
Streams = dict[tuple[str, ...], Stream]  # by the command that is at the other end


@dataclass(frozen=True)
class RunnerHost(Host):
    """A host as it was listed, and its streams, once there are any: of the runner, and of what takes snapshots."""

    streams: Streams = field(default_factory=dict, compare=False, repr=False)

    def run(self, argv: Sequence[str], user: str = "", within: float | None = None) -> str:
        """Run as `Host.run` does; another user's command, and one whose runner is gone, is an exec of its own."""
        if user:
            return super().run(argv, user, within)
        try:
            if tuple(argv[: len(SAMPLE)]) == SAMPLE:
                return self._sample(tuple(argv), within or PATIENCE)
            status, out, err = self._ask(argv, within or PATIENCE)
        except StreamClosed:
            self.forget()
            return super().run(argv, user, within)
        if status:
            raise CommandFailed(
                f"{self.name}: {probes.command_line(argv)}: exit status {status}", err.strip() or out.strip()
            )
        return out

    def forget(self) -> None:
        """End the runner, and what takes snapshots."""
        while self.streams:
            self.streams.popitem()[1].close()

    def _sample(self, argv: tuple[str, ...], within: float) -> str:
        if argv in self.streams:
            self.streams[argv].write("")
        else:
            self.streams[argv] = self.stream(argv)
        return self.streams[argv].read_line(within)

    def _ask(self, argv: Sequence[str], within: float) -> tuple[int, str, str]:
        runner = self.streams.get(RUNNER) or self.stream(RUNNER)
        self.streams[RUNNER] = runner
        runner.write(json.dumps(list(argv)))
        status, out, err = json.loads(runner.read_line(within))
        return status, out, err


def runner_host(host: Host, streams: Streams) -> RunnerHost:
    """Return the same host, whose streams stay in this dictionary."""
    return RunnerHost(host.id, host.service, host.number, host.address, host.state, host.uptime, streams)


@contextlib.contextmanager
def with_runner(host: Host) -> Iterator[RunnerHost]:
    """Return the same host, with a runner for as long as the block lasts."""
    copy = runner_host(host, {})
    try:
        yield copy
    finally:
        copy.forget()
