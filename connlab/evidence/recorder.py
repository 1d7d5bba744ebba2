"""Snapshots of the server before and after an experiment, their differences, and the folder of a run in runs/."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.model import Event, events
from connlab.base.settings import HOME
from connlab.base.wait import until
from connlab.cluster.host import Host
from connlab.kernel import policy, snapshot
from connlab.kernel.snapshot import Snapshot

SETTLED = 5.0  # seconds for the server's log to catch up with the kernel's counter


@dataclasses.dataclass
class SnapshotDiff:
    """Two snapshots of the server, before and after an experiment; the differences are its second witness."""

    before: Snapshot
    after: Snapshot | None = None

    @property
    def refused(self) -> int:
        """How far the refusing rules' own packet counters moved. Raises `LabError` if they were changed meanwhile."""
        return policy.packets_between(self.before.ruleset, self._after.ruleset).certain

    def reported(self, what: str, source: str | None = None) -> int:
        """Return by how much the server's own count of `accepted` or `refused` grew, for one source or all."""
        return self._after.reported(what, source) - self.before.reported(what, source)

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
def diff_snapshots(server: Host) -> Iterator[SnapshotDiff]:
    """Take a snapshot of the server before the block and one after it.

    The second is taken again until the server has reported every refusal that the policy logged and every connection
    that ss(8) shows as accepted, because the process follows its kernel by a moment. Raises `GaveUp` if they do not
    agree within `SETTLED` seconds: then one of the witnesses is wrong.
    """
    diff = SnapshotDiff(snapshot.take_snapshot(server.run))
    yield diff
    diff.after = until(
        lambda: _agreeing(snapshot.take_snapshot(server.run), diff.before),
        "the server has reported what the rule and ss(8) have counted",
        SETTLED,
    )


def _agreeing(after: Snapshot, before: Snapshot) -> Snapshot | None:
    refused = after.reported("refused") - before.reported("refused") == after.logged - before.logged
    refused = refused or bool(policy.packets_between(before.ruleset, after.ruleset).problem)
    accepted = after.reported("open") == after.accepted(after.status["port"])
    return after if refused and accepted else None


def read_events(everyone: Iterable[Host], since: str) -> list[Event]:
    """Read the events of these hosts since a moment (RFC 3339, UTC), in the order of time."""
    start = datetime.fromisoformat(since).timestamp()
    later = (event for host in everyone for event in events(host.log(since=start)) if event.ts >= since)
    return sorted(later, key=lambda event: event.ts)


class RunFolder:
    """One run's folder, `runs/<UTC>/`; `runs/latest` is the newest. The user's alone; processes may share one."""

    def __init__(self, name: str, home: Path = HOME) -> None:
        self.folder = private_files.folder(private_files.folder(home / "runs") / name)
        private_files.lead("latest", self.folder)

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
