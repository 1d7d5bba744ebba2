"""Who may import whom: the design's table, read off the syntax tree, so that no import hides from it."""

from __future__ import annotations

import ast
import graphlib
import re
import sys

import pytest

from tests.support.syntax import connlab_modules, imports, nodes, tops, trees, uses

pytestmark = pytest.mark.xdist_group("syntax")  # one process parses all

# Who may import whom, package by package of connlab/ (docs/design.md has the table for people). A package may use
# itself and what is here: every module of another package (ALL), or these of it.
ALL = {"*"}
PACKAGES: dict[str, dict[str, set[str]]] = {
    "machine": {},
    "base": {"machine": {"knobs"}},
    "cluster": {"base": ALL},
    "agent": {"base": ALL, "cluster": {"host"}},
    "kernel": {"base": {"errors", "model", "probes", "settings"}, "cluster": {"host", "stream"}},
    "evidence": {"base": ALL, "cluster": {"host"}, "kernel": {"policy", "snapshot"}},
    "report": {"base": {"errors", "output", "private_files", "settings"}, "evidence": ALL},
    "actions": {"base": ALL, "cluster": ALL, "agent": ALL, "kernel": ALL, "evidence": {"matrices"}},
    "trial": {
        "base": ALL, "cluster": ALL, "kernel": {"measured_kernels"},
        "kernels": {"archive", "guest", "guest_host", "side_by_side"},
    },
    "kernels": {"base": ALL, "cluster": ALL, "agent": {"idle", "session"}, "kernel": {"measured_kernels", "snapshot"}},
    "cli": {
        "trial": ALL, "kernels": ALL,
        "base": ALL, "cluster": ALL, "evidence": ALL, "report": ALL, "actions": ALL, "kernel": {"policy"},
        "machine": {"events"},
    },
}  # fmt: skip
# The modules of connlab.kernel that run commands on a host; parsers and models are given what was printed.
LOOKING = {"connlab.kernel.snapshot", "connlab.kernel.socket_monitor"}
HANDLES = {"Host", "Stream", "RunCommand"}  # what a command reaches a host through
ACTING = ("cluster", "agent", "kernel", "evidence", "actions")
REFERENCE = "connlab.kernel.reference_model"  # what the policy promises
PURE = (
    REFERENCE, "connlab.report.page", "connlab.report.drawing", "connlab.report.theme", "connlab.evidence.charts",
    "connlab.evidence.vega_lite",
)  # fmt: skip
DRAWING = {"connlab.report.page": {"jinja2", "markupsafe"}, "connlab.report.drawing": {"vl_convert"}}
IO = {
    "asyncio", "datetime", "io", "os", "pathlib", "random", "shutil", "socket", "subprocess", "sys", "tempfile",
}  # fmt: skip
IO |= {"threading", "time", "urllib", "docker", "requests"}

# Where the environment is looked at. The last is no knob: the folder for a lock.
READERS = (
    "read",
    "unchecked",
    "check_make_names",
    "tell_unread_options",
    "typed_options",
    "engine_variables",
)
ENVIRONMENT = {("connlab.base.settings", name) for name in READERS}
ENVIRONMENT |= {("connlab.base.lock", "_file"), ("connlab.base.lock", "folder")}
ENVIRONMENT |= {("connlab.base.checkout", "")}  # CONNLAB_HOME, which is no knob
# Who starts processes: Compose, the tools that make an image, and the terminal of `lab talk`.
STARTERS = {f"connlab.cluster.{name}" for name in ("compose", "images", "subprocesses")} | {
    "connlab.actions.talk"
}
SLEEPERS = {("connlab.base.wait", "until")}


@pytest.fixture(scope="module")
def lab() -> dict[str, ast.Module]:
    modules = trees("connlab/**/*.py")
    assert len(modules) >= 60, f"connlab/ has become so small that these tests see little: {list(modules)}"
    return modules


