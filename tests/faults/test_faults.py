"""Something is broken, and every verb is typed. docs/faults.md has what each says then.

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
from connlab.base.settings import Settings
from connlab.base.wait import until
from connlab.cluster import compose, engine, images, preflight
from tests.faults import table, truth
from tests.faults.fault_lab import KNOBS, VERBS, FaultLab
from tests.faults.faults import FAULTS, read_limit
from tests.support import menu
from tests.support.laboratory import own_settings, temporary_project

LOOKS = ("status", "attempt", "doctor", "logs")
TRIED: list[bool] = []  # whether doctor has tried the policy in this process


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultLab]:
    """Start a lab with a `.env` of its own; each client holds five connections. A second one is there to be broken."""
    with contextlib.ExitStack() as stack:
        fault, own = request.node.callspec.params["fault"], tmp_path / ".env"
        base = stack.enter_context(_base()) if fault == "image gone" else {}
        stack.enter_context(_tried_once())
        clients = 2 if fault.startswith("client ") else 1
        if fault == "log rotated":
            stack.enter_context(_short_logs(tmp_path))
        shutil.copy(menu.FILE, own)
        lab_settings = own_settings(**KNOBS, **base)
        fault_lab = FaultLab(lab_settings, own, base, clients)
        stack.enter_context(temporary_project(lab_settings))
        stack.callback(fault_lab.close)
        _check_verb(fault_lab, "up", table.Cell(0, ()), CLIENTS=str(clients), **KNOBS)
        _wait_until_settled(fault_lab)
        yield fault_lab


def test_the_page_has_every_fault_and_verb() -> None:
    """Its rows are what can be broken here, its columns what can be typed."""
    cells = table.cells()
    assert list(cells) == list(FAULTS)
    assert {tuple(row) for row in cells.values()} == {tuple(VERBS)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_and_healed(lab: FaultLab, fault: str) -> None:
    """Each verb says what it owes; `up` heals; the limit then is what status says it is; `down` leaves nothing."""
    expected_cells, loaded = table.cells()[fault], truth.rules(lab.server())

    FAULTS[fault](lab)
    for verb in LOOKS:
        _check_verb(lab, verb, expected_cells[verb])
    assert truth.contradictions(lab, lab.status(), loaded) == []

    FAULTS[fault](lab)
    _check_verb(lab, "up", expected_cells["up"])
    _check_healed(lab)

    FAULTS[fault](lab)
    _check_verb(lab, "scale-clients", expected_cells["scale-clients"])
    FAULTS[fault](lab)
    _check_verb(lab, "down", expected_cells["down"])
    assert truth.leftovers(lab.settings.project) == []


def _check_verb(lab: FaultLab, verb: str, cell: table.Cell, **knobs: str) -> None:
    """Type a verb, and hold exit status and output against a cell of the page."""
    result = lab.call(*VERBS[verb], **knobs)
    output = re.sub(r"\s+", " ", result.stdout + result.stderr)
    assert "Traceback" not in output, f"{verb}: {result.stderr}"
    assert result.returncode == cell.status, f"{verb}: {result.returncode}: {result.stdout}{result.stderr}"
    assert [words for words in cell.words if words not in output] == [], (
        f"{verb}: {result.stdout}{result.stderr}"
    )


def _check_healed(lab: FaultLab) -> None:
    """Hold the lab to this: all hosts run, the policy is in force, a client gets what is free of its limit."""
    _wait_until_settled(lab)
    assert truth.states(lab) == dict.fromkeys(
        ["server-1", *(f"client-{n + 1}" for n in range(lab.clients))], "running"
    )
    now = lab.status()
    limit = read_limit(lab)
    assert now["policy"]["state"] == "in_force", now["policy"]
    free = limit - next(host for host in now["clients"] if host["name"] == "client-1")["counted"]
    _check_verb(lab, "attempt", table.Cell(0, (f"{free} established, {20 - free} refused",)))


def _wait_until_settled(lab: FaultLab) -> None:
    """Wait until each client holds its five connections, by its own kernel."""
    until(
        lambda: [truth.connected(host) for host in lab.hosts()[1:]] == [5] * (len(lab.hosts()) - 1),
        "each client holds five connections", within=20, every=0.1,
    )  # fmt: skip


@contextlib.contextmanager
def _short_logs(folder: Path) -> Iterator[None]:
    """Have labs keep 1 kB of each host's log, so that rotation needs no 30 MB."""
    shutil.copytree(settings.HOME / "sysctl", folder / "sysctl")
    text = (settings.HOME / "compose.yaml").read_text()
    long, short = 'max-size: 10m, max-file: "3"', 'max-size: 1k, max-file: "1"'
    assert long in text
    (folder / "compose.yaml").write_text(text.replace(long, short))
    with mock.patch.object(compose, "HOME", folder):
        yield


@contextlib.contextmanager
def _base() -> Iterator[dict[str, str]]:
    """Name a base image that no other test's images are of, and the images of it, so that none is built."""
    name, menu_settings = f"connlab-test-base:{os.getpid()}", settings.read({})
    images.ensure(menu_settings)
    engine.name_image(menu_settings.values["BASE_IMAGE"], name)
    own_names = images.names(own_settings(BASE_IMAGE=name))
    for variable, image in images.names(menu_settings).items():
        engine.name_image(image, own_names[variable])
    try:
        yield {"BASE_IMAGE": name}
    finally:
        for image in (*own_names.values(), name):
            engine.remove_image(image)


@contextlib.contextmanager
def _tried_once() -> Iterator[None]:
    """Have doctor's trial in a throw-away host made anew for the first lab; what was good is good for the others."""
    problems = preflight.problems

    def once(lab_settings: Settings, *, again: bool = False) -> list[str]:
        again, TRIED[:] = again and not TRIED, [*TRIED, True] if again else TRIED
        return problems(lab_settings, again=again)

    with mock.patch.object(preflight, "problems", once):
        yield
