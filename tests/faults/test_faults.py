"""The fault walk: something is broken, and every verb is typed. docs/faults.md says what each owes a person.

No traceback, no false statement, and `make up` heals. What a verb states is held against the engine's and the
kernel's own words (tests/faults/truth.py).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from connlab.base import settings
from connlab.base.wait import until
from connlab.cluster import compose, engine, images
from tests.faults import table, truth
from tests.faults.faults import FAULTS, limit_of
from tests.faults.walk import KNOBS, VERBS, Walk
from tests.support import menu
from tests.support.laboratory import own_settings, temporary_project

LOOKS = ("status", "attempt", "doctor", "logs")


@pytest.fixture
def walk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Walk]:
    """A lab of two clients that hold five connections each, with a `.env` of its own."""
    with contextlib.ExitStack() as stack:
        fault, own = request.node.callspec.params["fault"], tmp_path / ".env"
        base = stack.enter_context(_base()) if fault == "image gone" else {}
        if fault == "log rotated":
            stack.enter_context(_short_logs(tmp_path))
        shutil.copy(menu.FILE, own)
        chosen = own_settings(**KNOBS, **base)
        lab = Walk(chosen, own, base)
        stack.enter_context(temporary_project(chosen))
        _expect(lab, "up", table.Cell(0, ()), **KNOBS)
        _settled(lab)
        yield lab


def test_the_page_has_every_fault_and_verb() -> None:
    """Its rows are what can be broken here, its columns what can be typed."""
    cells = table.cells()
    assert list(cells) == list(FAULTS)
    assert {tuple(row) for row in cells.values()} == {tuple(VERBS)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_and_healed(walk: Walk, fault: str) -> None:
    """Each verb says what it owes; `up` heals; the limit then is what status says it is; `down` leaves nothing."""
    owed, loaded = table.cells()[fault], truth.rules(walk.server())

    FAULTS[fault](walk)
    for verb in LOOKS:
        _expect(walk, verb, owed[verb])
    assert truth.contradictions(walk, walk.status(), loaded) == []

    FAULTS[fault](walk)
    _expect(walk, "up", owed["up"])
    _healed(walk, clients=2)

    FAULTS[fault](walk)
    _expect(walk, "scale-clients", owed["scale-clients"])
    FAULTS[fault](walk)
    _expect(walk, "down", owed["down"])
    assert truth.leftovers(walk.settings.project) == []


def _expect(walk: Walk, verb: str, owed: table.Cell, **knobs: str) -> None:
    done = walk.verb(*VERBS[verb], **knobs)
    said = re.sub(r"\s+", " ", done.stdout + done.stderr)
    assert "Traceback" not in said, f"{verb}: {done.stderr}"
    assert done.returncode == owed.status, f"{verb}: {done.returncode}: {done.stdout}{done.stderr}"
    assert [words for words in owed.words if words not in said] == [], f"{verb}: {done.stdout}{done.stderr}"


def _healed(walk: Walk, clients: int) -> None:
    """All hosts run, the policy is in force, and a client gets what status leaves of its limit, to the dial."""
    _settled(walk)
    assert truth.states(walk) == dict.fromkeys(
        ["server-1", *(f"client-{n + 1}" for n in range(clients))], "running"
    )
    now = walk.status()
    limit = limit_of(walk)
    assert now["policy"]["state"] == "in_force", now["policy"]
    free = limit - next(host for host in now["clients"] if host["name"] == "client-1")["counted"]
    _expect(walk, "attempt", table.Cell(0, (f"{free} established, {20 - free} refused",)))


def _settled(walk: Walk) -> None:
    """Wait until each client holds its five connections, by its own kernel."""
    until(
        lambda: [truth.connected(host) for host in walk.hosts()[1:]] == [5] * (len(walk.hosts()) - 1),
        "each client holds five connections", within=20, every=0.1,
    )  # fmt: skip


@contextlib.contextmanager
def _short_logs(folder: Path) -> Iterator[None]:
    """Compose files whose labs keep 1 kB of each host's log, so that rotation needs no 30 MB."""
    shutil.copytree(settings.HOME / "sysctl", folder / "sysctl")
    text = (settings.HOME / "compose.yaml").read_text()
    long, short = 'max-size: 10m, max-file: "3"', 'max-size: 1k, max-file: "1"'
    assert long in text
    (folder / "compose.yaml").write_text(text.replace(long, short))
    with mock.patch.object(compose, "HOME", folder):
        yield


@contextlib.contextmanager
def _base() -> Iterator[dict[str, str]]:
    """A base image under a name of our own, so that no other test's images are of it."""
    name = f"connlab-test-base:{os.getpid()}"
    images.ensure(settings.read({}))
    engine.client().api.tag(settings.read({}).values["BASE_IMAGE"], *name.split(":"))
    try:
        yield {"BASE_IMAGE": name}
    finally:
        for image in images.names(own_settings(BASE_IMAGE=name)).values():
            engine.remove_image(image)
        engine.remove_image(name)
