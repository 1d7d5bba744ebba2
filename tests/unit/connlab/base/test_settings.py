"""The knobs: the menu in .env, what the shell says over it, and the refusal of what cannot work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connlab.base import knob_values, settings
from connlab.base.errors import Usage
from tests.support import menu

HOME = Path(__file__).parents[4]
MENU = (
    "# a comment\n\nCOMPOSE_PROJECT_NAME=connlab\nPORT=12345\n  CONNLIMIT=15  \nBACKLOG=\nGREETING=a=b # c\n"
)


@pytest.fixture
def home(tmp_path):
    """Make a folder whose .env starts with MENU, and has every other knob as the shipped one has it."""
    names = {line.strip().partition("=")[0] for line in MENU.splitlines()}
    shipped = menu.FILE.read_text().splitlines()
    rest = [line for line in shipped if line.partition("=")[0] not in names]
    (tmp_path / ".env").write_text("\n".join([MENU, *rest]))
    return tmp_path


def test_the_menu_is_read_without_comments_and_blanks(home):
    """Names and values as they stand; only the first = divides, and an empty value is a value."""
    expected = {"COMPOSE_PROJECT_NAME": "connlab", "PORT": "12345", "CONNLIMIT": "15", "BACKLOG": ""}
    assert settings.read({}, home).values.items() >= {**expected, "GREETING": "a=b # c"}.items()


def test_the_shell_wins_over_the_menu(home):
    """What the shell or make gives is used, and known as given; all else comes from .env."""
    lab_settings = settings.read({"CONNLIMIT": "3", "BACKLOG": "7"}, home)
    assert (lab_settings.connlimit, lab_settings.port) == (3, 12345)
    assert lab_settings.explicit == {"CONNLIMIT", "BACKLOG"}


def test_what_is_on_no_menu_is_no_knob(home):
    """PATH, or a knob of another program, does not get into the settings."""
    lab_settings = settings.read({"PATH": "/bin", "CLIENT": "9"}, home)
    assert not {"PATH", "CLIENT"} & lab_settings.values.keys()
    assert lab_settings.explicit == set()


@pytest.mark.parametrize("line", ["export PORT=1", "PORT", "port=1", "= 3"])
def test_a_line_that_is_no_knob_is_refused(home, line):
    """Said with the line itself, instead of a knob that silently is not set."""
    with (home / ".env").open("a") as menu:
        menu.write(f"\n{line}\n")
    with pytest.raises(Usage, match=re.escape(f"{line!r} is not NAME=value")):
        settings.read({}, home)


def test_quotes_are_not_part_of_a_value(home):
    """As Compose reads the same file."""
    (home / ".env").write_text(
        (home / ".env").read_text().replace("GREETING=a=b # c", 'GREETING="hello you"')
    )
    assert settings.read({}, home).values["GREETING"] == "hello you"


def test_a_knob_that_is_missing_is_named(home):
    """A line deleted by mistake."""
    (home / ".env").write_text((home / ".env").read_text().replace("PORT=12345", ""))
    with pytest.raises(Usage, match="lacks PORT"):
        settings.read({}, home)


def test_the_shipped_menu_is_valid():
    """A fresh checkout has nothing to complain about, and the article's numbers."""
    lab = settings.read()
    assert (lab.project, lab.clients, lab.port, lab.connlimit) == ("connlab", 3, 12345, 15)


def test_every_knob_of_the_menu_is_checked():
    """Only the greeting may be anything; a check without a knob is left over."""
    menu = settings.read().values.keys()
    assert menu - set(knob_values.REQUIRED) == {"GREETING"}
    assert set(knob_values.REQUIRED) <= menu


def files(folder: str, suffix: str) -> str:
    names = ", ".join(sorted(path.stem for path in (HOME / folder).glob(f"[!_]*{suffix}")))
    assert names, f"no {folder}/*{suffix}"
    return f"names no file {folder}/*{suffix}; there are: {names}"


