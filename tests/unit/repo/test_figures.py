"""Figures in a line of evidence."""

from __future__ import annotations

import pytest

from tests.support.figures import spread


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([61.7], "61.7 s"),
        ([61.68, 61.71, 61.74], "61.7 s"),
        ([61.4, 61.7, 61.7], "61.7 s (61.4 to 61.7)"),
    ],
)
def test_no_number_is_said_thrice(values, words):
    """The extremes only where they are others."""
    assert spread(values, "s") == words
