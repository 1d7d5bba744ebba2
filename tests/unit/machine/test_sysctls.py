"""Kernel settings: what a profile declares against what a host has, played by a folder.

Both hosts look at their own, and refuse to start where they differ. What is declared, the lab has read for them.
"""

from __future__ import annotations

import pytest

from connlab.cluster import profiles
from connlab.machine import sysctls

RECYCLE, REUSE, FIN = (f"net.ipv4.tcp_{name}" for name in ("tw_recycle", "tw_reuse", "fin_timeout"))


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """Return a function that gives keys to a host's /proc/sys."""
    monkeypatch.setattr(sysctls, "PROC", f"{tmp_path}/")

    def has(**keys: str) -> None:
        (tmp_path / "net/ipv4").mkdir(parents=True, exist_ok=True)
        for name, value in keys.items():
            (tmp_path / "net/ipv4" / name).write_text(value)

    return has


@pytest.fixture
def states(tmp_path, monkeypatch):
    """Return a function that reads a profile on a disk: {key: (declared, effective, state)}."""
    monkeypatch.setattr(sysctls.files, "HOME", tmp_path)
    (tmp_path / "sysctl").mkdir()

    def read(conf: str) -> dict[str, tuple[str, str | None, str]]:
        (tmp_path / "sysctl/own.conf").write_text(conf)
        return {key["key"]: (key["declared"], key["effective"], key["state"]) for key in sysctls.read("own")}

    return read


def test_the_article_s_profile_on_a_modern_kernel(proc, states):
    """Two keys are set, and the one that Linux 4.12 removed is told as absent."""
    proc(tcp_tw_reuse="1\n", tcp_fin_timeout="15\n")
    assert states(profiles.conf("article")) == {
        RECYCLE: ("1", None, "absent"), REUSE: ("1", "1", "applied"), FIN: ("15", "15", "applied"),
    }  # fmt: skip


def test_a_key_with_another_value_differs(proc, states):
    """A host that is not what it claims: declared and effective are both told."""
    proc(tcp_tw_reuse="1\n", tcp_fin_timeout="60\n")
    assert states(profiles.conf("article"))[FIN] == ("15", "60", "differs")


def test_an_old_kernel_that_has_the_removed_key_differs(proc, states):
    """Where tcp_tw_recycle exists it is not set, and that is said."""
    proc(tcp_tw_recycle="0\n", tcp_tw_reuse="1\n", tcp_fin_timeout="15\n")
    assert states(profiles.conf("article"))[RECYCLE] == ("1", "0", "differs")


def test_blanks_between_numbers_do_not_matter(proc, states):
    """/proc separates with tabs what a profile separates with blanks."""
    proc(tcp_rmem="4096\t8192\t16384\n")
    assert states("net.ipv4.tcp_rmem = 4096 8192 16384\n") == {
        "net.ipv4.tcp_rmem": ("4096 8192 16384", "4096 8192 16384", "applied")
    }


def test_a_key_that_may_not_be_read_is_said_to_be_unreadable(states):
    """Neither applied nor absent. This one, of this machine's own kernel, is for writing only, root's too."""
    key = "net.ipv4.route.flush"
    assert states(f"{key} = 1\n") == {key: ("1", None, "unreadable")}
