"""What `doctor` checks of the machine: its engine, its Compose, its kernel, its memory, and what test runs left."""

from __future__ import annotations

import re
import shutil

from connlab.actions.check_row import Row, failure, make_row
from connlab.actions.kernel_row import kernel_row
from connlab.base.errors import LabError, NotFit
from connlab.base.settings import Settings
from connlab.cluster import capacity, compose, engine, hosts, plan


def check_engine(_: Settings) -> Row:
    """Check the version of the engine."""
    info = engine.client().version()
    versions = f"engine {info['Version']}, API {info['ApiVersion']}"
    if engine.at_least(info["Version"], engine.PARTS_AT_ONCE):
        return make_row("docker", "PASS", versions)
    fault = "it can stand still for ever when hosts leave a network at one moment; the lab lets them leave in turn"
    return make_row("docker", "WARN", f"{versions}: {fault} (moby/moby#46661)", "engine 20.10.27 or newer")


def check_compose(_: Settings) -> Row:
    """Check that this Compose and this engine go together."""
    try:
        return compose_row()
    except NotFit as error:
        return failure("compose", error)


def compose_row() -> Row:
    """Compare the versions of Compose and the engine. Raises `NotFit` without Compose."""
    version = compose.version()
    versions = f"Compose {version or 'of unknown version'} with engine {engine.version()}"
    new = engine.at_least(engine.version(), engine.WITHOUT_COMPOSE_1)
    if version.startswith("1.") and new:
        fault = "Compose 1 cannot recreate containers there (docker/compose#11742)"
        fix = "install the Compose plugin: docker-compose-plugin"
        return make_row("compose", "FAIL", f"{versions}: {fault}", fix)
    if re.match(r"5\.[0-4]\.", version) and not new:
        return make_row(
            "compose", "WARN", f"{versions}: this Compose may ask for a newer API", "Compose 5.5 or newer"
        )
    return make_row("compose", "PASS", versions)


def check_tools(_: Settings) -> Row:
    """Check that the docker command is there."""
    if shutil.which("docker"):
        return make_row("docker command", "PASS", "builds the images")
    return make_row("docker command", "FAIL", "not found; the images are built with it", "install docker-cli")


def check_kernel(_: Settings) -> Row:
    """Check the engine's kernel against what was measured and the known connlimit bugs."""
    row = kernel_row(engine.kernel_release())
    if row.wrong:
        fix = "a newer kernel of the same series (docs/kernel.md, Epochs)"
        return make_row("kernel", "WARN", row.words, fix)
    return make_row("kernel", "PASS", row.words)


def check_memory(settings: Settings) -> Row:
    """Check that there is memory for the clients, those of the lab or of a new one, and room on the bridge."""
    try:
        capacity.check(settings, settings.clients)
    except LabError as error:
        return make_row("capacity", "FAIL", error.sentence, "fewer CLIENTS")
    if shortages := plan.shortages(settings, settings.clients):
        return make_row("capacity", "WARN", "\n".join(shortages), "a smaller plan, as said")
    clients = f"{settings.clients} client{'s' * (settings.clients != 1)}"
    return make_row("capacity", "PASS", f"enough for {clients}, and at most {capacity.BRIDGE} on one bridge")


def check_leftovers(settings: Settings) -> Row:
    """Check that no test run has left a project behind."""
    if projects := sorted(hosts.projects(f"{settings.project}-test-")):
        return make_row(
            "leftovers",
            "WARN",
            f"of an interrupted test run: {', '.join(projects)}",
            "make test removes them",
        )
    return make_row("leftovers", "PASS", "no test run left anything")
