"""How many connections this process may hold."""

from __future__ import annotations

import resource


def raise_limit() -> None:
    """Let this process hold as many descriptors as its hard limit allows (getrlimit(2))."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
