"""Answers that are not believed at once: what is lost on the way is no rule's doing."""

from __future__ import annotations

from connlab.trial.hosts.observations import Observation


def doubtful(seen: Observation) -> bool:
    """Tell whether a scenario's witnesses disagree over a dial or a counter: then it is asked once more.

    A dial that did not get in, and whose SYN a whole trace has not, may have been lost as well; so may one whose SYN
    nobody dropped, and that was answered when it was repeated.
    """
    if any(dial.agrees is False or dial.first_syn_lost for dial in seen.dials):
        return True
    return seen.complete and (bool(seen.contradicted) or any(dial.unseen for dial in seen.dials))
