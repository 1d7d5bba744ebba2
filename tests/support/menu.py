"""What tests start from, whatever the shell has or .env was edited to: tests/support/menu.env, no knob given."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from pathlib import Path

from connlab.base import knob_names, knob_values, settings
from connlab.base.errors import Usage

FILE = Path(__file__).with_name("menu.env")
# What has a meaning to make, to Compose, to the lab or to what draws its tables, and is not the engine's.
FOREIGN = re.compile(
    r"(COMPOSE|CONNLAB|CLICOLOR|MAKE)_.*|MAKE(FLAGS|LEVEL|FILES|OVERRIDES)|MFLAGS|GNUMAKEFLAGS"
    r"|N|S|F|CLIENT|COUNT|HOLD|TO|RUN"
    r"|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|TTY_(IN)?COMPATIBLE|TTY_INTERACTIVE"
)
KEPT = re.compile(r"CONNLAB_(RUN|REQUIRE_.*)")  # a test run's own


def read(path: Path = FILE) -> dict[str, str]:
    """Read the lines NAME=value of a file like .env, without quotes."""
    lines = re.findall(r"""^([A-Z_]+)=(["']?)(.*)\2$""", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: value for name, _, value in lines}


MENU = read()


def take_over(environment: MutableMapping[str, str]) -> None:
    """Take every knob and option out of an environment, and name the tests' own menu in it.

    The engine stays the one that the user has chosen, in the shell or in .env (DOCKER_HOST).
    """
    for name in list(environment):
        if name in MENU or (FOREIGN.fullmatch(name) and not KEPT.fullmatch(name)) or _misspelt(name):
            del environment[name]
    environment["CONNLAB_ENV_FILE"] = str(FILE.relative_to(settings.HOME))


def _misspelt(name: str) -> bool:
    """Return whether the lab would refuse to start for this name, or say something of it."""
    try:
        knob_names.judge_environment([name], knob_values.KNOBS)
    except Usage:
        return True
    return bool(knob_names.doubts([name], knob_values.KNOBS))
