"""The lock of the user's cache folder: where it is, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from connlab.base import lock
from connlab.base.errors import NotFit


def fail() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_it_is_in_the_cache_folder(monkeypatch, tmp_path):
    """The control: the folder is made, for the user alone, and the lock can be taken again once it was given back."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):
        with lock.exclusive_lock("testing"):
            assert (tmp_path / "cache/connlab/lock").is_file()
    assert (tmp_path / "cache/connlab").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "place", ["a file", "below a file", "a folder where the lock is", "/proc", "no home", "a" * 300]
)
def test_a_cache_folder_that_cannot_be_used(monkeypatch, tmp_path, place):
    """Where, why, and what to do; the machine is not fit (exit status 3)."""
    (tmp_path / "a file").touch()
    (tmp_path / "a folder where the lock is" / "connlab" / "lock").mkdir(parents=True)
    where = {"below a file": "a file/below"}.get(place, place)
    monkeypatch.setenv("XDG_CACHE_HOME", where if where == "/proc" else str(tmp_path / where))
    if place == "no home":
        monkeypatch.setattr(Path, "home", fail)
        monkeypatch.delenv("XDG_CACHE_HOME")
    with (
        pytest.raises(NotFit, match=r"no file to lock can be made in .+: .+\n  next: XDG_CACHE_HOME="),
        lock.exclusive_lock("testing"),
    ):
        pytest.fail("it was locked")
