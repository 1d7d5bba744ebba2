"""The last lines of a run: which tests had not ended, and why others were skipped; hooks that note what has begun."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import pytest

BEGUN = dict[str, float]()  # tests that run, in any worker, and since when (time.monotonic)


@pytest.hookimpl(tryfirst=True)  # it is written down before it is printed: an interrupt may come in between
def pytest_runtest_logstart(nodeid: str) -> None:
    """Note that a test has begun; the process that reports hears it of all workers."""
    BEGUN[nodeid] = time.monotonic()


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Note that a test has ended."""
    BEGUN.pop(nodeid, None)


def skip_lines(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """Return a line for each reason why tests were skipped, and the command that changes it, if there is one."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    lines = [f"not run: {count} test{'s' * (count != 1)}: {reason}" for reason, count in reasons.items()]
    if any("`make tools`" in reason for reason in reasons):
        lines.append("next: make tools, then they are run")
    return lines


def unfinished_lines() -> list[str]:
    """Return a line for each test that ran when the run was interrupted, the longest first."""
    now = time.monotonic()
    return [
        f"had not ended after {now - since:.0f} s: {name}"
        for name, since in sorted(BEGUN.items(), key=lambda entry: entry[1])
    ]
