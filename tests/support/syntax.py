"""What code imports and uses, read off its syntax tree, so that nothing hides in a function."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Set
from pathlib import Path

HOME = Path(__file__).parents[2]


def trees(*patterns: str) -> dict[str, ast.Module]:
    """Parse every module under these patterns, by its dotted name."""
    paths = sorted(path for pattern in patterns for path in HOME.glob(pattern))
    return {".".join(path.relative_to(HOME).with_suffix("").parts): parsed(path) for path in paths}


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Parse a file, once for all tests: they only read its tree."""
    return ast.parse(path.read_text())


@functools.cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return a tree's nodes as ast.walk gives them, once for all tests: to walk costs as much as to parse."""
    return tuple(ast.walk(tree))


@functools.cache
def imports(tree: ast.AST, module: str = "") -> frozenset[str]:
    """Return the dotted names that a tree imports, wherever in it: `from connlab import x` is `connlab.x`."""
    imported = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            whole = "." not in base or _is_package(base)
            imported |= {f"{base}.{alias.name}" for alias in node.names} if whole else {base}
    return frozenset(imported)


def tops(names: Set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def functions_with(tree: ast.AST, dotted: set[str]) -> Iterator[tuple[str, str]]:
    """Find (function, name) wherever one of these dotted names, or one imported from there, is used."""
    last = {name.rpartition(".")[2] for name in dotted}
    for node in ast.iter_child_nodes(tree):
        name = getattr(node, "name", "")
        for part in nodes(node):
            if isinstance(part, ast.Attribute) and part.attr in last and ast.unparse(part) in dotted:
                yield name, ast.unparse(part)
            if isinstance(part, ast.ImportFrom):
                names = {f"{part.module}.{alias.name}" for alias in part.names}
                yield from ((name, imported) for imported in sorted(names & dotted))


def uses(modules: dict[str, ast.Module], *dotted: str) -> set[tuple[str, str]]:
    """Find (module, function) of every use of these dotted names."""
    return {(m, where) for m, tree in modules.items() for where, _ in functions_with(tree, set(dotted))}


def connlab_modules(names: Set[str]) -> set[str]:
    """Return the modules of connlab among dotted names: `connlab.base.model` of `connlab.base.model.Outcome`."""
    return {module for name in names if name.startswith("connlab.") and (module := _module(name))}


@functools.cache
def _module(name: str) -> str:
    """Return the longest beginning of a dotted name that is a file or a folder here."""
    while name and not _is_package(name) and not (HOME / f"{name.replace('.', '/')}.py").is_file():
        name = name.rpartition(".")[0]
    return name


@functools.cache
def _is_package(name: str) -> bool:
    """Return whether a folder of modules has this dotted name; an emptied one may still hold a __pycache__."""
    return next((HOME / name.replace(".", "/")).rglob("*.py"), None) is not None
