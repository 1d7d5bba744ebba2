"""`lab clean`: images with the label of our Dockerfiles go once nothing runs from them, and no others."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from connlab.cli.verbs import running
from connlab.cluster import engine, images

OWN = f"connlab.image-of-test-{os.getpid()}"  # nobody else's images may go while the tests run


@pytest.fixture
def image_ids(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Make images with our label, in use, unused and without a name, and one of somebody else's; their ids by kind."""
    monkeypatch.setattr(images, "LABEL", OWN)
    api, name, ids = engine.client().api, f"connlab-test-{os.getpid()}", {}
    for kind, label in (("used", OWN), ("unused", OWN), ("nameless", OWN), ("foreign", f"{OWN}-not")):
        label_line = f"LABEL {label}={kind}"
        answer = api.import_image_from_data(_archive(), repository=name, tag=kind, changes=[label_line])
        ids[kind] = json.loads(answer)["status"]
    api.tag(ids["unused"], name, "nameless", force=True)  # takes its name away
    container = api.create_container(ids["used"], "nothing", labels={OWN: "1"})["Id"]
    yield ids
    api.remove_container(container)
    for kind in ids:
        engine.remove_image(f"{name}:{kind}")


def _archive() -> bytes:
    """Return the files of an image, which has one."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        files.addfile(tarfile.TarInfo("file"))
    return archive.getvalue()


def clean() -> str:
    """Run `lab clean`, and return its output."""
    # Click keeps the names of its help option from the first call, also for the real ones.
    options = {"help_option_names": ["-h", "--help"]}
    return CliRunner().invoke(running.clean, catch_exceptions=False, **options).output


def existing_kinds(ids: dict[str, str]) -> set[str]:
    """Return the kinds whose images are still there."""
    existing_ids = {entry["Id"] for entry in engine.client().api.images(all=True)}
    return {kind for kind, number in ids.items() if number in existing_ids}


def test_only_ours_that_nothing_was_made_from_are_removed(image_ids: dict[str, str]) -> None:
    """A container that does not run counts too; a second time there is nothing to do."""
    assert existing_kinds(image_ids) == {"used", "unused", "nameless", "foreign"}
    text = clean()
    assert existing_kinds(image_ids) == {"used", "foreign"}
    name = f"connlab-test-{os.getpid()}"
    assert f"lab: removed {name}:nameless, {name}:unused: " in text
    assert "no image of the lab's is unused" in clean()
