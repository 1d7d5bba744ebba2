"""The knobs: `.env`, then whatever the shell or make gave. Nothing else reads a knob.

A value that cannot work is refused here, before a container is touched; the containers check theirs
again, because plain Compose does not pass through here. A lab that exists has knobs of its own
(connlab/cluster/lab_knobs.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connlab.base import checkout, env_file, knob_names
from connlab.base.errors import Usage

HOME = checkout.HOME


@dataclass(frozen=True)
class Settings:
    """Every knob as Compose will see it.

    `given` are those that did not come from `.env`; `menu` is what `.env` says, the engine's variables included.
    """

    values: Mapping[str, str]
    given: frozenset[str]
    menu: Mapping[str, str] = field(default_factory=dict)

    @property
    def project(self) -> str:
        """Compose project: the label that all containers and networks of this lab carry."""
        return self.values["COMPOSE_PROJECT_NAME"]

    @property
    def clients(self) -> int:
        """Client hosts of a new lab."""
        return int(self.values["CLIENTS"])

    @property
    def port(self) -> int:
        """TCP port that the server listens on."""
        return int(self.values["PORT"])

    @property
    def connlimit(self) -> int:
        """Connections that the policy admits from one source address."""
        return int(self.values["CONNLIMIT"])

    def changed(self, **values: object) -> Settings:
        """Return a copy with other values, for a lab of one's own. Raises `Usage`."""
        new = {name: str(value) for name, value in values.items()}
        return checked({**self.values, **new}, self.given | new.keys(), self.menu)


def read(environment: Mapping[str, str] = os.environ, home: Path = HOME) -> Settings:
    """Read and check the settings of this call.

    Raises `Usage` for a value that cannot work, or a misspelt knob, and `NotFit` without a checkout.
    """
    checkout.require(home)
    menu = env_file.read(menu_file(environment, home))
    knob_names.judge_file(menu, KNOBS)
    knob_names.judge_environment(environment, KNOBS)
    given = {name: environment[name] for name in menu if name in environment}
    return checked({**menu, **given}, frozenset(given), menu)


def unchecked(environment: Mapping[str, str] = os.environ, home: Path = HOME) -> Settings:
    """Read the settings of a verb that needs only to know which lab is meant; no other knob is checked.

    What cannot be read of `.env` is left out. Raises `Usage` if there is no name, or one that is none, and `NotFit`
    if there is no name because there is no checkout.
    """
    path = menu_file(environment, home)
    menu, problem = {}, f"{path} does not name it"
    try:
        menu = env_file.read(path)
    except Usage as error:
        problem = str(error).partition("\n")[0]
    given = {name: environment[name] for name in sorted(KNOBS) if name in environment}
    values = {**menu, **given}
    if PROJECT not in values:
        checkout.require(home)
        raise Usage(
            "which lab is not known",
            problem,
            next_step=f"git checkout .env, or say {PROJECT}=connlab in the shell",
        )
    if fault := CHECKS[PROJECT](values[PROJECT]):
        raise Usage(f"{PROJECT}={values[PROJECT]!r} {fault}")
    return Settings(values, frozenset(given), menu)


