"""What a text of nft includes, put in the place of its line: files that were brought beside it, or below its folder.

Words of a file open nothing else: what is elsewhere is left to nft, which does not find it, and its line is answered.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from connlab.base.errors import Usage
from connlab.trial.files.forms import LARGEST, Input, Origin, decoded
from connlab.trial.files.reading import STANDARD_INPUT, read
from connlab.trial.files.rule_marks import is_nft

INCLUDE = re.compile(r"^\s*include\s+(?:\"([^\"]+)\"|'([^']+)')\s*;?\s*(?:#.*)?$")
DEEPEST = 16  # of nft's own


class Files(NamedTuple):
    """What the includes of a main file may be: texts that were brought, and those that were read on their account."""

    main: str
    brought: Mapping[str, str]
    read: dict[str, str]

    def text(self, path: str) -> str:
        """Return the text of an included file. Raises `Usage`."""
        if path not in self.brought and path not in self.read:
            self.read[path] = decoded(path, read(path, LARGEST + 1))
        return self.brought.get(path) or self.read.get(path, "")


def included_names(texts: Mapping[str, str]) -> set[str]:
    """Return the paths among those of some texts whose files an nft text of them includes."""
    words = {
        path: [word for line in text.split("\n") if (word := _word(line))]
        for path, text in texts.items() if is_nft(text)
    }  # fmt: skip
    return {
        path for path in texts for other, mine in words.items()
        if path != other and any(_names(word, path) for word in mine)
    }  # fmt: skip


def taken_in(inputs: Sequence[Input]) -> tuple[list[Input], list[Input]]:
    """Put what texts of nft include in its place; what is left to load, and the files that were read for it.

    A file that was brought and that another one includes is not loaded by itself. Raises `Usage`.
    """
    texts = {each.path: each.text for each in inputs if each.form == "nft"}
    inside = included_names(texts)
    files: dict[str, str] = {}
    whole = [
        _whole(each, Files(each.path, texts, files)) if each.form == "nft" else each
        for each in inputs if each.form != "nft" or each.path not in inside
    ]  # fmt: skip
    return whole, [Input(path, "nft", text) for path, text in files.items()]


def _whole(main: Input, files: Files) -> Input:
    lines = list(_lines(main.text, files, (main.path,), 0))
    if all(line.file == main.path for _, line in lines):
        return main
    text = "\n".join(words for words, _ in lines)
    if len(text) > LARGEST:
        raise Usage(
            f"{main.path} has more than {LARGEST:,} bytes with what it includes",
            "so large a file is not tried",
            next_step="bring the part that concerns these ports, or the output of: nft list ruleset",
        )
    return main._replace(text=text, origins=[line for _, line in lines])


def _lines(text: str, files: Files, way: tuple[str, ...], at: int) -> Iterator[tuple[str, Origin]]:
    """Yield the lines of a file, the last of `way`, and of what it includes; `at` is the main file's that led there."""
    for number, line in enumerate(text.split("\n"), 1):
        found = _found(word, files) if (word := _word(line)) else []
        if not found:
            yield line, Origin(way[-1], number, at or number)
        for path in found:
            if path in way or len(way) > DEEPEST:
                raise Usage(
                    f"{way[-1]}:{number} includes {path} again",
                    "there would be no end of it",
                    next_step="take that line out, or bring the output of: nft list ruleset",
                )
            yield from _lines(files.text(path).removesuffix("\n"), files, (*way, path), at or number)


def _found(word: str, files: Files) -> list[str]:
    """Find the files of a word, which may have wildcards: those that were brought, else those below the main file's."""
    brought = sorted(path for path in files.brought if path != files.main and _names(word, path))
    if brought or files.main == STANDARD_INPUT:
        return brought
    folder = Path(files.main).parent
    wanted = Path(os.path.normpath(folder.absolute() / word))
    if "**" in word or folder.absolute() not in wanted.parents:
        return []
    try:
        there = sorted(folder.glob(str(wanted.relative_to(folder.absolute()))))
        root = folder.resolve()
        return [
            str(path) for path in there
            if path.resolve().is_relative_to(root) and path.is_file() and os.access(path, os.R_OK)
        ]  # fmt: skip
    except (OSError, ValueError, NotImplementedError):  # what no file can be called
        return []


def _word(line: str) -> str:
    match = INCLUDE.match(line)
    return (match[1] or match[2]) if match else ""


def _names(word: str, path: str) -> bool:
    """Tell whether an include is of a file that was brought: by the last part of its name."""
    return path != STANDARD_INPUT and fnmatch.fnmatchcase(Path(path).name, Path(word).name)
