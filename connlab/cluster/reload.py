"""Load the policy again in a server that runs."""

from __future__ import annotations

import json

from connlab.base.errors import START_ANEW, LabError
from connlab.cluster.host import Host

RELOAD = ("python3", "-S", "-E", "-m", "server", "reload")


def reload(server: Host) -> list[str]:
    """Load the policy again in a running server, where it is not as it was; what was different, or nothing.

    Connections live on. Raises `LabError`, with the reason, if it is not in force afterwards.
    """
    try:
        answer = json.loads(server.run(RELOAD))
    except LabError as error:
        raise LabError("the policy could not be loaded again", error, next_step=START_ANEW) from error
    return list(answer["difference"])
