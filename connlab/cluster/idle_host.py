"""A container that does nothing by itself: whoever made it starts programs in it, and takes it away again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from connlab.base.errors import LabError
from connlab.cluster.engine import Refused, client
from connlab.cluster.host import Host
from connlab.cluster.one_off import TRY_OUT
from connlab.cluster.removal import remove, remove_all
from connlab.cluster.subprocesses import signals_as_exceptions

OWNER = "connlab.owner"  # label: the process that removes it


@contextlib.contextmanager
def idle_host(
    image: str, name: str, config: Mapping[str, Any], seconds: int, user: str = "", *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Host]:  # fmt: skip
    """Start a container that sleeps, with the engine's HostConfig; gone on the way out.

    It ends after `seconds` should we be killed; `config` has it removed then. Raises `LabError` with the engine's
    words if it does not start.
    """
    api, container = client().api, None
    labels = {TRY_OUT: "1", OWNER: str(os.getpid())}
    with signals_as_exceptions() as begin:
        try:
            try:
                container = api.create_container(
                    image, [str(seconds)], entrypoint="sleep", user=user, host_config=config, labels=labels,
                    environment=dict(environment or {}),
                )["Id"]  # fmt: skip
                begin()  # a signal that came meanwhile would have left behind what has no name yet
                api.start(container)
            except Refused as error:
                raise LabError("the engine does not start a host for it", error.explanation) from error
            yield Host(container, name, 1, "", "running", "")
        finally:
            if container is not None:
                remove(container)


def remove_own() -> None:
    """Remove every idle host of this process: whoever waits for one is told that it is gone."""
    remove_all(f"{OWNER}={os.getpid()}")
