"""Which kernels miscount, at the edges of each window (docs/kernel.md, "Epochs")."""

from __future__ import annotations

import pytest

from connlab.base.settings import HOME
from connlab.kernel.bug_windows import HIDDEN, IN_BETWEEN, LOOPBACK, NARROW, SOMEWHERE, STALE, WINDOWS, window
from connlab.kernel.measured_kernels import MEASURED

CRASH = "nftables' connection count can crash the host before 4.19.10"
BETWEEN = f"{SOMEWHERE}: {LOOPBACK}"
EDGES = [
    # 6.1: Debian 12
    ("6.1.131", ""), ("6.1.132", STALE), ("6.1.159", STALE), ("6.1.160", LOOPBACK), ("6.1.164", LOOPBACK),
    ("6.1.165", NARROW), ("6.1.177", NARROW), ("6.1.178", ""),
    # 6.12: Debian 13
    ("6.12.19", ""), ("6.12.20", STALE), ("6.12.62", STALE), ("6.12.63", LOOPBACK), ("6.12.74", LOOPBACK),
    ("6.12.75", NARROW), ("6.12.96", NARROW), ("6.12.97", ""),
    # 5.10: Debian 11
    ("5.10.223", ""), ("5.10.224", BETWEEN), ("5.10.250", BETWEEN), ("5.10.251", LOOPBACK), ("5.10.252", BETWEEN),
    ("5.10.261", BETWEEN), ("5.10.262", ""),
    # 6.14 to 6.17, all of them
    ("6.13.99", ""), ("6.14.0", STALE), ("6.15.3", STALE), ("6.17.8", STALE), ("6.17.9", IN_BETWEEN),
    ("6.17.12", IN_BETWEEN), ("6.17.13", LOOPBACK),
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


@pytest.mark.parametrize("release", MEASURED)
def test_no_measured_kernel_contradicts_its_window(release):
    """Where a source was locked out, and where the limit never fired over loopback, a window says so, nowhere else."""
    measured, words = MEASURED[release], window(release)
    assert measured.locks_out == (STALE in words)
    assert measured.limits_loopback == ("over loopback" not in words)


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


def test_the_page_has_what_was_measured():
    """A row a kernel, in order of release, with its figures as they are in the data."""
    page = (HOME / "docs" / "kernel.md").read_text()
    for release, measured in MEASURED.items():
        bursts = " ".join(map(str, measured.bursts))
        loopback = ", ".join(f"{admitted}/{refused}" for admitted, refused in measured.loopback)
        assert f"| {release} | {bursts} | {measured.refused_alone} | {loopback} |" in page
