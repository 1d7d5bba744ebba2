"""The last lines of a run: which tests had not ended, and why others were skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest


def skip_lines(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """Return a line for each reason why tests were skipped, and the command that changes it, if there is one."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    lines = [f"not run: {count} test{'s' * (count != 1)}: {reason}" for reason, count in reasons.items()]
    if any("`make tools`" in reason for reason in reasons):
        lines.append("next: make tools, then they are run")
    return lines


def unfinished_lines(begun: Mapping[str, float], now: float) -> list[str]:
    """Return a line for each test that ran when the run was interrupted, the longest first; `begun` in seconds."""
    return [
        f"had not ended after {now - since:.0f} s: {name}"
        for name, since in sorted(begun.items(), key=lambda entry: entry[1])
    ]
