"""What `pip install .` takes along."""

from __future__ import annotations

import tomllib
from pathlib import Path

HOME = Path(__file__).parents[3]


def test_every_package_is_installed():
    """Each folder of connlab/ with Python in it is named, and nothing that is not there."""
    folders = {
        str(path.parent.relative_to(HOME)).replace("/", ".") for path in (HOME / "connlab").rglob("*.py")
    }
    packages = tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert set(packages) == folders
    assert len(folders) >= 4
