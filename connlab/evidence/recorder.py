"""The memory: what the server host said before and after an experiment, kept in runs/ and compared."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.model import Event, events
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cluster.hosts import Host
from connlab.kernel import observe, policy
from connlab.kernel.observe import Snapshot

SETTLED = 5.0  # seconds for the server's log to catch up with the kernel's counter


@dataclasses.dataclass
class Seen:
    """The server before and after; the differences are the second witness of an experiment."""

    before: Snapshot
    after: Snapshot | None = None

    @property
    def refused(self) -> int:
        """How far the refusing rules' own packet counters moved. Raises `LabError` if they were changed meanwhile."""
        return policy.moved(self.before.ruleset, self._after.ruleset).certain

    def told(self, what: str, source: str | None = None) -> int:
        """How far the server's own count of `accepted` or `refused` moved, for one source or all."""
        return self._after.told(what, source) - self.before.told(what, source)

    def counters(self) -> dict[str, int]:
        """Every kernel counter (nstat) that moved, and how far."""
        moved = {name: self.counter(name) for name in self._after.counters}
        return {name: by for name, by in moved.items() if by}

    def counter(self, name: str) -> int:
        """How far a kernel counter (nstat) moved, `TcpExtListenOverflows` say."""
        return self._after.counters.get(name, 0) - self.before.counters.get(name, 0)

    @property
    def _after(self) -> Snapshot:
        assert self.after is not None, "the experiment is still running"
        return self.after


@contextlib.contextmanager
def watch(server: Host) -> Iterator[Seen]:
    """Look at the server before and after the block.

    The second look waits until the server has told of every refusal that the policy logged and of every
    connection that ss shows as accepted, because the process follows its kernel by a moment. If they never
    agree, one of the witnesses is wrong: raises `GaveUp`.
    """
    seen = Seen(observe.snapshot(server.run))
    yield seen
    seen.after = until(
        lambda: _agreeing(observe.snapshot(server.run), seen.before),
        "the server has told what the rule and ss(8) have counted",
        SETTLED,
    )


def _agreeing(now: Snapshot, before: Snapshot) -> Snapshot | None:
    refused = now.told("refused") - before.told("refused") == now.logged - before.logged
    refused = refused or bool(policy.moved(before.ruleset, now.ruleset).problem)
    accepted = now.told("open") == now.accepted(now.status["port"])
    return now if refused and accepted else None


def story(everyone: Iterable[Host], since: str) -> list[Event]:
    """What these hosts said since a moment (RFC 3339, UTC), in the order of time."""
    start = datetime.fromisoformat(since).timestamp()
    told = (event for host in everyone for event in events(host.log(since=start)) if event.ts >= since)
    return sorted(told, key=lambda event: event.ts)


class Run:
    """One run's folder, `runs/<UTC>/`; `runs/latest` is the newest. The user's alone; processes may share one."""

    def __init__(self, name: str, home: Path = HOME) -> None:
        self.folder = private_files.folder(private_files.folder(home / "runs") / name)
        new = home / "runs" / f".latest-{os.getpid()}"
        new.symlink_to(name)
        new.replace(home / "runs" / "latest")

    def keep(self, test: str, name: str, data: Any) -> Path:
        """Write `data` as JSON into the folder of a test; returns the folder."""
        folder = private_files.folder(self.folder / test)
        private_files.write(folder / f"{name}.json", json.dumps(data, indent=1, default=_plain))
        return folder


def _plain(value: Any) -> Any:
    # Not asdict(), which makes a Counter of a Counter's items.
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
