"""Output of a command as the engine frames it (Docker Engine API, "Attach to a container")."""

from __future__ import annotations

import struct

OUT, ERR = 1, 2


def frame(payload: bytes, kind: int = OUT) -> bytes:
    """Return a frame of the engine: which stream, how long, and the bytes."""
    return struct.pack(">BxxxI", kind, len(payload)) + payload
