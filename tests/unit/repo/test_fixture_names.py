"""Fixtures that are asked for by name, where tests are chosen or sorted: another of that name would be taken for it.

A test of `lab try` had a fixture `tried` as tests/kernels had: half of its guest's minutes were for a test left out.
"""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from tests.support.syntax import nodes, trees

pytestmark = pytest.mark.xdist_group("syntax")  # one process parses all
ASKING = {"fixturenames", "getfixturevalue"}


def definitions(modules: dict[str, ast.Module], *decorators: str) -> dict[str, list[str]]:
    """Return the modules that define a function with one of these decorators, by the function's name."""
    modules_by_name = defaultdict(list)
    for module, tree in modules.items():
        for node in nodes(tree):
            if isinstance(node, ast.FunctionDef) and any(
                decorator in ast.unparse(each).partition("(")[0].split(".")
                for each in node.decorator_list for decorator in decorators
            ):  # fmt: skip
                modules_by_name[node.name].append(module)
    return modules_by_name


def asked_by_name(modules: dict[str, ast.Module]) -> set[str]:
    """Return every text in a function that asks for fixtures by their names, and in a constant that it uses."""
    asked = set()
    for tree in modules.values():
        constants = {
            target.id: texts(statement)
            for statement in tree.body if isinstance(statement, ast.Assign)
            for target in statement.targets if isinstance(target, ast.Name)
        }  # fmt: skip
        for node in nodes(tree):
            if isinstance(node, ast.FunctionDef):
                used, written = names(node), texts(node)
                if ASKING & (used | written):
                    asked |= written.union(*(constants.get(name, set()) for name in used))
    return asked


def texts(node: ast.AST) -> set[str]:
    """Return every text that is written in this."""
    return {
        each.value for each in nodes(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def names(node: ast.AST) -> set[str]:
    """Return every name and attribute in this."""
    return {each.id for each in nodes(node) if isinstance(each, ast.Name)} | {
        each.attr for each in nodes(node) if isinstance(each, ast.Attribute)
    }


def test_what_is_asked_for_by_name_is_defined_once() -> None:
    """A lab that tests share, what has to be had before a guest is killed, and every recording."""
    modules = trees("tests/**/*.py")
    fixtures = definitions(modules, "fixture", "recording")
    asked = (asked_by_name(modules) & set(fixtures)) | set(definitions(modules, "recording"))
    assert {"crowd", "_trio", "guest_trial", "imported", "lingering"} <= asked
    assert {name: places for name, places in fixtures.items() if name in asked and len(places) > 1} == {}
