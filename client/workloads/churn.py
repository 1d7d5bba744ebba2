"""churn: one connection at a time - open, exchange a message, close - at most 50 a second.

With a limit that is never reached it shows what a limit costs all the same: a slot is free only when the
server has closed too.
"""

from __future__ import annotations

import time
from collections import Counter

from client import host_lock, report
from client.beat import every
from client.call import call
from client.json_object import JsonObject

_PER_SECOND = 50


def run(knobs: JsonObject) -> None:
    """Play for ever; a `tally` each PERIOD. The turn is given back after each connection."""
    outcomes, echoed, since = [], 0, time.monotonic()
    for _ in every(1 / _PER_SECOND):
        with host_lock.of_workload():
            ended, back = call(knobs, 1)
        outcomes += ended
        echoed += back
        if time.monotonic() - since >= knobs["period"]:
            report.tally(Counter(outcomes), echoed=echoed)
            outcomes, echoed, since = [], 0, time.monotonic()
