"""The server's own check of its knobs: it does not trust that somebody looked before."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from server import settings
from tests.support import menu
from tests.support.files_variable import PROFILES, files_variable
from tests.support.processes import run_program

HOME = Path(__file__).parents[3]
MENU = menu.MENU | files_variable()


def test_the_menu_is_understood():
    """The shipped .env, as Compose hands it over."""
    expected = settings.Settings(
        port=12345, connlimit=15, firewall="connlimit", sysctl="article", mode="threading", backlog=None,
        reuse_address=True, greeting="", listen="", pool_size=10, workers=2, handler="echo", events="each",
    )  # fmt: skip
    assert settings.read(MENU) == expected


def test_every_knob_arrives():
    """Each has its field, and an empty backlog is the mode's own, while 0 is 0."""
    other = {"PORT": "1", "CONNLIMIT": "0", "SYSCTL": "stock", "BACKLOG": "0", "REUSE_ADDRESS": "0"}
    read = settings.read({**MENU, **other, "GREETING": "hi $x"})
    assert (read.port, read.connlimit, read.sysctl, read.backlog) == (1, 0, "stock", 0)
    assert (read.reuse_address, read.greeting) == (False, "hi $x")


BAD = [
    (
        "PORT",
        ["", "0", "65536", "-1", "+1", "1_0", "\uff11", "http"],
        "is not a whole number from 1 to 65535",
    ),
    ("CONNLIMIT", ["", "-1", str(2**32), "15.0"], f"is not a whole number from 0 to {2**32 - 1}"),
    ("BACKLOG", ["-1", str(2**31), "x"], f"is not a whole number from 0 to {2**31 - 1}"),
    ("REUSE_ADDRESS", ["", "2", "yes"], "is not a whole number from 0 to 1"),
    ("FIREWALL", ["", "nope", "../sysctl/article"], "names no file firewall/*.rules; there are: "),
    (
        "SYSCTL",
        ["", "nope", "article.yaml"],
        f"names no file sysctl/*.yaml; there are: {', '.join(PROFILES)}",
    ),
    ("SERVER_MODE", ["", "nope", "__init__"], "names no file server/modes/*.py; there are: "),
]


@pytest.mark.parametrize(
    ("knob", "value", "problem"), [(k, value, why) for k, bad, why in BAD for value in bad]
)
def test_a_bad_setting_is_told(knob, value, problem):
    """Which knob, its value, what is wrong and what is allowed."""
    with pytest.raises(settings.BadSetting) as refusal:
        settings.read(MENU | {knob: value})
    assert str(refusal.value).startswith(f"{knob}={value!r} {problem}")


def test_the_folder_is_the_list_of_what_is_allowed():
    """Every file of the folder can be chosen; nothing has to be registered."""
    for path in HOME.glob("server/modes/[!_]*.py"):
        assert settings.read(MENU | {"SERVER_MODE": path.stem}).mode == path.stem
    for path in HOME.glob("firewall/*.rules"):
        assert settings.read(MENU | {"FIREWALL": path.stem}).firewall == path.stem


def test_the_host_says_so_and_ends_with_2():
    """PID 1 writes one event, which `make up` shows, and exits before it touches a rule."""
    result = run_program([sys.executable, "-m", "server"], env=MENU | {"PORT": "0"})
    event = json.loads(result.stdout)
    assert (result.returncode, event["event"], result.stderr) == (2, "policy_failed", "")
    assert event["error"] == "PORT='0' is not a whole number from 1 to 65535"
