"""To pause a container, which runc gives up on a busy machine."""

from __future__ import annotations

from connlab.base.wait import until
from connlab.cluster import engine

UNFROZEN = "unable to freeze"


def pause(container: str) -> None:
    """Pause a container by its id.

    runc 1.1.5 looks a thousand times in some milliseconds whether the freezer of cgroup v1 has every task, and then
    gives up and thaws them all; a task that gets no processor meanwhile is enough. Then it is asked again.
    """

    def is_paused() -> bool:
        try:
            engine.client().api.pause(container)
        except engine.Refused as error:
            if UNFROZEN not in engine.why(error):
                raise
            return False
        return True

    until(is_paused, "the container is frozen", within=20)
