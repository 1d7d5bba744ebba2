"""Measured figures in words, as a verdict's line of evidence has them."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median


def spread(values: Iterable[float], unit: str) -> str:
    """Say the median of some values, and the lowest and highest where these differ from each other as shown."""
    numbers = sorted(values)
    low, high = f"{numbers[0]:.1f}", f"{numbers[-1]:.1f}"
    return f"{median(numbers):.1f} {unit}" + ("" if low == high else f" ({low} to {high})")