@pytest.mark.parametrize(("machine", "least"), [("server", 14), ("client", 15)])
def test_hosts_use_the_standard_library_and_what_they_share(machine, least):
    """A host runs Debian's Python and nothing from pip; of connlab its image holds the folder machine alone."""
    modules = trees(f"{machine}/*.py", f"{machine}/**/*.py")
    assert len(modules) >= least, list(modules)
    allowed = sys.stdlib_module_names | {machine, "connlab"}
    used = {name: imports(tree, name) for name, tree in modules.items()}
    assert not {name: extra for name, each in used.items() if (extra := tops(each) - allowed)}
    assert not {
        name: extra
        for name, each in used.items()
        if (extra := {one for one in connlab_modules(each) if not one.startswith("connlab.machine.")})
    }


def test_what_hosts_share_usedthe_standard_library_and_itself():
    """Each image copies this folder of connlab alone."""
    modules = trees("connlab/machine/*.py")
    assert len(modules) >= 3, list(modules)
    used = {name: imports(tree, name) for name, tree in modules.items()}
    foreign = {name: tops(each) - sys.stdlib_module_names - {"connlab"} for name, each in used.items()}
    others = {one for each in used.values() for one in connlab_modules(each)}
    assert not any(foreign.values()), foreign
    assert {package(one) for one in others} <= {"machine"}


def test_a_probe_imports_nothing_of_ours():
    """Its text is run on hosts that have none of our folders."""
    modules = trees("probes/*.py")
    assert len(modules) >= 10, list(modules)
    used = {name: tops(imports(tree, name)) - sys.stdlib_module_names for name, tree in modules.items()}
    assert not any(used.values()), used


def test_packages_import_only_what_the_table_says(lab):
    """Each import between packages of connlab/ is in the table, and the table allows none that nobody needs."""
    edges = {
        (package(name), package(used), used.rpartition(".")[2])
        for name, tree in lab.items()
        for used in connlab_modules(imports(tree, name))
        if package(name) in PACKAGES and package(used) != package(name)
    }
    assert {edge for edge in edges if not allowed(*edge)} == set()
    needed = {(user, used) for user, used, _ in edges}
    assert {(user, used) for user, row in PACKAGES.items() for used in row} == needed
    assert {name for name in map(package, lab) if name} == set(PACKAGES)


def package(module: str) -> str:
    """Return `kernel` for connlab.kernel.snapshot; nothing for what is beside the packages."""
    parts = module.split(".")
    return parts[1] if len(parts) > 2 else ""


def allowed(user: str, used: str, module: str) -> bool:
    """Return whether the table lets a package use a module of another one."""
    row = PACKAGES[user].get(used, set())
    return row == ALL or module in row


def test_parsers_and_models_do_not_look(lab):
    """Exactly these modules of connlab.kernel run commands on a host; no other module of it uses them."""
    kernel = {name: tree for name, tree in lab.items() if package(name) == "kernel"}
    used = {name: connlab_modules(imports(tree, name)) for name, tree in kernel.items()}
    handles = {
        name for name, tree in kernel.items()
        if HANDLES & {node.id for node in nodes(tree) if isinstance(node, ast.Name)}
    }  # fmt: skip
    assert handles == LOOKING
    assert {name for name in kernel if any(package(module) == "cluster" for module in used[name])} <= LOOKING
    assert {name for name in kernel if used[name] & LOOKING} == set()


def test_the_reference_model_neither_looks_nor_dials_nor_knows_the_time(lab):
    """What the policy promises, and how a page looks, are functions of what they are given alone."""
    imported = {name: tops(imports(lab[name], name)) for name in PURE}
    assert {name: extra for name, used in imported.items() if (extra := used & IO)} == {}
    assert not [name for name in imported if "open(" in ast.unparse(lab[name])]
    outside = sys.stdlib_module_names | {"connlab"}
    assert {name: extra for name, used in imported.items() if (extra := used - outside)} == DRAWING


