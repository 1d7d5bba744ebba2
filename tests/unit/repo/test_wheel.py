"""`pip install .`: the command works in an environment that has no checkout, or says that it needs one, and where."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.processes import run_program
from tests.support.variations import then_variations

HOME = Path(__file__).parents[3]
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a wheel of this checkout in an environment that has its libraries from ours; returns its `connlab`."""
    folder = tmp_path_factory.mktemp("wheel")
    clone = folder / "clone"  # built there, so that no build/ is left here
    shutil.copytree(HOME / "connlab", clone / "connlab")
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(HOME / file, clone)
    venv.create(folder / "venv", symlinks=True)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    (packages / "libraries-of-the-tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Of the test run's environment not what is for Compose (tests/support/compose_start.py).
    environment = {name: value for name, value in os.environ.items() if name != "SETUPTOOLS_USE_DISTUTILS"}
    alone = ["--no-build-isolation", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run(
        [*PIP, "--python", folder / "venv/bin/python", "install", *alone, clone], env=environment, check=True
    )
    return folder / "venv/bin/connlab"


def run(installed: Path, *argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder that is no checkout."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
    return run_program([installed, *argv], installed.parent, environment | variables)


@pytest.mark.parametrize(
    "argv", then_variations(["--help"], ["up", "--help"], ["--version"], ["completion", "bash"])
)
def test_what_needs_no_checkout_works(installed: Path, argv: list[str]) -> None:
    """The list of verbs, the help of one, the version, completion."""
    result = run(installed, *argv)
    assert (result.returncode, result.stderr) == (0, "")
    assert "lab" in result.stdout


@pytest.mark.parametrize(
    "verb", then_variations("up", "doctor", "status", "down", "logs", "claims", "report")
)
def test_a_verb_says_that_it_needs_the_checkout(installed: Path, verb: str) -> None:
    """And how it is named; exit status 3, no traceback."""
    result = run(installed, verb)
    assert (result.returncode, result.stdout) == (3, "")
    assert "site-packages is no checkout of connlab: a lab is made of its compose.yaml" in result.stderr
    assert "next: CONNLAB_HOME=/the/folder/of/your/clone" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_checkout_that_is_named_is_used(installed: Path) -> None:
    """With CONNLAB_HOME the same verb reads that checkout's policies: here it refuses one that is not there."""
    result = run(
        installed, "up", CONNLAB_HOME=str(HOME), CONNLAB_ENV_FILE="tests/support/menu.env", FIREWALL="own"
    )
    assert result.returncode == 2
    assert "FIREWALL='own' names no file firewall/*.rules; there are: connlimit, " in result.stderr