PROJECT = "is not a project name (a-z, 0-9, - and _; at most 51 characters)"
WHOLE = "is not a whole number from %s to %s"
RED = [
    ("COMPOSE_PROJECT_NAME", ["", "Lab", "-lab", "a b", "lab\n", "../lab", "é", "l" * 52], PROJECT),
    ("CLIENTS", ["", "-1", "1001", "3.0", "abc", "3; rm -rf x", "1e3", "٣", " 3", "9" * 13], WHOLE % (0, 1000)),
    ("SOURCES_PER_CLIENT", ["", "0", "3", "2048", "01", "all"], "is no power of two from 1 to 1024"),
    ("PORT", ["", "0", "65536", "-1", "http"], WHOLE % (1, 65535)),
    ("CONNLIMIT", ["", "-1", str(2**32), "many"], WHOLE % (0, 2**32 - 1)),
    ("FIREWALL", ["", "nope", "connlimit.rules", "../firewall/connlimit", "*"], files("firewall", ".rules")),
    ("SYSCTL", ["", "nope", "article.yaml"], files("sysctl", ".yaml")),
    ("CLIENT_SYSCTL", ["", "nope", "stock.yaml"], files("sysctl", ".yaml")),
    ("SERVER_MODE", ["", "nope", "__init__"], files("server/modes", ".py")),
    ("BACKLOG", ["-1", str(2**31), "long", " "], WHOLE % (0, 2**31 - 1)),
    ("REUSE_ADDRESS", ["", "2", "yes", "-1"], WHOLE % (0, 1)),
    ("LISTEN", ["a b", "::1", "x;y"], "is not an IPv4 address or a name"),
    ("POOL_SIZE", ["", "0", "1001", "ten"], WHOLE % (1, 1000)),
    ("WORKERS", ["", "0", "65", "two"], WHOLE % (1, 64)),
    ("HANDLER", ["", "nope"], "is none of: echo, article"),
    ("EVENTS", ["", "none", "EACH"], "is none of: each, summary"),
    ("WORKLOAD", ["", "nope", "__init__"], files("client/workloads", ".py")),
    ("DIALS", ["", "0", "20001", "x"], WHOLE % (1, 20000)),
    ("PERIOD", ["", "0", "86401", "x", "1e3", ".5", "nan"], "is not a number from 0.01 to 86400"),
    ("LOG_FORMAT", ["", "xml", "JSON"], "is none of: json, text"),
    ("BASE_IMAGE", ["", "-f", "a b", "$(id)"], "is not the name of an image"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("knob", "value", "problem"), [(k, value, why) for k, bad, why in RED for value in bad]
)
def test_a_value_that_cannot_work_is_refused(knob, value, problem):
    """The refusal names the knob, shows the value, and lists what is allowed."""
    with pytest.raises(Usage) as refusal:
        settings.read({knob: value})
    assert str(refusal.value) == f"{knob}={value!r} {problem}"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("nft-ct-count.nft", "nft rules, which a lab takes by their path: FIREWALL="),
        ("connlimit6.rules6", "ip6tables text, and a lab's network is IPv4: connlab try "),
    ],
)
def test_a_policy_that_is_not_taken_by_its_name_is_called_what_it_is(policy, words):
    """With what can be done with it."""
    name = policy.partition(".")[0]
    with pytest.raises(Usage) as refusal:
        settings.read({"FIREWALL": name})
    assert str(refusal.value) == f"FIREWALL={name!r} is {words}firewall/{policy}"


def test_every_check_has_a_red_case():
    """A check that is added without a row above has never been seen to refuse."""
    assert [knob for knob, _, _ in RED] == list(knob_values.REQUIRED)


EDGES = {
    "COMPOSE_PROJECT_NAME": ["0", "l" * 51],
    "CLIENTS": ["0", "1000"], "SOURCES_PER_CLIENT": ["1", "2", "1024"],
    "PORT": ["1", "65535"], "CONNLIMIT": ["0", str(2**32 - 1)], "BACKLOG": ["", "0"],
    "PERIOD": ["0.01", "0.5", "86400"],
    "BASE_IMAGE": ["host:5000/a/debian:13@sha256"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("knob", "value"), [(knob, value) for knob, values in EDGES.items() for value in values]
)
def test_the_edges_are_allowed(knob, value):
    """The last value before each refusal."""
    assert settings.read({knob: value}).values[knob] == value


def test_changed_settings_are_checked_too():
    """A lab of one's own has what was asked for, as text and as given, and nothing unchecked."""
    base = settings.read()
    own = base.changed(CLIENTS=7, COMPOSE_PROJECT_NAME="own")
    assert (own.clients, own.project, own.explicit) == (7, "own", {"CLIENTS", "COMPOSE_PROJECT_NAME"})
    assert base.clients == 3
    with pytest.raises(Usage, match=re.escape("CLIENTS='1001'")):
        base.changed(CLIENTS=1001)