def test_what_acts_or_observes_does_not_know_the_right_answer(lab):
    """No module that acts, observes or records reaches the reference model, not even through a third one."""
    direct = {name: connlab_modules(imports(tree, name)) for name, tree in lab.items()}
    starts = [name for name in lab if package(name) in ACTING and name != REFERENCE]
    assert len(starts) >= 40
    for start in starts:
        reached, todo = set(), {start}
        while todo:
            reached |= todo
            todo = set().union(*(direct.get(name, set()) for name in todo)) - reached
        assert REFERENCE not in reached, f"{start} can reach {REFERENCE}"


def test_one_module_speaks_to_docker(lab):
    """Only connlab.cluster.engine imports the Docker SDK, or the HTTP library beneath it."""
    assert {name for name, tree in lab.items() if tops(imports(tree)) & {"docker", "requests"}} == {
        "connlab.cluster.engine"
    }


def test_one_module_runs_compose(lab):
    """Four modules start processes at all; what builds images or talks never says `compose`."""
    exec_ = [
        f"os.{name}" for name in ("system", "popen", "execv", "execve", "execvp", "execvpe", "posix_spawn")
    ]
    starters = {name for name, tree in lab.items() if "subprocess" in tops(imports(tree))}
    assert starters | {module for module, _ in uses(lab, *exec_)} == STARTERS
    argvs = [
        node
        for name in ("connlab.cluster.images", "connlab.actions.talk")
        for node in nodes(lab[name])
        if isinstance(node, (ast.List, ast.Tuple))
    ]
    words = {word.value for argv in argvs for word in argv.elts if isinstance(word, ast.Constant)}
    assert {"docker", "build", "exec"} <= words, "the argument lists were not found"
    assert not words & {"compose", "docker-compose"}


def test_one_module_reads_the_environment(lab):
    """A knob has one door: connlab.base.settings. Compose gets the rest of the environment passed on, unread."""
    ours = {name: tree for name, tree in lab.items() if package(name) != "machine"}  # a host reads its own
    assert uses(ours, "os.environ", "os.environb", "os.getenv", "os.getenvb") == ENVIRONMENT


def test_nobody_imports_the_command_line():
    """It is the top: what others need of it belongs below it. Unit tests call it, as a user does."""
    modules = trees("connlab/**/*.py", "tests/*.py", "tests/[!u]*/*.py", "bench/*.py")
    assert len(modules) >= 20, list(modules)
    assert [
        name for name, tree in modules.items() if "connlab.cli.main" in connlab_modules(imports(tree, name))
    ] == [
        "connlab.__main__",  # `python -m connlab`, which is the same command
        "tests.support.forked_verbs",  # calls it in a copied checkout
        "tests.support.in_process",  # calls it as a user does, for the tests of the verbs
    ]


def test_experiments_speak_of_hosts_not_of_plumbing():
    """An experiment uses fixtures and the lab's words; no Docker, no processes, no clock."""
    modules = trees("tests/experiments/*.py", "tests/time_wait/*.py")
    assert modules, "there are no experiments"
    plumbing = {"docker", "subprocess", "time", "requests", "os", "socket"}
    assert {
        name: bad for name, tree in modules.items() if (bad := tops(imports(tree, name)) & plumbing)
    } == {}
    hidden = {"connlab.cluster.compose", "connlab.cli.main", "connlab.cluster.images"}
    assert {
        name: bad for name, tree in modules.items() if (bad := connlab_modules(imports(tree, name)) & hidden)
    } == {}


def test_no_test_module_imports_another():
    """What two test modules share is in tests/support/, in a conftest, or in a module beside them that has no tests."""
    modules = trees("tests/**/*.py")
    assert len(modules) >= 150, list(modules)
    assert {
        name: test_modules
        for name, tree in modules.items()
        if (test_modules := modules_of_tests(imports(tree, name)))
    } == {}
    assert modules_of_tests(
        imports(ast.parse("from tests.hosts.test_quick import x\nimport tests.conftest"))
    ) == {"tests.hosts.test_quick", "tests.conftest"}


def modules_of_tests(names: set[str]) -> set[str]:
    """Return those of dotted names that lead into a module of tests or a conftest."""
    return {name for name in names if name.startswith("tests.") and re.search(r"\.(test_|conftest)", name)}


