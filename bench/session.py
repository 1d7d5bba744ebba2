"""One run of the bench: rounds of journeys, by every peer in turn, within a budget of time."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from docker.errors import DockerException

from bench import agents, floor, journeys, machine, memory, peers, report, sandbox, sources
from bench.peers import Peer
from bench.samples import API, COMPOSE, LAB, Samples, merge
from connlab.base.errors import LabError
from connlab.base.settings import Settings
from connlab.cluster import images

BUDGET = 400.0  # seconds; a round that would not fit any more is not begun

Labs = Mapping[str, Settings]


def measure(
    turns: Sequence[Sequence[int]], dense: Sequence[tuple[int, int]] = ()
) -> tuple[Samples, dict[str, Any]]:
    """Measure, in each turn, a journey to each of its numbers of clients, then labs of so many with so many sources.

    Returns the samples, and the document made of them.
    """
    began = time.monotonic()
    with sandbox.environment() as environment, sandbox.projects((LAB, COMPOSE, API)) as labs:
        facts = machine.facts()
        images.ensure(labs[LAB])
        ours = peers.lab(environment)
        made = _warm_up(ours, labs[LAB])
        all_peers = (ours, peers.bare_compose(environment), peers.bare_api(made))
        samples, notes = _rounds(all_peers, labs, turns, began)
        if dense:
            notes += sources.measure(ours, labs[LAB], dense, samples)
        started_from = machine.image_ids(labs[LAB])
    document = {
        "schema": 1,
        "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(time.monotonic() - began, 1),
        "rounds": len(turns),
        "machine": facts,
        "images": started_from,
        "knobs": sandbox.KNOBS,
        "figures": report.figures(samples),
        "notes": notes,
    }
    return samples, document


def _warm_up(ours: Peer, lab: Settings) -> dict[str, floor.Template]:
    """Run each once, not counted: caches get warm, and the bare API learns what Compose asks the engine for."""
    ours.up(lab)
    made = floor.templates(lab.project)
    ours.down(lab)
    return made


def _rounds(
    all_peers: Sequence[Peer], labs: Labs, turns: Sequence[Sequence[int]], began: float
) -> tuple[Samples, list[str]]:
    """Return the samples, and notes on what is not among them."""
    samples: Samples = {}
    notes: list[str] = []
    visits = {min(turns[-1]): [agents.visit]}
    visits.setdefault(max(turns[-1]), []).append(memory.visit)
    longest: dict[int, float] = {}
    for number, turn in enumerate(turns):
        for size in turn:
            start = time.monotonic()
            # Of a number that was not measured yet, as long for each client as the slowest other.
            each = max((seconds / clients for clients, seconds in longest.items()), default=0)
            if start - began + longest.get(size, each * size) > BUDGET:
                notes.append(f"round {number + 1} of {size} clients was left out: {BUDGET:g} s are over")
                continue
            print(f"bench: round {number + 1} of {len(turns)}, {size} clients", file=sys.stderr, flush=True)
            before = machine.image_ids(labs[LAB])
            try:
                order = journeys.rotate(all_peers, number)
                fresh = journeys.round_of(order, labs, size, visits.get(size, ()))
            except (LabError, DockerException) as error:
                notes.append(f"round {number + 1} of {size} clients failed and is not counted: {error}")
                print(f"bench: {notes[-1]}", file=sys.stderr)
                sandbox.clear(labs.values())
                continue
            longest[size] = max(longest.get(size, 0), time.monotonic() - start)
            if machine.image_ids(labs[LAB]) != before:
                notes.append(f"round {number + 1} of {size} clients is not counted: an image was rebuilt")
                continue
            merge(samples, fresh)
    return samples, notes
