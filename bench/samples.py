"""Samples: what was measured, by figure and by peer, in the order of the rounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median

LAB = "lab"
COMPOSE = "compose"
API = "api"

# samples[figure][peer]: the n-th value of each peer is of the same round, so values can be paired.
Samples = dict[str, dict[str, list[float]]]


def add(samples: Samples, figure: str, peer: str, value: float) -> None:
    samples.setdefault(figure, {}).setdefault(peer, []).append(value)


def merge(into: Samples, more: Samples) -> None:
    for figure, peers in more.items():
        for peer, values in peers.items():
            into.setdefault(figure, {}).setdefault(peer, []).extend(values)


def best(peers: Mapping[str, list[float]]) -> list[float]:
    """Return the quickest of bare Compose and the bare API in each round; of those that were measured."""
    others = [peers[peer] for peer in (COMPOSE, API) if peers.get(peer)]
    return [min(values) for values in zip(*others, strict=False)]


def ratio(peers: Mapping[str, list[float]]) -> float | None:
    """Return the lab's time over the best peer's, pair by pair, and the median of that."""
    return middle(ours / theirs for ours, theirs in zip(peers.get(LAB, ()), best(peers), strict=False))


def middle(values: Iterable[float]) -> float | None:
    """Return the median; None of nothing."""
    numbers = list(values)
    return median(numbers) if numbers else None
