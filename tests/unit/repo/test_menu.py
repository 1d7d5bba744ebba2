"""The tests' own menu: it is .env as shipped, and nothing of the shell's gets past it."""

from __future__ import annotations

import os
import re
import sys

import pytest

from connlab.base import knob_values, settings
from tests.support import menu
from tests.support.processes import run_program

HOME = settings.HOME


def test_it_is_the_shipped_one() -> None:
    """Every knob with its value, as .env has them, or had them when it was last committed: one may have edited it."""
    committed = run_program(["git", "show", "HEAD:.env"])
    menus = [menu.read(HOME / ".env")]
    if committed.returncode == 0:
        menus.append(dict(re.findall(r"^([A-Z_]+)=(.*)$", committed.stdout, re.MULTILINE)))
    assert menu.MENU in menus, "an entry of .env was added or changed: do the same in tests/support/menu.env"


def test_every_knob_that_the_lab_checks_is_on_it() -> None:
    assert set(knob_values.REQUIRED) - set(menu.MENU) == set()


@pytest.mark.parametrize("name", [
    "PORT", "CLIENTS", "FIREWALL", "COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "MAKEFLAGS", "CLIENT", "N", "COLUMNS",
])  # fmt: skip
def test_what_the_shell_has_is_taken_out(name: str) -> None:
    environment = {name: "x", "PATH": "/bin", "DOCKER_HOST": "unix:///run/other.sock", "CONNLAB_RUN": "r"}
    menu.take_over(environment)
    own = {"CONNLAB_ENV_FILE": "tests/support/menu.env"}
    assert environment == {"PATH": "/bin", "DOCKER_HOST": "unix:///run/other.sock", "CONNLAB_RUN": "r", **own}


@pytest.mark.parametrize(
    "name", sorted({*re.findall(r"CONNLAB_REQUIRE_\w+", (HOME / ".ci/run").read_text())})
)
def test_what_ci_requires_reaches_the_tests(name: str) -> None:
    """CI asked for five kernels, and one was measured."""
    environment = {name: "1"}
    menu.take_over(environment)
    assert environment.get(name) == "1"


def test_this_run_has_it() -> None:
    """In this process, and in those that a test starts; no knob counts as given."""
    lab_settings = settings.read()
    assert (dict(lab_settings.values), lab_settings.explicit) == (menu.MENU, frozenset())
    script = "from connlab.base import settings; print(settings.read().values['PORT'])"
    output = run_program([sys.executable, "-c", script], env=os.environ, check=True).stdout
    assert output.strip() == menu.MENU["PORT"]
