"""`make speed`: what it needs, and the C program that it compiles."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from bench import speed
from connlab.base.errors import NotFit
from tests.support.ports import free_port


def test_without_a_compiler_it_says_so(monkeypatch, tmp_path):
    """Not fit, with what to install."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(NotFit, match="no C compiler") as refusal:
        speed._compiled(tmp_path)
    assert refusal.value.next_step


@pytest.mark.skipif(not any(map(shutil.which, speed.COMPILERS)), reason="no C compiler")
def test_a_dial_that_fails_ends_the_measurement(tmp_path):
    """Nobody listens: said, with status 1, and no number."""
    argv = [str(speed._compiled(tmp_path)), "dial", "127.0.0.1", str(free_port()), "1", "4", "rst"]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    assert (result.returncode, result.stdout) == (1, "")
    assert "refused" in result.stderr
