"""Answers that are not believed at once: what is lost on the way is no rule's doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connlab.trial.observations import observation


def doubtful(request: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Tell whether a scenario's witnesses disagree over a dial: then it is asked once more.

    A dial that got nothing, and whose SYN a whole trace has not, may have been lost as well.
    """
    if "dials" not in answer:
        return False
    seen = observation(answer, request)
    return any(dial.agrees is False or (seen.complete and dial.unseen) for dial in seen.dials)
