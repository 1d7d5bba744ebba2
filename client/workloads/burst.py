"""burst: each PERIOD dial DIALS connections, exchange a message on each, close them all.

With DIALS over the server's limit every round shows it: that many established, the rest refused.
"""

from __future__ import annotations

from collections import Counter

from client import descriptors, host_lock, report
from client.beat import every
from client.call import call
from client.json_object import JsonObject


def run(knobs: JsonObject) -> None:
    """Play rounds, for ever."""
    descriptors.raise_limit()
    for _ in every(knobs["period"]):
        with host_lock.of_workload():
            outcomes, echoed = call(knobs, knobs["dials"])
            report.tally(Counter(outcomes), echoed=echoed)
