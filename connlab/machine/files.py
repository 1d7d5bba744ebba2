"""The files that this host was given: those of CONNLAB_FILES, then those of the image.

The variable is a JSON object of texts by path (`firewall/connlimit.rules`); the lab fills it with the files as they
are on the user's machine. Plain Compose leaves it empty, and its image has them all.
"""

from __future__ import annotations

import os
from _json import make_scanner
from collections.abc import Mapping

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VARIABLE = "CONNLAB_FILES"


class _Context:
    """What json.loads() gives its scanner. The package around the scanner takes as long to import as Python takes to
    start, and each client reads its files anew for each `status`."""

    strict = True
    object_hook = object_pairs_hook = parse_constant = None
    parse_float, parse_int = float, int


def from_variable(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the texts by path. Raises ValueError if the variable is not what it should be."""
    text = environment.get(VARIABLE) or "{}"
    try:
        files, end = make_scanner(_Context)(text, 0)  # type: ignore[arg-type]  # a class has the fields too
    except Exception:  # the scanner alone cannot say what is wrong
        files, end = None, 0
    if end != len(text):
        files = _parse(text)
    if type(files) is not dict or not all(type(value) is str for value in files.values()):
        raise ValueError(f"{VARIABLE} is not a JSON object of texts")
    return files


def _parse(text: str) -> object:
    """Parse JSON, blanks around it included. Raises ValueError with the place."""
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{VARIABLE} is not JSON: {error}") from None


def text(path: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the text of a file. Raises OSError if it was not given and the image has none."""
    content = from_variable(environment).get(path)
    if content is None:
        with open(os.path.join(HOME, path), encoding="utf-8") as file:
            content = file.read()
    return content


def names(folder: str, suffix: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """List the files of a folder, without their suffix; those that begin with `_` are nobody's choice."""
    paths = [path.rpartition("/") for path in from_variable(environment)]
    here = os.path.join(HOME, folder)
    files = {name for where, _, name in paths if where == folder}
    files.update(os.listdir(here) if os.path.isdir(here) else ())
    return sorted(n[: -len(suffix)] for n in files if n.endswith(suffix) and not n.startswith("_"))
