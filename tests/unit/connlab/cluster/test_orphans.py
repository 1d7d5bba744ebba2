"""Labs of a process that is gone: they are removed, those of one that runs, and of other names, are not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from connlab.cluster import engine_machine, hosts, orphans, removal

PREFIX = "connlab-scale-"


@pytest.mark.parametrize(
    ("here", "suffix", "ends"), [(True, "", [""]), (True, r"-\w", ["-x"]), (False, "", [])]
)
def test_only_labs_of_processes_that_are_gone_are_removed(
    monkeypatch: pytest.MonkeyPatch, here: bool, suffix: str, ends: list[str]
) -> None:
    """On this machine; whose process it was on an engine elsewhere nobody here knows."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f"{PREFIX}{number}" for number in (gone.pid, os.getpid(), f"{gone.pid}-x", "mine")]
    removed: list[str] = []
    monkeypatch.setattr(hosts, "projects", lambda prefix: {name for name in names if name.startswith(prefix)})
    monkeypatch.setattr(engine_machine, "is_here", lambda: here)
    monkeypatch.setattr(removal, "remove_project", removed.append)
    orphans.remove(PREFIX, suffix)
    assert removed == [f"{PREFIX}{gone.pid}{end}" for end in ends]
