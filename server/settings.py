"""The knobs that a server host finds in its environment, checked before anything acts on them."""

from __future__ import annotations

import os
import re
from collections import namedtuple
from collections.abc import Mapping

from connlab.machine import files

PROFILE, CONF = ".yaml", ".conf"  # what a person writes, and what a host gets of it


class BadSetting(Exception):
    """A knob has a value that cannot be used; the text says which, why, and what is allowed."""


KNOBS = "port connlimit firewall sysctl mode backlog reuse_address greeting listen pool_size handler"


class Settings(namedtuple("Settings", KNOBS)):
    """The knobs of `.env` that concern the server, as `read` makes them; `backlog` None takes the mode's own."""

    def backlog_or(self, own: int) -> int:
        """The backlog asked for, else the mode's own."""
        return own if self.backlog is None else self.backlog


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environment`. Raises `BadSetting`."""
    settings = Settings(
        port=_number(environment, "PORT", 1, 65535),
        connlimit=_number(environment, "CONNLIMIT", 0, 2**32 - 1),
        firewall=_file(environment, "FIREWALL", "firewall", ".rules"),
        sysctl=_file(environment, "SYSCTL", "sysctl", PROFILE),
        mode=_file(environment, "SERVER_MODE", "server/modes", ".py"),
        backlog=_number(environment, "BACKLOG", 0, 2**31 - 1) if environment.get("BACKLOG") else None,
        reuse_address=bool(_number(environment, "REUSE_ADDRESS", 0, 1)),
        greeting=environment.get("GREETING", ""),
        listen=_address(environment, "LISTEN"),
        pool_size=_number(environment, "POOL_SIZE", 1, 1000),
        handler=_one_of(environment, "HANDLER", ("echo", "article")),
    )
    if settings.mode == "greeting" and settings.greeting:
        raise BadSetting("GREETING is not for SERVER_MODE=greeting, which has the article's own")
    if settings.mode in ("greeting", "selectors") and settings.handler != "echo":
        raise BadSetting(f"HANDLER={settings.handler!r} is not for SERVER_MODE={settings.mode}")
    return settings


def _number(environment: Mapping[str, str], name: str, low: int, high: int) -> int:
    text = environment.get(name, "")
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise BadSetting(f"{name}={text!r} is not a whole number from {low} to {high}")
    return int(text)


def _address(environment: Mapping[str, str], name: str) -> str:
    """An IPv4 address or a name; empty is every address."""
    text = environment.get(name, "")
    if not re.fullmatch(r"[A-Za-z0-9._-]*", text):
        raise BadSetting(f"{name}={text!r} is neither an IPv4 address nor a name")
    return text


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    choice = environment.get(name, "")
    if choice not in allowed:
        raise BadSetting(f"{name}={choice!r} is none of: {', '.join(allowed)}")
    return choice


def _file(environment: Mapping[str, str], name: str, folder: str, suffix: str) -> str:
    """A knob that names a file of `folder`: the set of allowed values is the folder's content."""
    choice = environment.get(name, "")
    try:
        known = files.names(folder, CONF if suffix == PROFILE else suffix, environment)
    except ValueError as bad:
        raise BadSetting(str(bad)) from None
    if choice not in known:
        raise BadSetting(f"{name}={choice!r} names no file {folder}/*{suffix}; there are: {', '.join(known)}")
    return choice
