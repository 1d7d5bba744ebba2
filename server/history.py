"""When something was counted of a source address, so that the hosts that had this address can be told apart.

Docker hands an address out again as soon as its host has left, and a count by address alone would give the new
host the old one's numbers. Moments are seconds of the machine's clock (time.time()), which the engine's own
moments, when a container was started say, are told by too.
"""

from __future__ import annotations

PAUSE = 0.05  # seconds without a count that end a spell; between two hosts of one address more go by
MOST = 64  # spells that are kept of one source


class History:
    """What was counted of one source, as spells: series of moments without a pause.

    Each moment is known as an interval, and so is a spell. Of more than `MOST` spells neighbours are taken
    together, never the first one, which `since` makes of all that was before its question.
    """

    def __init__(self) -> None:
        self._spells: list[tuple[float, float, int]] = []  # first moment, last moment, how many

    def add(self, earliest: float, latest: float) -> None:
        """Count once, at a moment between these two."""
        spells, count, end = self._spells, 1, len(self._spells)
        first, last = earliest, latest
        while end and spells[end - 1][0] > latest + PAUSE:
            end -= 1
        begin = end
        while begin and spells[begin - 1][1] >= earliest - PAUSE:
            begin -= 1
            first, last = min(first, spells[begin][0]), max(last, spells[begin][1])
            count += spells[begin][2]
        spells[begin:end] = [(first, last, count)]
        if len(spells) > MOST:
            spells[1:3] = [_together(spells[1:3])]

    def since(self, after: float, by: float) -> tuple[int, int]:
        """How often it was counted since a moment that lies between `after` and `by`.

        The first number is certain; the second is of spells of which it is not known whether they were before.
        """
        before = [spell for spell in self._spells if spell[1] < after]
        others = [spell for spell in self._spells if spell[1] >= after]
        if before:
            self._spells = [_together(before), *others]
        certain = sum(count for first, _, count in others if first >= by)
        return certain, sum(count for _, _, count in others) - certain


def _together(spells: list[tuple[float, float, int]]) -> tuple[float, float, int]:
    return spells[0][0], max(spell[1] for spell in spells), sum(spell[2] for spell in spells)
