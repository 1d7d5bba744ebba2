"""Words for people that several modules put together alike."""

from __future__ import annotations

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """Join words: `a, b and c`; there is one at least."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
