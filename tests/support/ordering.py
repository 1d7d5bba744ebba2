"""Which tests share a worker, and in which order folders begin."""

from __future__ import annotations

import pytest

from connlab.base.settings import HOME

# After the tests of the crowd, which keep one worker for most of a run: what waits longest begins first, and what
# takes moments comes last, so that no worker is left with a long story then.
ORDER = (
    "time_wait",
    "kernels",
    "trial",
    "faults",
    "experiments",
    "hosts",
    "verbs",
    "compose",
    "report",
    "unit",
)
# Whose tests have a trial each, which waits more than it works: spread over all workers.
APART = {"test_documents.py", "test_policies.py", "test_script_kinds.py"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Run tests that share the crowd, or recordings, in one worker; all others wherever there is room."""
    if "crowd" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.xdist_group("crowd"))
    elif "time_wait" in item.path.parts:
        item.add_marker(pytest.mark.xdist_group("time_wait"))
    elif {"trial", "unit"}.intersection(item.path.parts) and not item.get_closest_marker("xdist_group"):
        # A trial is its module's. By file, and mode: xdist's scheduler walks through all groups that a worker had; a
        # thousand cost it 20 s.
        mode = getattr(getattr(item, "callspec", None), "params", {}).get("mode", "")
        own = item.nodeid if item.path.name in APART else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(f"{own}{mode}"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the crowd's tests first, then folders in their ORDER; xdist keeps it with --no-loadscope-reorder."""

    def key(item: pytest.Item) -> tuple[bool, int]:
        top = item.path.parts[len(HOME.parts) + 1 :][:1]  # tests/unit has a folder for kernels, too
        folder = next((n for n, folder in enumerate(ORDER) if folder in top), 0)
        return "crowd" not in getattr(item, "fixturenames", ()), folder

    items.sort(key=key)
