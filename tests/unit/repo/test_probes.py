"""Programs for hosts are files in probes/, which ruff and mypy read, and not strings of a test."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.syntax import HOME, nodes, trees

pytestmark = pytest.mark.xdist_group("syntax")  # one process parses all

# Their strings are no programs for a host: the module of another test run, and connlab in a process of its own.
OTHERS = {"tests.verbs.test_interrupt", "tests.hosts.test_machine", "tests.kernels.test_unfinished"}


def texts(tree: ast.AST) -> list[str]:
    """List the strings of a module; an f-string is one without what it fills in."""
    strings = [node for node in nodes(tree) if isinstance(node, (ast.Constant, ast.JoinedStr))]
    parts = [[getattr(part, "value", "") for part in getattr(node, "values", [node])] for node in strings]
    return ["".join(value for value in values if isinstance(value, str)) for values in parts]


def is_program(text: str) -> bool:
    """Return whether a text has three lines, one of which imports something for Python."""
    return text.count("\n") >= 2 and bool(re.search(r"^(import|from) \w", text, re.MULTILINE))


def test_no_program_for_a_host_is_a_string():
    """In the tests that have hosts; those of tests/unit have none."""
    modules = trees("tests/*.py", "tests/[!u]*/**/*.py")
    assert len(modules) >= 60, list(modules)
    assert {name for name, tree in modules.items() if any(map(is_program, texts(tree)))} == OTHERS


def test_each_probe_is_used():
    """By the lab or by an experiment, in `probes.argv("NAME")` or as its PROBE."""
    probes = {path.stem for path in HOME.glob("probes/*.py")}
    users = [*HOME.glob("connlab/**/*.py"), *HOME.glob("tests/[!u]*/**/*.py")]
    assert len(probes) >= 10, probes
    source = "\n".join(path.read_text() for path in users)
    assert probes == set(re.findall(r'(?:probes\.argv\(|^PROBE = )"(\w+)"', source, re.MULTILINE))
