"""What a trial leaves in runs/: its answer, the files as they were brought, each request and what came back."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, TextIO

from connlab.base import private_files
from connlab.base.errors import LabError, Unreadable, Usage
from connlab.base.settings import HOME
from connlab.trial.files.forms import Input

SUFFIX = "-try"
ANSWER, PAGE, RULES, EXCHANGES = "try.json", "try.html", "rules.json", "exchanges.jsonl.gz"
FILES = "files"
MOST_KEPT = 256 << 20  # bytes of requests and answers, before they are compressed


class TrialRecord:
    """A trial's folder, made with the files as they were brought when the first thing is kept.

    A folder that cannot be written stops no trial: `problem` says why nothing is kept.
    """

    def __init__(self, brought: Sequence[Input], home: Path = HOME) -> None:
        name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        self.folder, self.problem = home / "runs" / f"{name}{SUFFIX}", ""
        self._brought = brought
        self._exchanges: TextIO | None = None
        self._left = MOST_KEPT
        self._digests: dict[tuple[int, ...], tuple[str, Sequence[Mapping[str, str]]]] = {}

    def keep(self, name: str, data: Any) -> None:
        """Keep data as JSON in a file of this name."""
        self._write(name, json.dumps(data, indent=1))

    def page(self, text: str) -> Path | None:
        """Keep the page; where it is, None if it could not be kept."""
        self._write(PAGE, text)
        return None if self.problem else self.folder / PAGE

    def exchange(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Keep a request and its answer as a line; texts, which are in `files/`, by their digest."""
        steps = [{**step, "texts": self._digest(step["texts"])} if "texts" in step else step
                 for step in request.get("steps", [])]  # fmt: skip
        line = json.dumps({"request": {**request, "steps": steps, "texts": None}, "answer": answer})
        self._left -= len(line)
        if self.problem or self._left < 0:
            return
        try:
            if self._exchanges is None:
                self._exchanges = self._opened()
            self._exchanges.write(f"{line}\n")
        except OSError as error:
            self.problem = str(error.strerror)
        except LabError as error:
            self.problem = error.sentence

    def _digest(self, texts: Sequence[Mapping[str, str]]) -> str:
        """Give a digest of the texts that a scenario loads, most of which load the same."""
        key = tuple(map(id, texts))
        if key not in self._digests:
            self._digests[key] = (digest(texts), texts)  # who keeps them keeps their ids, too
        return self._digests[key][0]

    def close(self) -> None:
        """Write what is not yet on the disk."""
        if self._exchanges is not None:
            try:
                self._exchanges.close()
            except OSError as error:
                self.problem = str(error.strerror)

    def _opened(self) -> TextIO:
        path = self._folder() / EXCHANGES
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, private_files.FILE)
        os.close(descriptor)
        return gzip.open(path, "wt", compresslevel=1, encoding="utf-8")

    def _folder(self) -> Path:
        if not self.folder.is_dir():
            private_files.folder(self.folder.parent)
            private_files.folder(self.folder)
            private_files.folder(self.folder / FILES)
            for number, each in enumerate(self._brought, 1):
                name = "standard-input" if each.path == "-" else PurePath(each.path).name
                kept = f"{number}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)[:80]}"
                private_files.write(self.folder / FILES / kept, each.text)
        return self.folder

    def _write(self, name: str, text: str) -> None:
        if self.problem:
            return
        try:
            private_files.write(self._folder() / name, text)
        except LabError as error:
            self.problem = error.sentence


def digest(texts: Sequence[Mapping[str, str]]) -> str:
    """Tell texts that are loaded from others."""
    return hashlib.sha256(json.dumps([dict(text) for text in texts]).encode()).hexdigest()[:16]


def newest(home: Path = HOME) -> Path:
    """Return the folder of the newest trial that came to its end. Raises `Usage` if there is none."""
    folders = sorted((home / "runs").glob(f"[0-9]*{SUFFIX}"), reverse=True)
    for folder in folders:
        if (folder / ANSWER).is_file():
            return folder
    raise Usage("no trial is kept in runs/", next_step="lab try FILE, which leaves one")


def line(folder: Path, paths: Sequence[str], file: str, number: int) -> tuple[str, str]:
    """Find a file of a trial, as typed or by its last part, and the text of a line. Raises `Usage`."""
    for known in (list(paths), [PurePath(path).name for path in paths]):
        at = [index for index, each in enumerate(known) if each == file or (not file and len(paths) == 1)]
        if len(at) == 1:
            break
    else:
        what = f"{file} is none of the files of {folder.name}" if file else f"line {number} of which file?"
        raise Usage(what, f"there are {', '.join(paths)}", next_step=f"lab explain {paths[0]}:{number}")
    (kept,) = (folder / FILES).glob(f"{at[0] + 1}-*")
    lines = kept.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    if not 0 < number <= len(lines):
        step = f"lab explain {paths[at[0]]}:{len(lines)}"
        raise Usage(f"{paths[at[0]]} has no line {number}", f"it has {len(lines)}", next_step=step)
    return paths[at[0]], lines[number - 1]


def read(folder: Path, name: str) -> Any:
    """Read a file of a trial's folder. Raises `Usage` if it is none, `Unreadable`."""
    if not (folder / ANSWER).is_file():
        raise Usage(f"{folder} is no trial", next_step="lab try FILE, which leaves one in runs/")
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unreadable(folder / name, error) from error


def exchanges(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield each request with its answer, in the order in which answers came. Raises `Unreadable`."""
    path = folder / EXCHANGES
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    except (OSError, EOFError, ValueError) as error:
        raise Unreadable(path, error) from error
