"""Names that are no knob: which are refused, where they stand, and which are left alone."""

from __future__ import annotations

import re

import pytest

from connlab.base import knob_names, knob_values, settings
from connlab.base.errors import Usage
from connlab.base.settings import HOME
from tests.support import menu

FOREIGN = [
    "PATH", "HOME", "SHELL", "TERM", "LANG", "USER", "PWD", "PORTS", "SPORT", "PROT", "LISTEN_FDS", "LISTEN_PID",
    "LISTENER", "CLIENT", "RUN", "CLIENTS_MAX", "SYSTEM", "workloads", "firewall",
    "COMPOSE_FILE", "COMPOSE_PROFILES", "LOG_LEVEL", "BASE_URL", "ONNLIMITC", "ERVER_MODES",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "meant"),
    [("CONLIMIT", "CONNLIMIT"), ("CONNLIMITS", "CONNLIMIT"), ("connlimit", "CONNLIMIT"), ("PROT", "PORT"),
     ("CLEINT", "CLIENT"), ("COUTN", "COUNT"), ("LOGFORMAT", "LOG_FORMAT")],
)  # fmt: skip
def test_what_was_typed_after_make_is_judged_strictly(name, meant):
    """Any name that nobody reads, with the nearest that somebody does, options of verbs included."""
    with pytest.raises(
        Usage, match=rf"make was given {name}, which is no knob and no option; {meant} is one"
    ):
        settings.check_make_names({"CONNLAB_MAKE_NAMES": f"CONNLIMIT N {name}"})


def test_a_name_like_no_knob_was_typed():
    """Refused as well; no name is suggested."""
    with pytest.raises(Usage, match=r"make was given XYZZY, which is no knob and no option$"):
        settings.check_make_names({"CONNLAB_MAKE_NAMES": "XYZZY"})


def test_knobs_and_options_may_be_typed():
    """The control: all of them, and nothing at all."""
    settings.check_make_names(
        {"CONNLAB_MAKE_NAMES": " ".join([*knob_values.KNOBS, *knob_names.OPTIONS, "PYTHON"])}
    )
    settings.check_make_names({})


@pytest.mark.parametrize(
    ("name", "meant"),
    [("CONLIMIT", "CONNLIMIT"), ("CONN_LIMIT", "CONNLIMIT"), ("CONNILMIT", "CONNLIMIT"), ("FIREWAL", "FIREWALL"),
     ("SYSTCL", "SYSCTL"), ("WORKLAOD", "WORKLOAD"), ("SERVERMODE", "SERVER_MODE"), ("BACKLOK", "BACKLOG")],
)  # fmt: skip
def test_one_letter_wrong_in_the_environment_is_refused(name, meant):
    """A letter less, more, another, or two that changed places."""
    with pytest.raises(Usage, match=rf"the environment has {name}, which is no knob; {meant} is one"):
        settings.read({name: "3"})


@pytest.mark.parametrize("name", FOREIGN)
def test_names_of_other_programs_are_left_alone(name, capsys):
    """Short words, small letters, what only begins like a knob, and what has one of its letters elsewhere."""
    settings.read({name: "3"})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("WORKLOADS", "WORKLOAD"), ("DIAL", "DIALS"), ("DIALS2", "DIALS"), ("DAILS", "DIALS"), ("WORKER", "WORKERS"),
     ("EVENT", "EVENTS"), ("PERIODS", "PERIOD"), ("HANDLERS", "HANDLER"), ("CONNLIMITS", "CONNLIMIT")],
)  # fmt: skip
def test_what_may_be_a_misspelt_knob_is_told(name, meant, capsys):
    """A plural, a singular, and what is like a knob of five letters: in one line, and the verb goes on."""
    read = settings.read({name: "hold", "CONNLIMIT": "3"})
    assert (read.connlimit, capsys.readouterr()) == (
        3, ("", f"lab: the environment has {name}, which is no knob and is not read; {meant} is one\n"),
    )  # fmt: skip


def test_a_verb_that_reads_few_knobs_judges_names_like_those(capsys):
    """The name of a lab, which all verbs read: with a wrong one `down` would remove another lab."""
    with pytest.raises(Usage, match="COMPOSE_PROJECT_NAM, which is no knob; COMPOSE_PROJECT_NAME is one"):
        settings.unchecked({"COMPOSE_PROJECT_NAM": "other"})
    with pytest.raises(Usage, match="REUSE_ADRESS, which is no knob; REUSE_ADDRESS is one"):
        settings.unchecked({"REUSE_ADRESS": "0"}, used={"REUSE_ADDRESS"})
    settings.unchecked({"REUSE_ADRESS": "0", "CONLIMIT": "3", "WORKLOADS": "hold"})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "message"),
    [("CONLIMIT=3", "CONLIMIT, which is no knob; CONNLIMIT is one"), ("FOO=3", "FOO, which is no knob$"),
     ("COMPOSE_PROJECT_NAMES=x", "COMPOSE_PROJECT_NAMES, which is no knob; COMPOSE_PROJECT_NAME is one")],
)  # fmt: skip
def test_a_line_of_the_file_that_nobody_reads_is_refused(tmp_path, line, message):
    """Whatever its name, because the file is the lab's."""
    (tmp_path / ".env").write_text(f"{menu.FILE.read_text()}\n{line}\n")
    with pytest.raises(Usage, match=rf"\.env has {message}"):
        settings.read({}, tmp_path)


