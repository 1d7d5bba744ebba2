"""The knobs that a server host finds in its environment, checked before anything acts on them."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Mapping

from connlab.machine import knobs


class BadSetting(Exception):
    """A knob has a value that cannot be used; the text says which, why, and what is allowed."""


class Settings(
    namedtuple(
        "Settings",
        "port connlimit firewall sysctl mode backlog reuse_address greeting listen pool_size handler",
    )
):
    """The knobs of `.env` that concern the server, as `read` makes them; `backlog` None takes the mode's own."""

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
