"""The same three steps by three ways: the lab's own verbs, bare compose, the bare Docker API."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import floor, process
from bench.samples import API, COMPOSE, LAB
from bench.sandbox import START, Environment
from connlab.base.settings import HOME, Settings
from connlab.cluster import compose, host_files, images

VERBS = Path(sys.executable).parent / "lab"


@dataclass(frozen=True)
class Peer:
    """One way to bring up, scale and take down the lab that its settings describe."""

    name: str
    up: Callable[[Settings], None]
    scale: Callable[[Settings, int], None]
    down: Callable[[Settings], None]


def lab(environment: Environment) -> Peer:
    """Run the `lab` command: the whole process, its waiting for readiness and its table included."""

    def run(lab_settings: Settings, *verb: str) -> None:
        process.run([VERBS, *verb], {**environment, **lab_settings.values})

    return Peer(
        LAB,
        up=lambda lab_settings: run(lab_settings, "up"),
        scale=lambda lab_settings, clients: run(lab_settings, "scale", "--", str(clients)),
        down=lambda lab_settings: run(lab_settings, "down"),
    )


def bare_compose(environment: Environment) -> Peer:
    """Run Compose as a person types it, with the lab's images and files; it waits for nothing but its own requests."""
    start = ("up", "-d", "--no-build")

    def run(lab_settings: Settings, arguments: Sequence[str]) -> None:
        argv: list[str | Path] = [*compose.command(), "-f", HOME / "compose.yaml", *arguments]
        made = {**images.names(lab_settings), **host_files.variables(lab_settings)}
        process.run(argv, {**environment, **lab_settings.values, **made})

    return Peer(
        COMPOSE,
        up=lambda lab_settings: run(lab_settings, [*start, "--scale", f"client={START}"]),
        scale=lambda lab_settings, clients: run(
            lab_settings, [*start, "--no-deps", "--no-recreate", "--scale", f"client={clients}", "client"]
        ),
        down=lambda lab_settings: run(lab_settings, ["down"]),
    )


def bare_api(templates: dict[str, floor.Template]) -> Peer:
    """Create and start, nothing else."""
    return Peer(
        API, functools.partial(floor.up, templates), functools.partial(floor.scale, templates), floor.down
    )
