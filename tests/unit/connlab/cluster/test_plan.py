"""What a dense lab is said to be too small for, before it starts."""

from __future__ import annotations

import pytest

from connlab.base import settings
from connlab.cluster import engine_machine, plan


@pytest.mark.parametrize(
    ("clients", "knobs", "said"),
    [
        (20, {}, []),
        (1000, {"CONNLIMIT": 1000}, []),
        (1, {"SOURCES_PER_CLIENT": 256}, []),
        (2, {"SOURCES_PER_CLIENT": 256}, ["4,032 threads"]),
        (4, {"SOURCES_PER_CLIENT": 256, "SERVER_MODE": "selectors"}, []),
        (6, {"SOURCES_PER_CLIENT": 256, "SERVER_MODE": "selectors"}, ["19,936 descriptors of 1 server process"]),
        (10, {"SOURCES_PER_CLIENT": 256, "SERVER_MODE": "prefork"}, []),
        (11, {"SOURCES_PER_CLIENT": 256, "SERVER_MODE": "prefork"}, ["39,872 descriptors of 2 server processes"]),
        (64, {"SOURCES_PER_CLIENT": 256, "SERVER_MODE": "prefork", "WORKERS": 13}, []),
        (1, {"SOURCES_PER_CLIENT": 1024, "SERVER_MODE": "selectors", "CONNLIMIT": 16}, [
            "16,320 descriptors of a client's process"]),
        (64, {"SOURCES_PER_CLIENT": 256, "SERVER_MODE": "selectors"}, ["SERVER_MODE=prefork WORKERS=13"]),
        (64, {"SOURCES_PER_CLIENT": 512, "SERVER_MODE": "selectors"}, ["SERVER_MODE=prefork WORKERS=25",
                                                                      "262,144 entries of the machine's"]),
    ],
)  # fmt: skip
def test_each_shortage_is_said_with_its_number(monkeypatch, clients, knobs, said):
    """One below each limit nothing is said; a lab with one address for each client is not judged."""
    monkeypatch.setattr(engine_machine, "conntrack_entries", lambda _: 262_144)
    words = plan.shortages(settings.read().changed(**knobs), clients)
    assert len(words) == len(said), words
    assert all(part in line for part, line in zip(said, words, strict=True)), words


def test_the_need_is_in_it_too(monkeypatch):
    """With what can be done."""
    monkeypatch.setattr(engine_machine, "conntrack_entries", lambda _: None)
    assert plan.shortages(settings.read().changed(SOURCES_PER_CLIENT=256), 2) == [
        "2 clients with 256 sources of CONNLIMIT=15 each could hold 7,680 connections, and 4,032 threads of the server"
        " are all that there are: SERVER_MODE=selectors"
    ]
