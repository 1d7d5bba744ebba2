"""What a test run says first: the kernel under test, because results depend on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connlab.base.errors import NotFit
from connlab.cluster import engine_machine

DOCKERLESS = {"unit", "report"}  # folders whose tests touch no engine


def header(arguments: Sequence[str]) -> str:
    """Return the line for a run of these folders and files: the engine's kernel, if they touch one."""
    if all(DOCKERLESS.intersection(Path(argument).parts) for argument in arguments):
        return "connlab: no engine is needed"
    try:
        machine = engine_machine.facts()
    except NotFit as unreachable:
        return f"connlab: {unreachable}".partition("\n")[0]
    where = "" if machine["here"] else " of an engine elsewhere"
    return f"connlab: kernel {machine['kernel']}{where}, {machine['cpus']} CPUs, {machine['memory_bytes'] / 1e9:.1f} GB"
