"""Knobs that make no sense, alone or together, are refused by both readers: the lab's and the server's."""

from pathlib import Path

import pytest

from connlab.base import settings as lab_settings
from connlab.base.errors import Usage
from server import settings as server_settings
from tests.support.files_variable import files_variable
from tests.support.processes import run_lab

HOME = Path(__file__).parents[3]

NONSENSE = [
    ({"SERVER_MODE": "tasks"}, "forking, greeting, iterative, pool, prefork, selectors, threading"),
    ({"HANDLER": "print"}, "echo, article"),
    ({"LISTEN": "fe80::1"}, "IPv4"),
    ({"SERVER_MODE": "pool", "POOL_SIZE": "0"}, "1 to 1000"),
    ({"SERVER_MODE": "greeting", "GREETING": "hi"}, "GREETING"),
    ({"SERVER_MODE": "greeting", "HANDLER": "article"}, "HANDLER"),
    ({"SERVER_MODE": "selectors", "HANDLER": "article"}, "HANDLER"),
    ({"SERVER_MODE": "prefork", "HANDLER": "article"}, "HANDLER"),
    ({"SERVER_MODE": "prefork", "WORKERS": "0"}, "1 to 64"),
]


@pytest.mark.parametrize(("knobs", "message"), NONSENSE, ids=lambda value: "-".join(value) if value else None)
def test_nonsense_is_refused_with_what_is_allowed(knobs, message):
    menu = lab_settings.read()
    with pytest.raises(Usage, match=message):
        menu.changed(**knobs)
    with pytest.raises(server_settings.BadSetting, match=message):
        server_settings.read({**menu.values, **files_variable(), **knobs})


@pytest.mark.parametrize("mode", ["forking", "iterative", "pool", "threading"])
def test_what_makes_sense_is_taken(mode):
    """The control: the articles's loop and a greeting, in every mode that has a handler."""
    lab_knobs = lab_settings.read().changed(
        SERVER_MODE=mode, HANDLER="article", GREETING="hi", LISTEN="server"
    )
    read = server_settings.read({**lab_knobs.values, **files_variable()})
    assert (read.mode, read.handler, read.greeting, read.listen) == (mode, "article", "hi", "server")
    assert read.pool_size == 10


def test_a_pool_size_without_a_pool_is_refused_before_anything_starts():
    """Exit code 2, and the engine (there is none here, which would be 3) was not asked."""
    result = run_lab("up", DOCKER_HOST="unix:///nonexistent", POOL_SIZE="5")
    assert result.returncode == 2
    assert "SERVER_MODE=pool" in result.stderr
    menu = lab_settings.read().values
    assert lab_settings.read(menu).values == menu, "a shell that exports all of .env has not asked for a pool"
    assert lab_settings.read({"SERVER_MODE": "pool", "POOL_SIZE": "5"}).values["POOL_SIZE"] == "5"
