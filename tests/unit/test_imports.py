"""Who may import whom: the design's table, read off the syntax tree, so that no import hides from it."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.unit.syntax import imports, lab_names, tops, trees, uses


def drawing(*names: str) -> set[str]:
    return {f"lab.drawing.{name}" for name in names}


# What a module of lab/ may use of lab/. lab.errors, the words of a refusal, is free for all.
MAY_USE = {
    "lab.model": set(),
    "lab.errors": set(),
    "lab.words": set(),
    "lab.predict": {"lab.model"},
    "lab.chart": set(),
    "lab.drawing.markup": {"lab.words"},
    "lab.drawing.look": set(),
    "lab.drawing.axis": {"lab.chart"},
    "lab.drawing.frame": {"lab.chart", *drawing("axis")},
    "lab.drawing.labels": {"lab.chart", *drawing("axis", "frame", "markup")},
    "lab.drawing.svg": {"lab.chart", *drawing("axis", "frame", "labels", "markup")},
    "lab.report": {"lab.chart", *drawing("axis", "look", "markup", "svg")},
    "lab.settings": {"lab.envfile", "lab.misspelt"},
    "lab.envfile": set(),
    "lab.misspelt": set(),
    "lab.observe": {"lab.model"},
    "lab.policy": {"lab.observe"},
}
MAY_NOT_USE = {
    "lab.engine": {"lab.predict", "lab.report", "lab.runs", "lab.hosts"},
    "lab.hosts": {"lab.predict", "lab.report", "lab.runs"},
    "lab.compose": {"lab.predict", "lab.report", "lab.runs"},
}
BLIND = ("lab.traffic", "lab.evidence", "lab.census")  # hands and eyes: not even through others
JUDGES = ("lab.predict", "lab.report")  # and all that draws for the report
DRAWING = [name for name in MAY_USE if name.startswith("lab.drawing.")]
IO = {
    "asyncio",
    "datetime",
    "io",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
}
IO |= {"threading", "time", "urllib", "docker", "requests"}

# Where the environment is looked at. The last is no knob: the folder for a lock.
ENVIRONMENT = {("lab.settings", name) for name in ("read", "unchecked", "typed", "engine_variables")}
ENVIRONMENT |= {("lab.lock", "_file"), ("lab.lock", "folder")}
# Who starts processes: Compose, the tools that make an image, and the terminal of `lab talk`.
STARTERS = {"lab.compose", "lab.images", "lab.talk"}
SLEEPERS = {("lab.wait", "until")}


@pytest.fixture(scope="module")
def lab() -> dict[str, ast.Module]:
    found = trees("lab/**/*.py")
    assert len(found) >= 19, f"lab/ has become so small that these tests see little: {list(found)}"
    return found


@pytest.mark.parametrize(("machine", "least"), [("server", 14), ("client", 15)])
def test_machines_use_the_standard_library_and_themselves(machine, least):
    """A host runs Debian's Python and nothing from pip; the two hosts share a format, not code."""
    modules = trees(f"{machine}/*.py", f"{machine}/**/*.py")
    assert len(modules) >= least, list(modules)
    allowed = sys.stdlib_module_names | {machine}
    foreign = {
        name: extra for name, tree in modules.items() if (extra := tops(imports(tree, name)) - allowed)
    }
    assert not foreign


def test_low_modules_use_only_what_the_table_says(lab):
    """Words use nothing, the judge and the eyes use only words, the knobs use nothing."""
    seen = {name: lab_names(imports(lab[name], name)) - {"lab.errors"} for name in MAY_USE if name in lab}
    assert len(seen) >= 4, list(seen)
    assert {name: extra for name, used in seen.items() if (extra := used - MAY_USE[name])} == {}


def test_low_modules_use_nothing_from_pip(lab):
    """The same modules need nothing but the standard library."""
    seen = {name: tops(imports(lab[name], name)) - {"lab"} for name in MAY_USE if name in lab}
    assert len(seen) >= 4, list(seen)
    assert {name: extra for name, used in seen.items() if (extra := used - sys.stdlib_module_names)} == {}


def test_the_judge_neither_looks_nor_dials_nor_knows_the_time(lab):
    """What the policy promises, and how a page looks, are functions of what they are given alone."""
    seen = {name: tops(imports(lab[name], name)) for name in (*JUDGES, "lab.chart", *DRAWING)}
    assert {name: extra for name, used in seen.items() if (extra := used & IO)} == {}
    assert not [name for name in seen if "open(" in ast.unparse(lab[name])]


def test_containers_and_compose_do_not_judge(lab):
    """Those who touch the hosts know nothing of right and wrong."""
    seen = {name: lab_names(imports(lab[name], name)) for name in MAY_NOT_USE}
    assert {name: bad for name, used in seen.items() if (bad := used & MAY_NOT_USE[name])} == {}


