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
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Images with our label: one in use, one that is not, one without a name; and one of somebody else's. By kind."""
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
    """What the command says. (Click keeps the names of its help option from the first call, the real ones too.)"""
    options = {"help_option_names": ["-h", "--help"]}
    return CliRunner().invoke(running.clean, catch_exceptions=False, **options).output


def there(found: dict[str, str]) -> set[str]:
    """The kinds whose images are still there."""
    known = {entry["Id"] for entry in engine.client().api.images(all=True)}
    return {kind for kind, number in found.items() if number in known}


def test_only_ours_that_nothing_was_made_from_are_removed(built: dict[str, str]) -> None:
    """A container that does not run counts too; a second time there is nothing to do."""
    assert there(built) == {"used", "unused", "nameless", "foreign"}
    said = clean()
    assert there(built) == {"used", "foreign"}
    name = f"connlab-test-{os.getpid()}"
    assert f"lab: removed {name}:nameless, {name}:unused: " in said
    assert "no image of the lab's is unused" in clean()
