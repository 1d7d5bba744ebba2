"""Answers that are not believed at once: what is lost on the way is no rule's doing."""

from __future__ import annotations

from connlab.trial.hosts.observations import Observation


def doubtful(seen: Observation) -> bool:
    """Tell whether a scenario's witnesses disagree over a dial: then it is asked once more.

    A dial that got nothing, and whose SYN a whole trace has not, may have been lost as well.
    """
    return any(dial.agrees is False or (seen.complete and dial.unseen) for dial in seen.dials)
