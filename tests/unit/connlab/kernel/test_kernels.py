"""Which kernels miscount, at the edges of each window (docs/kernel.md, "Epochs")."""

from __future__ import annotations

import pytest

from connlab.kernel.bug_windows import HIDDEN, LOOPBACK, NARROW, STALE, WINDOWS, window

CRASH = "nftables' connection count can crash the host before 4.19.10"
EDGES = [
    # 6.1: Debian 12
    ("6.1.131", ""), ("6.1.132", STALE), ("6.1.159", STALE), ("6.1.160", LOOPBACK), ("6.1.164", LOOPBACK),
    ("6.1.165", NARROW), ("6.1.177", NARROW), ("6.1.178", ""),
    # 6.12: Debian 13
    ("6.12.19", ""), ("6.12.20", STALE), ("6.12.62", STALE), ("6.12.63", LOOPBACK), ("6.12.74", LOOPBACK),
    ("6.12.75", NARROW), ("6.12.96", NARROW), ("6.12.97", ""),
    # 6.14 to 6.17, all of them
    ("6.13.99", ""), ("6.14.0", STALE), ("6.15.3", STALE), ("6.17.13", STALE),
    # 6.18
    ("6.18.0", LOOPBACK), ("6.18.13", LOOPBACK), ("6.18.14", NARROW), ("6.18.39", NARROW), ("6.18.40", ""),
    ("6.18.999", ""), ("6.19.0", NARROW), ("7.1.4", NARROW), ("7.1.5", ""),
    # a distribution that counts for itself
    ("6.1.0-44-amd64", HIDDEN), ("6.8.0-90-generic", HIDDEN), ("6.19.0", NARROW),
    # 4.x
    ("4.18.20", CRASH), ("4.19.9", CRASH), ("4.19.10", ""), ("3.10.0", CRASH),
]  # fmt: skip


@pytest.mark.parametrize(("release", "words"), EDGES)
def test_a_window_begins_and_ends_at_its_edges(release, words):
    """The first and the last release of a window are in it, their neighbours are not."""
    assert window(release) == words


def test_every_window_has_its_edges_above():
    """A window that is added without a row here is not tested."""
    tested = {release for release, _ in EDGES} | {"0.0.0", "6.17.999"}
    edges = {".".join(map(str, edge)) for first, last, _ in WINDOWS for edge in (first, last)}
    assert edges <= tested, f"without a row: {edges - tested}"


@pytest.mark.parametrize(
    "release", ["6.12.63", "6.12.63+deb13-amd64", "6.12.63-fc-v669", "6.12.63-rc1", "6.12.63.7"]
)
def test_what_a_distribution_appends_does_not_matter(release):
    """`uname -r` carries more than the version."""
    assert window(release) == LOOPBACK


def test_a_release_without_a_third_number_is_the_first_of_its_series():
    """`6.18-rc1` and `6.18` come before 6.18.1."""
    assert window("6.18-rc1") == window("6.18") == LOOPBACK


@pytest.mark.parametrize("release", ["", "unknown", "v6.18.0", "six"])
def test_what_is_no_release_is_in_no_window(release):
    """A name that cannot be read accuses no kernel."""
    assert window(release) == ""
