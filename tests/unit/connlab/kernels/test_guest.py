"""How long a guest that boots is waited for: by the processor time that it had, as a busy machine leaves it little."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from connlab.base.errors import GaveUp, NotFit
from connlab.cluster.stream import StreamClosed
from connlab.kernels import guest


class Console:
    """A console that says one line in each stretch of waiting; the last of them serves, or what it raises comes."""

    def __init__(self, *said: str | Exception) -> None:
        self.said = list(said)

    def lines(self, within: float) -> Iterator[str]:
        """Yield what is said within one stretch."""
        line = self.said.pop(0)
        if isinstance(line, Exception):
            raise line
        yield line
        if guest.SERVING not in line:
            raise GaveUp(f"nothing more in {within:g} s")


def wait(console: Console, *used: float) -> None:
    """Wait for a guest that had so much processor time before the first stretch, and after each."""
    readings = iter([seconds for pair in pairwise(used) for seconds in pair])
    guest._wait(console, "6.12.118", lambda: next(readings))


def test_one_that_works_is_waited_for():
    """Two stretches in which it had a tenth of a processor, and then it serves."""
    console = Console("a", "b", guest.SERVING)
    wait(console, 0, 11, 23, 30)
    assert console.said == []


@pytest.mark.parametrize(
    ("used", "stretches"), [((0, 2), 1), ((0, 20, 21), 2), ((0, 119, 238), 2)],
    ids=["does nothing", "does nothing any more", "turns in a circle"],
)  # fmt: skip
def test_one_that_hangs_is_given_up(used, stretches):
    """With what its console said: where it has no processor time, and where it had four boots' worth."""
    console = Console("a", "b", "c")
    with pytest.raises(GaveUp) as given_up:
        wait(console, *used)
    assert given_up.value.what == "Linux 6.12.118 did not boot"
    assert given_up.value.why.splitlines() == ["a", "b", "c"][:stretches]


def test_one_that_ends_is_no_fit():
    """At once, however little it had."""
    with pytest.raises(NotFit, match="did not boot"):
        wait(Console(StreamClosed("it ended")), 0, 0)
