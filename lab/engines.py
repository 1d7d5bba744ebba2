"""What an engine's version says of it: what it cannot do, so that it is known before it is found out."""

from __future__ import annotations

import re

# The first that no longer tells ContainerConfig, without which Compose 1 cannot recreate (docker/compose#11742).
WITHOUT_COMPOSE_1 = (25,)
# Before it, two hosts that leave one network at a moment can make the engine stand still for ever: one thread holds
# the controller's lock and wants the network's, the other the reverse (moby/moby#46661).
PARTS_AT_ONCE = (20, 10, 27)


def at_least(version: str, least: tuple[int, ...]) -> bool:
    """Whether an engine (`20.10.24+dfsg1`) is of this version or newer; one of unknown version is not."""
    found = re.match(r"\d+(\.\d+)*", version)
    return found is not None and tuple(map(int, found[0].split("."))) >= least