def test_what_compose_and_docker_read_of_the_file_is_theirs(tmp_path):
    """The engine's address, say, which is then known to everybody (connlab.cluster.engine.environment)."""
    with (tmp_path / ".env").open("w") as file:
        file.write(menu.FILE.read_text() + "\nDOCKER_HOST=tcp://192.0.2.1:2375\nCOMPOSE_HTTP_TIMEOUT=90\n")
    assert settings.read({}, tmp_path).menu["DOCKER_HOST"] == "tcp://192.0.2.1:2375"
    assert settings.engine_variables({}, tmp_path) == {"DOCKER_HOST": "tcp://192.0.2.1:2375"}
    variables = settings.engine_variables({"DOCKER_HOST": "unix:///other", "A": "b"}, tmp_path)
    assert variables == {"DOCKER_HOST": "unix:///other", "A": "b"}, "the shell wins"


def recipes() -> dict[str, str]:
    """Return the recipe of each verb of the Makefile."""
    found = re.findall(
        r"^([a-z-]+):.*##.*\n((?:\t.*\n|    .*\n)+)", (HOME / "Makefile").read_text(), re.MULTILINE
    )
    assert len(found) >= 25, found
    return dict(found)


def test_every_option_of_the_makefile_may_be_typed():
    """The names that its recipes read are those that are known of each verb, so that no right one is refused.

    And those that the bench reads, which calls `lab`, and that judges what was typed after `make bench`.
    """
    read = {
        verb: set(re.findall(r"\$\$\{(\w+)[+-]", recipe)) - knob_values.KNOBS
        for verb, recipe in recipes().items()
    }
    of_bench = set(re.findall(r'environ\.get\("(\w+)"\)', (HOME / "bench/__main__.py").read_text()))
    assert len(of_bench) == 2, of_bench
    expected = {verb: options for verb, options in (read | {"bench": of_bench}).items() if options}
    assert {verb: set(options) for verb, options in knob_names.OPTIONS_OF.items()} == expected


def test_every_verb_looks_at_what_was_typed():
    """Each calls `lab` first, or has `.typed` before it, but for those that must do without the tools."""
    text = (HOME / "Makefile").read_text()
    careless = {
        verb
        for verb, recipe in recipes().items()
        if not re.match(r"\t@(set -f; )?\.venv/bin/lab ", recipe) and f"\n{verb}: .typed " not in text
    }
    assert careless == {"help", "lock", "clean"}


@pytest.mark.parametrize(
    ("names", "goals", "words"),
    [("CLIENT", "status", "CLIENT, which is an option of attempt, connect, talk and sockets, and not of status"),
     ("COUNT", "up", "COUNT, which is an option of attempt, and not of up"),
     ("N", "attempt", "N, which is an option of scale-clients, and not of attempt"),
     ("CONNLIMIT S", "up status", "S, which is an option of logs, and not of up and status"),
     ("N", "test", "N, which is an option of scale-clients, and not of test")],
)  # fmt: skip
def test_an_option_of_another_verb_is_refused(names, goals, words):
    """It would be ignored, though somebody typed it."""
    with pytest.raises(Usage, match=rf"make was given {words}") as refusal:
        settings.check_make_names({"CONNLAB_MAKE_NAMES": names, "CONNLAB_MAKE_GOALS": goals})
    assert "make help" in refusal.value.next_step


@pytest.mark.parametrize(
    ("names", "goals"),
    [("CLIENT COUNT", "up attempt"), ("CLIENT", "attempt"), ("CONNLIMIT PORT PYTHON", "down"), ("QUICK", "bench"),
     ("RULES SYSCTL PORT", "try"), ("CLIENT", "")],
)  # fmt: skip
def test_an_option_of_a_goal_may_be_typed(names, goals):
    """Of any of several; knobs with every verb; and `lab` that was not called by a goal of make's."""
    settings.check_make_names({"CONNLAB_MAKE_NAMES": names, "CONNLAB_MAKE_GOALS": goals})
