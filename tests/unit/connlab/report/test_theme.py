"""The colours of a report can be seen, in light and in dark."""

from __future__ import annotations

import pytest

from connlab.report.theme import COLOURS


def contrast(one: str, other: str) -> float:
    """Return how far apart in light two colours are, from 1 to 21 (WCAG 2)."""

    def light(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("at", [0, 1], ids=["light", "dark"])
def test_every_colour_can_be_seen(at):
    """Lines have a contrast of 3 to the page, words (s3 is refuted's) one of 4.5."""
    least = {**dict.fromkeys(("s0", "s1", "s2", "s4", "s5", "mark"), 3.0),
             **dict.fromkeys(("ink", "soft", "good", "bad", "fair", "s3"), 4.5)}  # fmt: skip
    contrasts = {name: contrast(COLOURS[name][at], COLOURS["bg"][at]) for name in least}
    assert {name: ratio for name, ratio in contrasts.items() if ratio < least[name]} == {}


def test_each_light_colour_has_one_dark_one():
    """The style sheet finds what to trade by the light colour alone."""
    assert len({light for light, _ in COLOURS.values()}) == len(COLOURS)
