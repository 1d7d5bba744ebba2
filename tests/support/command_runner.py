"""A host whose commands run through one `docker exec` that stays open, for a test that has many.

Each is a process of that host as before, and costs the machine a third: no shim, no runc and no call to the engine.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from connlab.base import probes
from connlab.cluster.host import CommandFailed, Host
from connlab.cluster.stream import PATIENCE, Stream, StreamClosed


@dataclass(frozen=True)
class RunnerHost(Host):
    """A host as it was listed, and its runner, once there is one."""

    runner: list[Stream] = field(default_factory=list, compare=False, repr=False)

    def run(self, argv: Sequence[str], user: str = "", within: float | None = None) -> str:
        """Run as `Host.run` does; another user's command, and one whose runner is gone, is an exec of its own."""
        if user:
            return super().run(argv, user, within)
        try:
            status, out, err = self._ask(argv, within or PATIENCE)
        except StreamClosed:
            self.forget()
            return super().run(argv, user, within)
        if status:
            raise CommandFailed(
                f"{self.name}: {shlex.join(argv)}: exit status {status}", err.strip() or out.strip()
            )
        return out

    def forget(self) -> None:
        """End the runner, if there is one."""
        while self.runner:
            self.runner.pop().close()

    def _ask(self, argv: Sequence[str], within: float) -> tuple[int, str, str]:
        if not self.runner:
            self.runner.append(self.stream(probes.argv("command_runner")))
        self.runner[0].write(json.dumps(list(argv)))
        status, out, err = json.loads(self.runner[0].read_line(within))
        return status, out, err


def runner_host(host: Host, runner: list[Stream]) -> RunnerHost:
    """Return the same host, with a runner that stays in this list."""
    return RunnerHost(host.id, host.service, host.number, host.address, host.state, host.uptime, runner)


@contextlib.contextmanager
def with_runner(host: Host) -> Iterator[RunnerHost]:
    """Return the same host, with a runner for as long as the block lasts."""
    copy = runner_host(host, [])
    try:
        yield copy
    finally:
        copy.forget()
