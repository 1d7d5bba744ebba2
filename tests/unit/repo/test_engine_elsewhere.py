"""An engine elsewhere (docs/engine-elsewhere.md): nothing of this machine is taken for its machine's."""

from __future__ import annotations

import ast
import re

import pytest

from connlab.base.settings import HOME
from tests.support.syntax import nodes, trees, uses

pytestmark = pytest.mark.xdist_group("syntax")  # one process parses all
OWN = (
    "os.uname",
    "platform.release",
    "platform.uname",
    "platform.node",
    "os.cpu_count",
    "os.sysconf",
    "os.getloadavg",
)
LEADING = {
    "binds",
    "mounts",
    "volumes",
    "devices",
    "volumes_from",
}  # options that take a path of the engine's machine


def test_the_machine_is_asked_in_one_place() -> None:
    """Our own kernel, processors and memory are looked at only to know whether the engine's machine is this one."""
    lab = trees("connlab/**/*.py", "tests/**/*.py")
    assert {where for where in uses(lab, *OWN) if where[0].startswith("connlab.")} == {
        ("connlab.cluster.engine_machine", "is_here")
    }


def test_no_path_of_this_machine_is_given_to_the_engine() -> None:
    """Neither in a call of the SDK nor in a Compose file: what a host needs is in its image or its environment."""
    lab = trees("connlab/**/*.py")
    given = {
        (name, word.arg)
        for name, tree in lab.items()
        for call in nodes(tree)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg in LEADING
    }
    assert given == set()
    files = [HOME / "compose.yaml", *sorted((HOME / "sysctl").glob("*.yaml"))]
    assert len(files) > 2
    assert [path.name for path in files if re.search(r"^\s+(volumes|devices):", path.read_text(), re.M)] == []