def test_no_test_reads_ss_by_hand():
    """Sockets of a host come through the lab's own parser of ss(8): tests/support/sockets.py, connlab.kernel."""
    modules = trees("tests/*.py", "tests/[!u]*/**/*.py")
    assert len(modules) >= 60, list(modules)
    assert {name for name, tree in modules.items() if runs_ss(tree)} == set()
    ways = ('run(["ss", "-tanH"])', 'run(("sh", "-c", "ss -tn"))', 'run(f"ss -t {x}")')
    assert [runs_ss(ast.parse(way)) for way in ways] == [True] * 3


def runs_ss(tree: ast.AST) -> bool:
    """Return whether a text in it is the command ss, alone or with options."""
    texts = (node.value for node in nodes(tree) if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and re.match(r"ss( -|$)", text) for text in texts)


def test_lab_is_started_as_a_process_in_one_place():
    """`python -m connlab` is an argument list in tests/support/processes.py alone."""
    starters = {name for name, tree in trees("tests/**/*.py").items() if starts_lab(tree)}
    assert starters == {"tests.support.processes"}


def starts_lab(tree: ast.AST) -> bool:
    """Return whether a list or tuple in it has the word -m, and then connlab."""
    rows = (node.elts for node in nodes(tree) if isinstance(node, (ast.List, ast.Tuple)))
    lines = (" ".join(str(getattr(word, "value", "")) for word in row) for row in rows)
    return any("-m connlab" in line for line in lines)


def test_no_test_sleeps():
    """A test waits for a condition, with a deadline and a reason (connlab.base.wait.until)."""
    modules = trees("tests/*.py", "tests/**/*.py")
    assert len(modules) >= 12, list(modules)
    assert uses(modules, "time.sleep", "asyncio.sleep") == set()


def test_the_lab_sleeps_in_one_place(lab):
    """connlab.base.wait is the lab's only wait; the hold that a person asks for listens to its agent meanwhile."""
    assert uses(lab, "time.sleep", "asyncio.sleep") == SLEEPERS


def test_the_scanner_sees_what_it_must():
    """The control: each way to write a forbidden thing is found, so the empty sets above mean something."""
    tree = ast.parse(
        "import docker.errors\nfrom connlab.cli import main\nfrom connlab.cluster.hosts import Host\n"
        "from . import reference_model\n"
        "from connlab.report import page\nfrom connlab.report.drawing import drawn\n"
        "def f():\n    import time\n    time.sleep(1)\ndef g():\n    from time import sleep\n"
    )
    assert imports(tree, "connlab.kernel.x") == {
        "docker.errors", "connlab.cli.main", "connlab.report.page", "connlab.report.drawing", "connlab.cluster.hosts",
        "connlab.kernel.reference_model", "time", "time.sleep",
    }  # fmt: skip
    drawing = {"connlab.report.page", "connlab.report.drawing"}
    assert (
        connlab_modules(imports(tree, "connlab.kernel.x"))
        == {"connlab.cli.main", "connlab.cluster.hosts", "connlab.kernel.reference_model"} | drawing
    )
    assert uses({"connlab.kernel.x": tree}, "time.sleep") == {
        ("connlab.kernel.x", "f"),
        ("connlab.kernel.x", "g"),
    }


def test_no_modules_import_each_other_in_a_circle():
    """On the laboratory's side as on the hosts', also where only a type is wanted."""
    folders = ("connlab", "server", "client", "namespaces", "kernels", "bench")
    modules = trees(*(f"{folder}/**/*.py" for folder in folders))
    used = {
        name: {_ours(one, modules) for one in imports(tree, name)} - {name, ""}
        for name, tree in modules.items()
    }
    try:
        graphlib.TopologicalSorter(used).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def _ours(name: str, modules: dict[str, ast.Module]) -> str:
    """Return the module of a dotted name, as namespaces.hosts of namespaces.hosts.Hosts; none of another's."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name
