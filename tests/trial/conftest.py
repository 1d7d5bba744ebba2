"""Files loaded in a sandbox, without the trial that follows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from connlab.base import settings as knobs
from connlab.cluster.sandbox import sandbox
from connlab.trial import forms
from connlab.trial.conductor import Conductor
from connlab.trial.loading import Loaded, load

SECONDS = 120
Load = Callable[..., Loaded]


@pytest.fixture(scope="module")
def load_texts() -> Iterator[Load]:
    """Load texts by their names, in order, on one host: `load_texts(a="*filter ...", b="iptables ...")`."""
    settings = knobs.read()

    @contextlib.contextmanager
    def script_host() -> Iterator[Conductor]:
        with sandbox(settings, SECONDS, processes=128) as stream:
            yield Conductor(stream, SECONDS)

    with sandbox(settings, SECONDS) as stream:
        conductor = Conductor(stream, SECONDS)

        def loaded(**brought: str) -> Loaded:
            inputs = [forms.recognise(name, text.encode()) for name, text in brought.items()]
            return load(conductor, inputs, script_host)

        yield loaded
