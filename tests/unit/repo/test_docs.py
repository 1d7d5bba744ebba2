"""The pages against the code: what is there is written, what is written is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from client.protocol import REQUESTS
from connlab.base.knob_values import REQUIRED
from tests.time_wait.endings import WAYS

HOME = Path(__file__).parents[3]


def page(name: str) -> str:
    path = HOME / name
    assert path.exists(), f"{name} is not written yet"
    return path.read_text()


def table_words(text: str) -> set[str]:
    """Return what stands in backquotes in the tables of a page, `make up N=1` also as `make up`."""
    cells = re.findall(r"`([^`]+)`", "\n".join(line for line in text.splitlines() if line.startswith("|")))
    return {*cells, *(" ".join(cell.split()[:2]) for cell in cells)}


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` ", text, re.MULTILINE)


TARGETS = re.findall(r"^([a-z][a-z0-9-]*):(?!=)(.*)$", page("Makefile"), re.MULTILINE)
KNOBS = re.findall(r"^(\w+)=", page(".env"), re.MULTILINE)


def test_the_makefile_has_its_verbs():
    """The control of the two below."""
    assert {"up", "scale-clients", "status", "logs", "attempt", "down", "doctor", "test", "help"} <= dict(
        TARGETS
    ).keys()


@pytest.mark.parametrize(("target", "rest"), TARGETS)
def test_a_target_has_its_help(target, rest):
    """`make help` lists it, with a sentence."""
    sentence = re.search(r"## ([A-Z].{8,})", rest)
    assert sentence, f"{target} has no help"
    assert len(sentence[1]) <= 80 - len("  scale-clients  "), f"{target}: broken at 80 columns"


@pytest.mark.parametrize("target", [target for target, _ in TARGETS])
def test_a_target_is_in_the_page_of_verbs(target):
    """Its table has it."""
    assert f"make {target}" in table_words(page("docs/verbs.md"))


def test_the_readme_is_short_and_has_ten_verbs():
    """A newcomer reads all of it; its verbs are verbs."""
    readme = page("README.md")
    assert len(readme.splitlines()) <= 150
    section = readme.partition("\n## Ten verbs\n")[2].partition("\n## ")[0]
    verbs = re.findall(r"^\| `make ([a-z-]+)", section, re.MULTILINE)
    assert len(set(verbs)) == len(verbs) == 10
    assert set(verbs) <= dict(TARGETS).keys()


@pytest.mark.parametrize("knob", KNOBS)
def test_a_knob_is_commented(knob):
    """The line above each knob says what it is."""
    above, _, _ = page(".env").partition(f"\n{knob}=")
    assert re.match(r"# \S.{15,}", above.splitlines()[-1]), f"{knob} has no comment"


@pytest.mark.parametrize("knob", KNOBS)
def test_a_knob_is_in_the_page_of_knobs(knob):
    """Its table has it."""
    assert knob in table_words(page("docs/knobs.md"))


def test_the_page_of_knobs_has_every_mode():
    """In the row of SERVER_MODE, and as a row of the table of servers."""
    modes = {path.stem for path in (HOME / "server/modes").glob("*.py")} - {"__init__"}
    text = page("docs/knobs.md")
    row = re.search(r"^\| `SERVER_MODE` \|.*$", text, re.MULTILINE)[0]
    assert modes <= set(re.findall(r"`(\w+)`", row))
    assert modes == set(first_cells(text.partition("\n## Servers\n")[2])) - {"SERVER_MODE"}  # its heading


def test_the_menu_is_what_the_lab_checks():
    """No knob is checked that .env does not have, and compose.yaml asks for none besides."""
    assert set(KNOBS) - set(REQUIRED) == {"GREETING"}
    variables = set(re.findall(r"\$\{(\w+)\}", page("compose.yaml")))
    assert variables <= set(KNOBS)
    assert len(variables) > 10


def emitted(machine: str) -> set[str]:
    """Return the events that a machine's code emits, also through a function that hands its first argument on."""
    trees = {path: ast.parse(path.read_text()) for path in sorted((HOME / machine).rglob("*.py"))}
    functions = [
        node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    ]
    handing_on = {"emit", "emit_each"} | {function.name for function in functions if _hands_on(function)}
    names = set()
    for path, tree in trees.items():
        for argument in firsts(tree, handing_on):
            if isinstance(argument, ast.Constant):
                names.add(argument.value)
            else:
                assert isinstance(argument, ast.Name), f"{path}:{argument.lineno}: which event is this?"
    return names


def _hands_on(function: ast.FunctionDef) -> bool:
    """Return whether a function emits the event that its own first argument names."""
    own = [arg.arg for arg in function.args.args if arg.arg != "self"][:1]
    return any(isinstance(arg, ast.Name) and arg.id in own for arg in firsts(function, {"emit"}))


def firsts(tree: ast.AST, names: set[str]) -> list[ast.expr]:
    """Return the first arguments of every call of one of these functions."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return [call.args[0] for call in calls if ast.unparse(call.func).rpartition(".")[2] in names]


@pytest.mark.parametrize(("machine", "least"), [("server", 13), ("client", 10)])
def test_the_event_page_is_complete(machine, least):
    """Every event in the code is a row, every row is in the code; neither has it twice."""
    rows = first_cells(page("docs/events.md").partition(f"\n## {machine.title()}\n")[2].partition("\n## ")[0])
    assert len(rows) == len(set(rows)) >= least
    assert set(rows) == emitted(machine)


def test_the_agent_page_is_complete():
    """Every verb is a row with each of its fields, every row is a verb."""
    text = page("docs/agent.md")
    assert first_cells(text) == list(REQUESTS)
    for verb, request in REQUESTS.items():
        row = re.search(rf"^\| `{verb}` \|(.*)$", text, re.MULTILINE)[1]
        target = set() if "as in `open`" not in row else {"host", "port", "timeout_ms", "source"}
        assert set(request._fields) - target <= set(re.findall(r"`(\w+)`", row)), verb


def test_the_table_of_endings_is_the_experiments():
    """docs/time-wait.md says of each way what the experiment holds against real hosts, in its order."""
    words = {None: "nothing", "TIME-WAIT": "TIME_WAIT"}
    _, _, table = page("docs/time-wait.md").partition(
        "left on the client | left on the server |\n|---|---|---|\n"
    )
    rows = [line.strip("| ").split(" | ")[1:] for line in table.partition("\n\n")[0].splitlines()]
    assert rows == [[words[states["client"]], words[states["server"]]] for states in WAYS.values()]
