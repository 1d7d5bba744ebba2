"""The files that this host was given: those of CONNLAB_FILES, then those of the image.

The variable is a JSON object of texts by path (`firewall/connlimit.rules`); the lab fills it with the files as they
are on the user's machine. Plain Compose leaves it empty, and its image has them all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
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
    if found is None:
        with open(os.path.join(HOME, path), encoding="utf-8") as file:
            found = file.read()
    return found


def names(folder: str, suffix: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The files of a folder, without their suffix; those that begin with `_` are nobody's choice."""
    paths = [path.rpartition("/") for path in given(environment)]
    here = os.path.join(HOME, folder)
    found = {name for where, _, name in paths if where == folder}
    found.update(os.listdir(here) if os.path.isdir(here) else ())
    return sorted(n[: -len(suffix)] for n in found if n.endswith(suffix) and not n.startswith("_"))
