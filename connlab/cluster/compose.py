"""The compose command, whichever is there. The only caller of it."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from connlab.base.errors import LabError, NotFit
from connlab.base.settings import HOME, Settings
from connlab.cluster import dense, engine, host_files, images, limits, subprocesses

STDERR = 2


class ComposeFailed(LabError):
    """Compose ended with another status than 0; it has said why on standard error."""


@functools.cache
def command() -> tuple[str, ...]:
    """`docker compose` if the plugin is there, else `docker-compose`. Raises `NotFit` without either."""
    if shutil.which("docker"):
        plugin = subprocess.run(
            ["docker", "compose", "version"], env=engine.environment(), capture_output=True, check=False
        )
        if plugin.returncode == 0:
            return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise NotFit(
        "Compose is not installed", next_step="install the plugin (docker-compose-plugin) or docker-compose"
    )


@functools.cache
def version() -> str:
    """Return the version of that command, `1.29.2`."""
    argv = [*command(), "version", "--short"]
    short = subprocess.run(argv, env=engine.environment(), capture_output=True, text=True, check=False)
    return short.stdout.strip().lstrip("v")


def run(
    settings: Settings, *arguments: str, quiet: bool = False, variables: Mapping[str, str] | None = None
) -> None:
    """Run compose on this lab, its own talk on our standard error; `variables` as well as the knobs.

    Raises `ComposeFailed`.
    """
    files = [part for name in _files(settings) for part in ("-f", str(HOME / name))]
    argv = [*command(), "--project-directory", str(HOME), *files, *arguments]
    environment = {**_environment(settings, arguments), **(variables or {})}
    status, error = subprocesses.run_to_end(
        argv, env=environment, stdin=subprocess.DEVNULL, stdout=STDERR,
        stderr=subprocess.PIPE if quiet else None,
    )  # fmt: skip
    if status:
        words = error.decode(errors="replace").strip() if quiet else ""
        raise ComposeFailed(f"{' '.join(command())} {' '.join(arguments)}: exit status {status}", words)


def inputs(settings: Settings) -> list[object]:
    """Return all that `up` of this lab depends on, the engine and what it has apart."""
    profiles = (f"sysctl/{settings.values[knob]}.yaml" for knob in ("SYSCTL", "CLIENT_SYSCTL"))
    files = (HOME / name for name in (*_files(settings), ".env", *profiles))
    texts = [file.read_text(encoding="utf-8", errors="replace") if file.exists() else None for file in files]
    variables = {**settings.values, **images.names(settings), **host_files.variables(settings)}
    variables |= limits.variables(settings)
    return [command(), texts, {name: text for name, text in variables.items() if name[:7] != "DOCKER_"}]


def _files(settings: Settings) -> list[str]:
    return ["compose.yaml", *([dense.FILE] if settings.sources > 1 else [])]


def _environment(settings: Settings, arguments: Sequence[str]) -> dict[str, str]:
    """Everything for Compose, the engine's name in DOCKER_HOST alone; what makes hosts gets their files too.

    Compose reads .env as well; an empty DOCKER_CONTEXT of ours keeps it from the one in there.
    """
    knobs = {name: value for name, value in settings.values.items() if not name.startswith("DOCKER_")}
    engine_environment = engine.environment()
    context = {} if "DOCKER_CONTEXT" in engine_environment else {"DOCKER_CONTEXT": ""}
    made = {**host_files.variables(settings), **limits.variables(settings)} if arguments[0] == "up" else {}
    return {**engine_environment, **context, **knobs, **images.names(settings), **made}
