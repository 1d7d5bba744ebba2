"""Files loaded in a sandbox without the trial that follows, and sandboxes that serve many trials."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from connlab.base import settings as knobs
from connlab.trial.files import forms
from connlab.trial.files.loading import Loaded, load
from connlab.trial.hosts import machine
from connlab.trial.hosts.conductor import Conductor
from tests.support.sandboxes import Sandboxes

SECONDS = 120
Load = Callable[..., Loaded]
ScriptHost = Callable[[], AbstractContextManager[Conductor]]


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Sandboxes]:
    """Keep the sandboxes of this worker."""
    kept = Sandboxes()
    with contextlib.closing(kept):
        yield kept


@pytest.fixture(scope="module")
def shared_sandboxes(sandboxes: Sandboxes) -> Iterator[None]:
    """Let every trial of a module run in the worker's sandboxes; that it starts its own is for test_record.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "sandbox", sandboxes.sandbox)
        yield


@pytest.fixture(scope="module")
def script_host(sandboxes: Sandboxes) -> ScriptHost:
    """Return what starts a host for a script: that of the worker."""

    @contextlib.contextmanager
    def host() -> Iterator[Conductor]:
        with sandboxes.sandbox(knobs.read(), SECONDS, processes=128) as stream:
            yield Conductor(stream, SECONDS)

    return host


@pytest.fixture(scope="module")
def load_texts(sandboxes: Sandboxes, script_host: ScriptHost) -> Iterator[Load]:
    """Load texts by their names, in order, on one host: `load_texts(a="*filter ...", b="iptables ...")`."""
    with sandboxes.sandbox(knobs.read(), SECONDS) as stream:
        conductor = Conductor(stream, SECONDS)

        def loaded(**brought: str) -> Loaded:
            inputs = [forms.recognise(name, text.encode()) for name, text in brought.items()]
            return load(conductor, inputs, script_host)

        yield loaded
