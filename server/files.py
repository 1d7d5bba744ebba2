"""The files that this host was given: those of CONNLAB_FILES, then those of the image.

The variable is a JSON object of texts by path (`firewall/connlimit.rules`); the lab fills it with the files as they
are on the user's machine. Plain Compose leaves it empty, and its image has them all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

HOME = Path(__file__).resolve().parent.parent
VARIABLE = "CONNLAB_FILES"


def given(environment: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """The texts by path. Raises ValueError if the variable is not what it should be."""
    try:
        files = json.loads(environment.get(VARIABLE) or "{}")
    except ValueError as error:
        raise ValueError(f"{VARIABLE} is not JSON: {error}") from None
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise ValueError(f"{VARIABLE} is not a JSON object of texts")
    return files


def text(path: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text of a file. Raises OSError if it was not given and the image has none."""
    found = given(environment).get(path)
    return (HOME / path).read_text(encoding="utf-8") if found is None else found


def names(folder: str, suffix: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The files of a folder, without their suffix; those that begin with `_` are nobody's choice."""
    paths = [PurePosixPath(path) for path in given(environment)]
    here = [path for path in paths if path.parent == PurePosixPath(folder)]
    found = {path.stem for path in [*here, *(HOME / folder).glob(f"*{suffix}")] if path.suffix == suffix}
    return sorted(name for name in found if not name.startswith("_"))