def test_hands_and_eyes_do_not_know_the_right_answer(lab):
    """Neither traffic nor evidence reaches the prediction, not even through a third module."""
    direct = {name: lab_names(imports(tree, name)) for name, tree in lab.items()}
    for start in (name for name in BLIND if name in lab):
        reached, todo = set(), {start}
        while todo:
            reached |= todo
            todo = set().union(*(direct.get(name, set()) for name in todo)) - reached
        assert len(reached) > 3, f"{start} reaches only {reached}"
        assert "lab.predict" not in reached, f"{start} can reach lab.predict"


def test_one_module_speaks_to_docker(lab):
    """Only lab.engine imports the Docker SDK, or the HTTP library beneath it."""
    assert {name for name, tree in lab.items() if tops(imports(tree)) & {"docker", "requests"}} == {
        "lab.engine"
    }


def test_one_module_runs_compose(lab):
    """Three modules start processes at all; the others build images and talk, and never say `compose`."""
    exec_ = [
        f"os.{name}" for name in ("system", "popen", "execv", "execve", "execvp", "execvpe", "posix_spawn")
    ]
    starters = {name for name, tree in lab.items() if "subprocess" in tops(imports(tree))}
    assert starters | {module for module, _ in uses(lab, *exec_)} == STARTERS
    nodes = [node for name in ("lab.images", "lab.talk") for node in ast.walk(lab[name])]
    argvs = [node for node in nodes if isinstance(node, (ast.List, ast.Tuple))]
    words = {word.value for argv in argvs for word in argv.elts if isinstance(word, ast.Constant)}
    assert {"docker", "build", "exec"} <= words, "the argument lists were not found"
    assert not words & {"compose", "docker-compose"}


def test_one_module_reads_the_environment(lab):
    """A knob has one door: lab.settings. Compose gets the rest of the environment passed on, unread."""
    assert uses(lab, "os.environ", "os.environb", "os.getenv", "os.getenvb") == ENVIRONMENT


def test_nobody_imports_the_command_line():
    """lab.cli is the top: what others need of it belongs below it. (Unit tests call it, as a user does.)"""
    modules = trees("lab/**/*.py", "tests/*.py", "tests/[!u]*/*.py", "bench/*.py")
    assert len(modules) >= 20, list(modules)
    assert [name for name, tree in modules.items() if "lab.cli" in lab_names(imports(tree, name))] == [
        "lab.__main__",  # `python -m lab`, which is the same command
        "tests.typed",  # calls it as a user does, for the tests of the verbs
    ]


def test_experiments_speak_of_hosts_not_of_plumbing():
    """An experiment uses fixtures and the lab's words; no Docker, no processes, no clock."""
    modules = trees("tests/experiments/*.py", "tests/time_wait/*.py")
    assert modules, "there are no experiments"
    plumbing = {"docker", "subprocess", "time", "requests", "os", "socket"}
    assert {
        name: bad for name, tree in modules.items() if (bad := tops(imports(tree, name)) & plumbing)
    } == {}
    hidden = {"lab.compose", "lab.cli", "lab.images"}
    assert {
        name: bad for name, tree in modules.items() if (bad := lab_names(imports(tree, name)) & hidden)
    } == {}


def test_no_test_sleeps():
    """A test waits for a condition, with a deadline and a reason (lab.wait.until)."""
    modules = trees("tests/*.py", "tests/**/*.py")
    assert len(modules) >= 12, list(modules)
    assert uses(modules, "time.sleep", "asyncio.sleep") == set()


def test_the_lab_sleeps_in_one_place(lab):
    """lab.wait is the lab's only wait; the hold that a person asks for listens to its agent meanwhile."""
    assert uses(lab, "time.sleep", "asyncio.sleep") == SLEEPERS


def test_the_scanner_sees_what_it_must():
    """The control: each way to write a forbidden thing is found, so the empty sets above mean something."""
    tree = ast.parse(
        "import docker.errors\nfrom lab import cli\nfrom lab.hosts import Host\nfrom . import predict\n"
        "from lab.drawing import look\nfrom lab.drawing.svg import drawn\n"
        "def f():\n    import time\n    time.sleep(1)\ndef g():\n    from time import sleep\n"
    )
    assert imports(tree, "lab.x") == {
        "docker.errors",
        "lab.cli",
        "lab.drawing.look",
        "lab.drawing.svg",
        "lab.hosts",
        "lab.predict",
        "time",
        "time.sleep",
    }
    drawing = {"lab.drawing.look", "lab.drawing.svg"}
    assert lab_names(imports(tree, "lab.x")) == {"lab.cli", "lab.hosts", "lab.predict"} | drawing
    assert uses({"lab.x": tree}, "time.sleep") == {("lab.x", "f"), ("lab.x", "g")}
