"""The files that this host was given: those of CONNLAB_FILES, then those of the image.

The same format as the server's (docs/design.md, decision 28): a JSON object of texts by path, `sysctl/stock.conf`.
"""

from __future__ import annotations

# `_json`, not `json`: see _Plain.
import _json
import os

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VARIABLE = "CONNLAB_FILES"


class _Plain:
    """How json.loads(s) would read; the json package costs each host 1.1 MB, its scanner in C 12 KB."""

    strict = True
    object_hook = object_pairs_hook = parse_constant = None
    parse_float, parse_int = float, int


def given(environ: dict[str, str]) -> dict[str, str]:
    """The texts by path. Raises ValueError if the variable is not what it should be."""
    text = environ.get(VARIABLE) or "{}"
    try:
        files, end = _json.make_scanner(_Plain)(text, 0)
    except Exception:  # without the package it cannot say what is wrong
        files, end = None, 0
    if end != len(text):
        files = _slowly(text)
    if type(files) is not dict or not all(type(text) is str for text in files.values()):
        raise ValueError(f"{VARIABLE} is not a JSON object of texts")
    return files


def _slowly(text: str) -> object:
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{VARIABLE} is not JSON: {error}") from None


def text(path: str, environ: dict[str, str]) -> str:
    """The text of a file. Raises OSError if it was not given and the image has none."""
    found = given(environ).get(path)
    if found is None:
        with open(os.path.join(HOME, path), encoding="utf-8") as file:
            found = file.read()
    return found


def names(folder: str, suffix: str, environ: dict[str, str]) -> list[str]:
    """The files of a folder, without their suffix; those that begin with `_` are nobody's choice."""
    paths = [path.rpartition("/") for path in given(environ)]
    here = os.path.join(HOME, folder)
    found = {name for where, _, name in paths if where == folder}
    found.update(os.listdir(here) if os.path.isdir(here) else ())
    return sorted(n[: -len(suffix)] for n in found if n.endswith(suffix) and not n.startswith("_"))
