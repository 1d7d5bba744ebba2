"""What several kernels come to together: exit status, time, what is kept."""

from __future__ import annotations

import json
import stat

import pytest

from connlab.kernels.archive import Kernel
from connlab.trial import each_kernel
from connlab.trial.trial import exit_status
from tests.support.trial_answers import answer, row

FAILED = answer(expectations=[{"text": "x", "holds": False, "got": "y"}])
LACKING = answer(ports=[row(cannot_run="the kernel has no `x`")])


def one(status: str = "tried", of: object = None) -> dict[str, object]:
    """Return the entry of a kernel."""
    return {"status": status, "answer": of if of or status != "tried" else answer()}


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([one(), one()], 0),
        ([one(), one(of=FAILED)], 1),
        ([one(of=FAILED), one("cannot run")], 3),
        ([one(of=LACKING), one(of=FAILED)], 3),
        ([one("gave up"), one("cannot run")], 4),
    ],
)
def test_the_exit_status_is_the_highest(rows, status):
    """A kernel that was not tried is no success."""
    assert each_kernel.exit_status({"kernels": rows}, exit_status) == status


def test_it_says_how_long_it_takes():
    """Of many kernels minutes."""
    kernels = [Kernel(f"6.12.{number}", (), ("p",)) for number in range(50)]
    assert "50 kernels, 2 at a time: a small file takes about" in each_kernel.announcement(kernels)
    few, many = (int(each_kernel.announcement(kernels[:n]).split("about ")[1].split()[0]) for n in (2, 50))
    assert many > 10 * few


def test_what_was_compared_is_the_users_alone(tmp_path):
    """In a folder that no verb takes for a trial."""
    folder = each_kernel.keep({"schema": 1, "kernels": [], "findings": []}, tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert json.loads((folder / each_kernel.FILE).read_text())["kernels"] == []
    assert not folder.name.endswith("-try")
