"""A row of `doctor`: a check's name, its result (PASS, WARN or FAIL), what it saw, and the fix."""

from __future__ import annotations

from connlab.base.errors import LabError

Row = dict[str, str]


def make_row(name: str, result: str, detail: str, fix: str = "") -> Row:
    """Make the row of a check."""
    return {"name": name, "result": result, "detail": detail, "fix": fix}


def failure(name: str, error: LabError) -> Row:
    """Make the row of a check that was refused; the refusal's next step is the fix."""
    return make_row(name, "FAIL", error.sentence, error.next_step)
