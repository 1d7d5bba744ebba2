"""Which Compose starts sooner when setuptools stays out of its way: only one whose Python has distutils."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import compose_start


@pytest.mark.parametrize(
    ("python", "quick"),
    [("python3.9", True), ("python3.11", True), ("python3.12", False), ("pypy3.11", False)],
)
def test_setuptools_stays_out_where_python_has_distutils(tmp_path: Path, python: str, quick: bool) -> None:
    """Until 3.11; a later Python has none but that of setuptools, without which Compose 1 does not start."""
    (tmp_path / python).touch()
    (tmp_path / "python3").symlink_to(python)
    script = tmp_path / "docker-compose"
    script.write_text(f"#!{tmp_path}/python3\n# EASY-INSTALL-ENTRY-SCRIPT: 'docker-compose==1.29.2'\n")
    assert compose_start.start_variables(script) == ({"SETUPTOOLS_USE_DISTUTILS": "stdlib"} if quick else {})


@pytest.mark.parametrize(
    "program", [b"\x7fELF\x02\x01\x01", b"#!/usr/bin/env python3\n", b"#!/bin/sh\nexec docker compose", b""]
)
def test_a_program_that_says_nothing_of_its_python_is_left_alone(tmp_path: Path, program: bytes) -> None:
    """The standalone binary, a wrapper, a script for whichever Python comes first."""
    script = tmp_path / "docker-compose"
    script.write_bytes(program)
    assert compose_start.start_variables(script) == {}
