"""Variations, which `make test` leaves out (`-m 'not variation'`), and what a run's last lines say of them.

Each worker of pytest-xdist chooses from all tests, and reports how many it left out to the process that prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

VARIATION = pytest.mark.variation
LEFT_OUT = pytest.StashKey[int]()
REPORTED = "variations"  # in what a worker gives back when it ends


def then_variations(*values: Any) -> list[Any]:
    """Return the values of a parametrized test: the first is always run, the others are variations of it."""
    first, *others = values
    return [first, *variations(*others)]


def variations(*values: Any) -> list[Any]:
    """Return values of a parametrized test that are variations of those beside them."""
    return [_marked(value) for value in values]


def _marked(value: Any) -> Any:
    if isinstance(value, type(pytest.param())):
        return value._replace(marks=(*value.marks, VARIATION))
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=VARIATION)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the variations among the tests that are left out; who chooses tests by other means asked for those."""
    variations = [item for item in items if item.get_closest_marker("variation")]
    if variations and "variation" in variations[0].config.option.markexpr:
        stash = variations[0].config.stash
        stash[LEFT_OUT] = stash.get(LEFT_OUT, 0) + len(variations)


def report_of_worker(config: pytest.Config) -> None:
    """Write the count into what the worker gives back; nothing if this is no worker."""
    if hasattr(config, "workeroutput"):
        config.workeroutput[REPORTED] = config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over a worker's count, which is that of every worker; one that crashed gave none."""
    if count := getattr(node, "workeroutput", {}).get(REPORTED, 0):
        node.config.stash[LEFT_OUT] = count


def variation_lines(config: pytest.Config) -> list[str]:
    """Return how many variations were left out, and the command that runs them; no line if there were none."""
    count = config.stash.get(LEFT_OUT, 0)
    return (
        [f"not run: {count} variations (the same in other circumstances)", "next: make test-all"]
        if count
        else []
    )
