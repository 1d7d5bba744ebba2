"""What a matrix leaves in runs/."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connlab.base import private_files
from connlab.base.settings import HOME

SUFFIX, FILE = "-kernels", "kernels.json"


def keep(matrix: Mapping[str, Any], home: Path = HOME) -> Path:
    """Keep a matrix in a folder of its own, each cell with the name of it; where it is. Raises `LabError`."""
    folder = home / "runs" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}{SUFFIX}"
    for cell in matrix["cells"]:
        cell["evidence"] = f"runs/{folder.name}"
    private_files.folder(folder.parent)
    private_files.write(private_files.folder(folder) / FILE, json.dumps(matrix, indent=1))
    return folder
