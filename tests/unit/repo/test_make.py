"""make hands over what a user gives, and expands none of it: as typed to the verb, whatever it would mean to make."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.menu import MENU
from tests.support.processes import environment_without, run_program, write_program

HOME = Path(__file__).parents[3]
# What each verb is called with; {N} is the option N.
CALLS = {
    "try": ["try", "--of-make", "--expect", "{EXPECT}", "--", "{RULES}"],
    "scale-clients": ["scale", "--", "{N}"],
    "logs": ["logs", "--follow={F}", "--service", "{S}"],
    "attempt": ["attempt", "--client", "{CLIENT}", "--count", "{COUNT}", "--hold", "{HOLD}"],
    "connect": ["connect", "--client", "{CLIENT}", "--", "{TO}"],
    "talk": ["talk", "--client", "{CLIENT}"],
    "sockets": ["sockets", "--client", "{CLIENT}"],
    "report": ["report", "--", "{RUN}"],
    "pages": ["pages", "--run", "{RUN}"],
    "claims": ["claims", "--run", "{RUN}"],
}
OPTIONS = sorted(set(re.findall(r"{(\w+)}", str(CALLS))))
KNOBS = list(MENU)
NAMES = [*OPTIONS, *KNOBS, "PYTHON", "LAB", "MISSPELT"]
TYPED = "CONNLAB_MAKE_NAMES"  # the names on make's command line
GOALS = "CONNLAB_MAKE_GOALS"
OUTER = ("MAKE", "MFLAGS", "CONNLAB")  # what a make around these tests has
HOSTILE = (
    "$(shell touch ran)", "${shell touch ran}", "$$(shell touch ran)", "`touch ran`", "$$(touch ran)", "$(touch ran)",
    "; touch ran", "' ; touch ran; '", '" ; touch ran; "', "1\ntouch ran", "$(eval x:=$(shell touch ran))$x",
    "$(error no)", "\\$(shell touch ran)", "$(if $(COUNT),$(shell touch ran))", "$$$(shell touch ran)", "#", "a  b ",
    "%", "$", "-n", "",
)  # fmt: skip
# A number, so many arguments, the environment, and nothing: each ends with a NUL, and no word of these has one.
VERB = """printf '%s\\0' "$#" "$@"
env -0
printf '\\0'
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """Make a folder with the Makefile, and a `lab` and tools that only write down what they were given."""
    folder = tmp_path_factory.mktemp("make")
    for name in ("Makefile", ".env", "pyproject.toml", "requirements.lock"):
        shutil.copy(HOME / name, folder)
    for name in (".venv/bin/lab", ".ci/lock", ".ci/venv"):
        program = folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        write_program(program, VERB)
    (folder / ".venv/.ready").touch()
    return folder


def written(output: str) -> Iterator[tuple[list[str], dict[str, str | None]]]:
    """Yield what each program wrote down: its arguments, and its environment of NAMES and TYPED."""
    words = iter(output.split("\0"))
    while count := next(words):
        argv = [next(words) for _ in range(int(count))]
        environment = dict(word.split("=", 1) for word in iter(lambda: next(words), ""))
        yield argv, {name: environment.get(name) for name in (*NAMES, TYPED)}


@pytest.fixture(params=["typed", "environment"])
def make(checkout, request):
    """Return a function: `make(*targets, NAME=value)` returns arguments and environment of each program that ran."""

    def run(*targets: str, **values: str) -> list[tuple[list[str], dict[str, str]]]:
        clean = {
            name: value
            for name, value in os.environ.items()
            if name not in (*NAMES, TYPED) and not name.startswith(("MAKE", "MFLAGS"))
        }
        words = [f"{name}={value}" for name, value in values.items()] if request.param == "typed" else []
        result = run_program(["make", *targets, *words], checkout, clean if words else clean | values)
        assert not list(checkout.rglob("ran*")), "make ran a command of the value's"
        assert (result.returncode, result.stderr) == (0, "")
        calls = list(written(result.stdout))
        for _, environment in calls:
            assert set(environment.pop(TYPED).split()) == (values.keys() if words else set())
        return calls

    return run


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_given_is_handed_over(make, value):
    """An option is one argument, also nothing; a knob, and a name that nobody knows, are as given."""
    calls = make(*CALLS, **dict.fromkeys(NAMES, value))
    assert [argv for argv, _ in calls] == [
        [re.sub(r"{\w+}", lambda _: value, word) for word in call] for call in CALLS.values()
    ]
    assert all(environment == dict.fromkeys(NAMES, value) for _, environment in calls)


def test_each_option_has_its_own_place(make):
    """With a value of its own for each."""
    calls = make(*CALLS, **{name: f"of {name}" for name in NAMES})
    assert [argv for argv, _ in calls] == [
        [re.sub(r"{(\w+)}", r"of \1", word) for word in call] for call in CALLS.values()
    ]


