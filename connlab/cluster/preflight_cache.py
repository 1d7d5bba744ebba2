"""What was tried once and is good: kept in the user's cache folder, so that it need not be tried each time.

A name in the folder is the digest of all that the result depends on. Nothing is kept where there is no such folder:
then everything is tried again.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from connlab.base.lock import folder


def good(inputs: str) -> bool:
    """Whether these inputs were kept as good."""
    with contextlib.suppress(OSError, RuntimeError):
        return _path(inputs).exists()
    return False


def keep(inputs: str) -> None:
    """Keep these inputs as good."""
    with contextlib.suppress(OSError, RuntimeError):
        path = _path(inputs)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)


def _path(inputs: str) -> Path:
    return folder() / "good" / hashlib.sha256(inputs.encode()).hexdigest()
