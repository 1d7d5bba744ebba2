"""What was tried and is good: kept for the same inputs only, and never in the way."""

from __future__ import annotations

from connlab.cluster import preflight_cache


def test_what_was_kept_is_good_and_nothing_else(monkeypatch, tmp_path):
    """Another image, key or engine is other inputs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert not preflight_cache.good("engine 1, image a")
    preflight_cache.keep("engine 1, image a")
    assert preflight_cache.good("engine 1, image a")
    assert not preflight_cache.good("engine 2, image a")
    (folder,) = (tmp_path / "connlab").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_without_a_folder_everything_is_tried_again(monkeypatch, tmp_path):
    """A cache folder that cannot be used is no reason to fail here."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    preflight_cache.keep("anything")
    assert not preflight_cache.good("anything")
