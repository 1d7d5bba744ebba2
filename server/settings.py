"""The knobs that a server host finds in its environment, checked before anything acts on them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from connlab.machine import knobs
from connlab.machine.named_tuple import NamedTuple


class BadSetting(Exception):
    """A knob has a value that cannot be used; the text says which, why, and what is allowed."""


class Settings(NamedTuple):
    """The knobs of `.env` that concern the server, as `read` makes them; `backlog` None takes the mode's own."""

    port: int
    connlimit: int
    firewall: str
    sysctl: str
    mode: str
    backlog: int | None
    reuse_address: bool
    greeting: str
    listen: str
    pool_size: int
    workers: int
    handler: str
    events: str

    def backlog_or(self, own: int) -> int:
        """Return the backlog asked for, else the mode's own."""
        return own if self.backlog is None else self.backlog


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings in `environment`. Raises `BadSetting`."""
    try:
        values = knobs.read("server", environment)
    except ValueError as bad:
        raise BadSetting(str(bad)) from None
    mode, reuse = values.pop("server_mode"), bool(values.pop("reuse_address"))
    del values["log_format"]  # read where events are configured
    settings = Settings(mode=mode, reuse_address=reuse, **values)
    if clash := knobs.clash(settings.mode, settings.handler, settings.greeting):
        raise BadSetting(clash)
    return settings
