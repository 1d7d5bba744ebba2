"""The step in which connections that are held say something."""

from __future__ import annotations

import asyncio
from typing import Any

from namespaces.dial import Dial
from namespaces.scene import Scene

SEGMENTS, SEGMENT_GAP = 200, 0.005  # in a second
TALKERS = 5  # connections that say so much at once
BYTE_GAP = 0.001  # seconds from one connection's byte to the next one's
TICK = 0.010  # seconds; a process that the machine kept waiting has lost one tick, not the whole wait


async def say(scene: Scene, step: dict[str, Any]) -> dict[str, Any]:
    """Each connection of a group says one byte, in order; then some say 200 segments in a second, if asked to.

    A letter for each connection and part: e it came back, r the connection was reset or closed, t nothing came.
    """
    group = scene.groups.get(step["group"], [])
    one = [Talker(each, 1) for each in group]
    for each in one:
        each.send()
        await asyncio.sleep(BYTE_GAP)
    await wait(one, step.get("within", 3.0))
    alive = [each.dial for each in one if each.letter == "e"][:TALKERS] if step.get("segments") else []
    many = [Talker(each, SEGMENTS) for each in alive]
    for _ in range(SEGMENTS if many else 0):
        for talker in many:
            talker.send()
        await asyncio.sleep(SEGMENT_GAP)
    await wait(many, step.get("within", 3.0))
    return {"one": letters(one), "segments": letters(many)}


class Talker:
    """A connection that expects `left` bytes back; `letter` once that is known."""

    def __init__(self, dial: Dial, expected: int) -> None:
        self.dial, self.left, self.letter = dial, expected, ""
        asyncio.get_running_loop().remove_reader(dial.sock)

    def send(self) -> None:
        """Say one byte."""
        if not self.letter:
            try:
                self.dial.sock.send(b"x")
            except BlockingIOError:
                pass  # what was said before is still on its way
            except OSError:
                self.letter = "r"

    def look(self) -> None:
        """Take what has come back."""
        while not self.letter:
            try:
                got = self.dial.sock.recv(self.left)
            except BlockingIOError:
                return
            except TimeoutError:
                self.letter = "t"
            except OSError:
                self.letter = "r"
            else:
                self.left -= len(got)
                if not got or not self.left:
                    self.letter = "r" if not got else "e"


async def wait(talkers: list[Talker], seconds: float) -> None:
    for _ in range(round(seconds / TICK)):
        for each in talkers:
            each.look()
        if all(each.letter for each in talkers):
            return
        await asyncio.sleep(TICK)


def letters(talkers: list[Talker]) -> str:
    return "".join(each.letter or "t" for each in talkers)
