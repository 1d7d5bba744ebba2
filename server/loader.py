"""Import the modules of server/modes/ from the texts that this host was given (server/files.py).

`importlib.import_module("server.modes.NAME")` finds them once `install` was called; one that was not given comes
from the image. A traceback shows their lines: linecache(3) asks `get_source`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from server import files

PACKAGE = "server.modes."


class Texts(MetaPathFinder, ExecutionLoader):
    """Finder and loader of modules whose source is a text in memory."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, if its text was given."""
        if self.get_filename(fullname) not in self.sources or not fullname.startswith(PACKAGE):
            return None
        return spec_from_loader(fullname, self)

    def get_filename(self, fullname: str) -> str:
        """Its path, as in the repository."""
        return f"{fullname.replace('.', '/')}.py"

    def is_package(self, _fullname: str) -> bool:
        """A mode is one file."""
        return False

    def get_source(self, fullname: str) -> str:
        """Its text."""
        return self.sources[self.get_filename(fullname)]


def install() -> None:
    """Ask the texts before the disk, from now on."""
    sys.meta_path.insert(0, Texts(files.given()))
