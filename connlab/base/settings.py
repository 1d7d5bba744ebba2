"""The knobs: `.env`, then whatever the shell or make gave. Nothing else reads a knob.

A value that cannot work is refused here, before a container is touched; the containers check theirs
again, because plain Compose does not pass through here. A lab that exists has knobs of its own
(connlab/cluster/lab_knobs.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from connlab.base import checkout, env_file, knob_names, knob_values, output
from connlab.base.errors import Usage
from connlab.base.knob_values import KNOBS, PROJECT, knob_problem

HOME = checkout.HOME


@dataclass(frozen=True)
class Settings:
    """Every knob as Compose will see it.

    `explicit` are those that did not come from `.env`; `menu` is what `.env` says, the engine's variables included.
    """

    values: Mapping[str, str]
    explicit: frozenset[str]
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
    def sources(self) -> int:
        """Source addresses of each client host; with 1 the one that the engine gives it."""
        return int(self.values["SOURCES_PER_CLIENT"])

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
        return checked({**self.values, **new}, self.explicit | new.keys(), self.menu)


def read(environment: Mapping[str, str] = os.environ, home: Path = HOME) -> Settings:
    """Read and check the settings of this call.

    Raises `Usage` for a value that cannot work, or a misspelt knob, and `NotFit` without a checkout. What may be a
    misspelt one is told.
    """
    checkout.require(home)
    menu = env_file.read(menu_file(environment, home))
    knob_names.judge_file(menu, KNOBS)
    _judge_names(environment, KNOBS)
    explicit = {name: environment[name] for name in menu if name in environment}
    menu, explicit = _with_whole_path(menu, home), _with_whole_path(explicit, Path.cwd())
    return checked({**menu, **explicit}, frozenset(explicit), menu)


def _with_whole_path(values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Make a policy that is a file of the user's a path that means the same anywhere."""
    text = values.get("FIREWALL", "")
    if not text or (not knob_problem("FIREWALL", text) and "/" not in text):
        return dict(values)
    path = folder / text
    return {**values, "FIREWALL": str(path.resolve())} if path.is_file() else dict(values)


def unchecked(
    environment: Mapping[str, str] = os.environ, home: Path = HOME, *, used: Set[str] = frozenset()
) -> Settings:
    """Read the settings of a verb that needs only to know which lab is meant, and the knobs `used`.

    No other knob is checked, also for its name. What cannot be read of `.env` is left out. Raises `Usage` if there is
    no name, one that is none, or one of those knobs misspelt, and `NotFit` if there is no name because there is no
    checkout.
    """
    _judge_names(environment, used | {PROJECT})
    path = menu_file(environment, home)
    menu, problem = {}, f"{path} does not name it"
    try:
        menu = env_file.read(path)
    except Usage as error:
        problem = str(error).partition("\n")[0]
    explicit = {name: environment[name] for name in sorted(KNOBS) if name in environment}
    values = {**menu, **explicit}
    if PROJECT not in values:
        checkout.require(home)
        raise Usage(
            "which lab is not known",
            problem,
            next_step=f"git checkout .env, or say {PROJECT}=connlab in the shell",
        )
    if fault := knob_problem(PROJECT, values[PROJECT]):
        raise Usage(f"{PROJECT}={values[PROJECT]!r} {fault}")
    return Settings(values, frozenset(explicit), menu)


def _judge_names(environment: Mapping[str, str], knobs: Set[str]) -> None:
    knob_names.judge_environment(environment, knobs)
    for words in knob_names.doubts(environment, knobs):
        output.notice(words)


def check_make_names(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse what was typed after `make VERB` and is neither a knob nor an option of that verb. Raises `Usage`."""
    names, goals = (environment.get(f"CONNLAB_MAKE_{what}", "").split() for what in ("NAMES", "GOALS"))
    knob_names.judge_make_names(names, KNOBS, goals)


def tell_unread_options(verb: str, environment: Mapping[str, str] = os.environ) -> None:
    """Print a notice for each option of this verb that stands in the environment, where make does not hand it on."""
    if "CONNLAB_MAKE_GOALS" not in environment:
        for words in knob_names.unread_options(environment, verb):
            output.notice(words)


def typed_options(
    names: Iterable[str], environment: Mapping[str, str] = os.environ
) -> tuple[dict[str, str], dict[str, str]]:
    """Take out those of `names` that stand on make's command line: they, and the environment without them.

    For `make try`, to which SYSCTL and PORT mean something else than to a lab; from the shell they are knobs.
    """
    typed = set(environment.get("CONNLAB_MAKE_NAMES", "").split()) & set(names) & environment.keys()
    rest = {name: value for name, value in environment.items() if name not in typed}
    return {name: environment[name] for name in typed}, rest


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
    values: Mapping[str, str], explicit: frozenset[str], menu: Mapping[str, str] | None = None
) -> Settings:
    """Check `values` and make settings of them; `menu` is what .env says. Raises `Usage`."""
    menu = values if menu is None else menu
    knob_values.check(values, menu)
    return Settings(values, explicit, menu)