def typed(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse what was typed after `make VERB` and is neither a knob nor an option. Raises `Usage`."""
    knob_names.judge_typed(environment.get("CONNLAB_TYPED", "").split(), KNOBS)


def engine_variables(environment: Mapping[str, str] = os.environ, home: Path = HOME) -> dict[str, str]:
    """Return the environment of programs that talk to the engine: `.env` names it too (DOCKER_HOST, say).

    The shell wins, as for any knob, and as in Compose, which reads the same file.
    """
    try:
        menu = env_file.read(home / ".env")
    except Usage:
        menu = {}
    return {**{name: value for name, value in menu.items() if name.startswith("DOCKER_")}, **environment}


def menu_file(environment: Mapping[str, str], home: Path = HOME) -> Path:
    """Return the file that the knobs are read from: `.env`, or the one of this checkout that CONNLAB_ENV_FILE names.

    The tests have one of their own (tests/support/menu.env), and try copies of the checkout, which have none.
    """
    path = home / environment.get("CONNLAB_ENV_FILE", ".env")
    return path if path.is_file() else home / ".env"


def checked(
    values: Mapping[str, str], given: frozenset[str], menu: Mapping[str, str] | None = None
) -> Settings:
    """Check `values` and make settings of them; `menu` is what .env says. Raises `Usage`."""
    if missing := sorted(CHECKS.keys() - values.keys()):
        raise Usage(f".env lacks {', '.join(missing)}", next_step="git checkout .env")
    for name, value in values.items():
        if problem := CHECKS.get(name, _anything)(value):
            raise Usage(f"{name}={value!r} {problem}")
    if problem := _together(values, values if menu is None else menu):
        raise Usage(problem)
    return Settings(values, given, values if menu is None else menu)


def _together(values: Mapping[str, str], before: Mapping[str, str]) -> str:
    """Say what is wrong with knobs that are each good alone; server/settings.py knows the same rules.

    Except the first: only here it is known what was changed. A shell that exports all of `.env` is fine.
    """
    mode, handler = values.get("SERVER_MODE"), values.get("HANDLER")
    if "pool" not in values["SERVER_MODE"] and values.get("POOL_SIZE") != before.get("POOL_SIZE"):
        return f"POOL_SIZE is for SERVER_MODE=pool (or unbounded_pool) only, and it is {mode}"
    if mode == "greeting" and values.get("GREETING"):
        return "GREETING is not for SERVER_MODE=greeting: it always sends the article's own"
    if mode in ("greeting", "selectors") and handler != "echo":
        allowed = "iterative, threading, forking, pool"
        return f"HANDLER={handler} is not for SERVER_MODE={mode}; it has a handler in: {allowed}"
    return ""


def whole(low: int, high: int) -> Callable[[str], str]:
    """Make a check for whole numbers from `low` to `high`; it returns the problem, or nothing."""

    def check(value: str) -> str:
        number = int(value) if re.fullmatch(r"[0-9]{1,12}", value) else None
        return (
            ""
            if number is not None and low <= number <= high
            else f"is not a whole number from {low} to {high}"
        )

    return check


def _file(folder: str, suffix: str) -> Callable[[str], str]:
    """Make a check for the name of a file in `folder`; the folder is the list of what is allowed."""

    def check(value: str) -> str:
        names = sorted(path.stem for path in (HOME / folder).glob(f"*{suffix}") if path.stem[0] != "_")
        return "" if value in names else f"names no file {folder}/*{suffix}; there are: {', '.join(names)}"

    return check


def _one_of(*allowed: str) -> Callable[[str], str]:
    return lambda value: "" if value in allowed else f"is none of: {', '.join(allowed)}"


def _matches(pattern: str, what: str) -> Callable[[str], str]:
    return lambda value: "" if re.fullmatch(pattern, value) else f"is not {what}"


def _anything(_: str) -> str:
    return ""


CHECKS: Mapping[str, Callable[[str], str]] = {
    "COMPOSE_PROJECT_NAME": _matches(
        # With `_client_1000` it is a host's name, a DNS label, and those have 63 characters (RFC 1035 §2.3.4): a host
        # with a longer name is answered none by Docker's resolver and could not say which one it is.
        r"[a-z0-9][a-z0-9_-]{0,50}",
        "a project name (a-z, 0-9, - and _; at most 51 characters)",
    ),
    "CLIENTS": whole(0, 1000),
    "PORT": whole(1, 65535),
    "CONNLIMIT": whole(0, 2**32 - 1),
    "FIREWALL": _file("firewall", ".rules"),
    "SYSCTL": _file("sysctl", ".yaml"),
    "CLIENT_SYSCTL": _file("sysctl", ".yaml"),
    "SERVER_MODE": _file("server/modes", ".py"),
    "BACKLOG": lambda value: value and whole(0, 2**31 - 1)(value),
    "REUSE_ADDRESS": whole(0, 1),
    "LISTEN": _matches(r"[A-Za-z0-9._-]*", "an IPv4 address or a name"),
    "POOL_SIZE": whole(1, 1000),
    "HANDLER": _one_of("echo", "article"),
    "WORKLOAD": _file("client/workloads", ".py"),
    "DIALS": whole(1, 20000),
    "PERIOD": whole(1, 86400),
    "LOG_FORMAT": _one_of("json", "text"),
    "BASE_IMAGE": _matches(r"[\w][\w./:@-]*", "the name of an image"),
}
PROJECT = "COMPOSE_PROJECT_NAME"
KNOBS = frozenset(CHECKS) | {"GREETING"}  # a greeting may be anything