def test_what_is_not_given_is_not_handed_over(make):
    """Then the verb's own defaults hold."""
    assert [argv for argv, _ in make(*CALLS)] == [
        ["try", "--of-make", "--"], ["scale", "--", ""], ["logs"], ["attempt"], ["connect", "--"], ["talk"],
        ["sockets"], ["report", "--"], ["pages"], ["claims"],
    ]  # fmt: skip


@pytest.mark.parametrize("value", [*HOSTILE, "*", "6.12.57  engine\t[a-z]* ?"])
def test_kernels_are_words_and_no_names_of_files(make, value):
    """Each word of KERNELS is one argument, as it is."""
    ((argv, _),) = make("kernels", KERNELS=value, CLAIMS=value)
    assert argv == ["kernels", "--claims", value, "--", *value.split()]


@pytest.mark.parametrize("value", ["$(shell touch ran)", '"; touch ran; "', "$$(touch ran)"])
def test_the_interpreter_is_no_text_of_a_recipe(make, checkout, value):
    """PYTHON, of which a user says with what .venv is made, and the tools are pinned."""
    ready = checkout / ".venv/.ready"
    os.utime(ready, (0, 0))
    (_, of_venv), (_, of_lock) = make(".venv/.ready", "lock", PYTHON=value)
    ready.touch()
    assert [of_venv["PYTHON"], of_lock["PYTHON"]] == [value, value]


@pytest.mark.parametrize("value", ["$(shell touch ran)", "$$(touch ran)", "up"])
@pytest.mark.parametrize("name", ["MAKECMDGOALS", GOALS])
@pytest.mark.parametrize("place", ["typed", "environment"])
def test_the_goals_are_handed_over(checkout, name, value, place):
    """All that were typed, to each; a value of a user's that has make's name for them is neither expanded nor taken."""
    words, environment = ([f"{name}={value}"], {}) if place == "typed" else ([], {name: value})
    result = run_program(
        ["make", "status", "doctor", *words], checkout, environment_without(OUTER, **environment)
    )
    assert not list(checkout.rglob("ran*")), "make ran a command of the value's"
    told = re.findall(rf"(?:^|\0){GOALS}=([^\0]*)", result.stdout)
    assert (result.returncode, told) == (0, ["status doctor" if name == GOALS else ""] * 2)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 130])
def test_make_makes_2_of_every_failure(checkout, tmp_path, code):
    """And has the verb's own code in its last line: as README.md and docs/verbs.md say."""
    shutil.copytree(checkout, tmp_path, dirs_exist_ok=True)
    write_program(tmp_path / ".venv/bin/lab", f"exit {code}")
    result = run_program(["make", "try"], tmp_path, environment_without(OUTER, LC_ALL="C"))
    assert result.returncode == 2
    assert re.fullmatch(rf"make: \*\*\* \[Makefile:\d+: try\] Error {code}\n", result.stderr)
    for page in ("README.md", "docs/verbs.md"):
        assert "make: *** [Makefile:…: try] Error 3" in (HOME / page).read_text()


def test_goals_are_told_without_options(checkout):
    """The control: two goals, each of which learns of both."""
    result = run_program(["make", "up", "attempt", "CLIENT=2"], checkout, environment_without(OUTER))
    assert re.findall(rf"(?:^|\0){GOALS}=([^\0]*)", result.stdout) == ["up attempt"] * 2


def test_no_line_of_the_makefile_refers_to_a_name_of_the_users():
    """Only to functions, to its own and to automatic ones: nothing else keeps a value from being expanded."""
    text = "\n".join(line for line in (HOME / "Makefile").read_text().splitlines() if line[:1] != "#")
    referred = set(re.findall(r"(?<!\$)\$(?:\$\$)*[({]?([\w.]+)", text))
    assert referred == {
        "foreach", ".VARIABLES", "if", "findstring", "CONNLAB_MAKE_NAMES", "v", "eval", "filter", "word", "origin",
        "value",
    }  # fmt: skip


def test_a_folder_is_no_verb_that_does_nothing():
    """`make tests` is refused, and so is every folder of the repository that is not a verb's name too."""
    made_here = re.compile(r"\.|build$|__pycache__$|.*\.egg-info$")
    folders = {path.name for path in HOME.iterdir() if path.is_dir() and not made_here.match(path.name)}
    assert folders >= {"server", "client", "firewall", "sysctl", "tests"}
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (HOME / "Makefile").read_text(), re.MULTILINE))
    for folder in folders - verbs:
        result = run_program(["make", folder], HOME, environment_without(OUTER))
        told = f"make: {folder} is a folder, not a verb; next: make help\n"
        assert (result.returncode, result.stderr.startswith(told)) == (2, True), (folder, result.stdout)
