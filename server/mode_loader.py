"""Import the modules of server/modes/ from the texts that this host was given (connlab/machine/files.py).

One that was not given comes from the image. A traceback shows their lines: linecache asks `get_source`.
`python3 -m server.mode_loader NAME` imports a mode and says what is wrong with it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from connlab.machine import files
from server.connections import Connections
from server.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each start 5 ms
    import socket
    from importlib.abc import Loader
    from typing import Protocol

    class ModeServer(Protocol):
        """What `build` of a mode returns: bound and listening, served by `serve_forever` in a thread."""

        request_queue_size: int

        @property
        def socket(self) -> socket.socket:
            """The listener."""

        def serve_forever(self, poll_interval: float, /) -> None:
            """Serve until `shutdown` is called; `poll_interval` is in seconds."""

        def shutdown(self) -> None:
            """Accept no more connections; returns when nobody is served."""

        def server_close(self) -> None:
            """Close the listener."""
else:  # importlib.abc would bring tempfile and zipfile along
    Loader = object


PACKAGE = "server.modes."


class BadMode(Exception):
    """A mode cannot be used; the text says where in its file and why."""


class Texts(Loader):
    """Finder and loader of modules whose source is a text in memory."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the module, if its text was given."""
        if self.get_filename(fullname) not in self.sources or not fullname.startswith(PACKAGE):
            return None
        return spec_from_loader(fullname, self)

    def create_module(self, _spec: ModuleSpec) -> None:
        """Return None: the module is created as usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's text."""
        name = module.__name__
        code = compile(self.get_source(name), self.get_filename(name), "exec", dont_inherit=True)
        exec(code, module.__dict__)

    def get_filename(self, fullname: str) -> str:
        """Return the module's path, as in the repository."""
        return f"{fullname.replace('.', '/')}.py"

    def is_package(self, _fullname: str) -> bool:
        """Return false: a mode is one file."""
        return False

    def get_source(self, fullname: str) -> str:
        """Return the module's text."""
        return self.sources[self.get_filename(fullname)]


def install() -> None:
    """Ask the texts before the disk, from now on."""
    sys.meta_path.insert(0, Texts(files.from_variable()))


def load(mode: str) -> Callable[[Settings, Connections], ModeServer]:
    """Return the function `build` of a mode. Raises `BadMode`."""
    try:
        module = importlib.import_module(PACKAGE + mode)
    except Exception as error:  # whatever somebody's code raises
        raise BadMode(_where(error)) from error
    function: Callable[[Settings, Connections], ModeServer] | None = getattr(module, "build", None)
    if not callable(function):
        raise BadMode(f"server/modes/{mode}.py: it has no function build(settings, connections)")
    return function


def build(settings: Settings, connections: Connections) -> ModeServer:
    """Return the server of the mode, bound and listening. Raises OSError if it cannot be bound, `BadMode`."""
    function = load(settings.mode)
    try:
        return function(settings, connections)
    except OSError:
        raise
    except Exception as error:
        raise BadMode(_where(error)) from error


def _where(error: Exception) -> str:
    """Return file, line and words of an error, as far as a mode's own file has a part in it."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}: {error.msg}"
    import traceback  # late: it is for a mode that is broken

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "server/modes/" in frame.filename] or frames[-1:]
    return f"{own[-1].filename}, line {own[-1].lineno}: {type(error).__name__}: {error}"


def main(mode: str) -> int:
    """Import the mode; exit status 1, and why on standard error, if it cannot be used."""
    install()
    try:
        load(mode)
    except BadMode as bad:
        print(bad, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
