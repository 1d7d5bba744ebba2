"""How a bench ends that cannot measure: words on standard error, and the lab's exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable

from connlab.base.errors import LabError


def guarded(name: str, call: Callable[[], object]) -> int:
    """Call, and return 0; a refusal becomes its exit code and a sentence, Ctrl-C 130."""
    try:
        call()
    except LabError as refusal:
        print(f"{name}: {refusal}", file=sys.stderr)
        return refusal.status
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    return 0
