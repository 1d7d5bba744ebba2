"""`lab clean`: images that were built from our Dockerfiles go once nothing runs from them, and no others."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from connlab.cli.verbs import running
from connlab.cluster import engine, images
from tests.support.laboratory import image

OWN = f"connlab.image-of-test-{os.getpid()}"  # nobody else's images may go while the tests run


@pytest.fixture
def image_ids(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Build images with our label, in use, unused and without a name, and one of somebody else's; their ids by kind."""
    monkeypatch.setattr(images, "LABEL", OWN)
    api, base, names = engine.client().api, image("client"), {}
    for kind, label in (("used", OWN), ("unused", OWN), ("nameless", OWN), ("foreign", f"{OWN}-not")):
        recipe = f"FROM {base}\nLABEL {label}={kind}\n".encode()
        names[kind] = f"connlab-test-{os.getpid()}:{kind}"
        list(api.build(fileobj=io.BytesIO(recipe), tag=names[kind], rm=True, decode=True))
    ids = {kind: api.inspect_image(name)["Id"] for kind, name in names.items()}
    api.tag(ids["unused"], names["nameless"].partition(":")[0], "nameless", force=True)  # takes its name away
    container = api.create_container(names["used"], labels={OWN: "1"})["Id"]
    yield ids
    api.remove_container(container)
    for kind in ids:
        engine.remove_image(names[kind])


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
