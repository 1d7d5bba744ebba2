"""Everything the lab says no with: what happened, why, and what to do next, each with its exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

START_ANEW = "make down, then make up (ends connections)"  # where nothing less helps


class LabError(Exception):
    """A refusal in words for the person at the terminal. `status` is the process's exit code.

    `answer` is what a verb knows all the same: with --json it is printed beside the refusal.
    """

    status = 1
    answer: Mapping[str, Any] = {}

    def __init__(self, what: object, why: object = "", *, next_step: str = "") -> None:
        self.what, self.why, self.next_step = str(what), str(why or ""), next_step
        super().__init__(what, why, next_step)

    @property
    def sentence(self) -> str:
        """`what: why`, or `what` alone; a reason that begins with a line feed is a list."""
        between = "" if self.why[:1] in ("", "\n") else " "
        return f"{self.what}:{between}{self.why}" if self.why else self.what

    def __str__(self) -> str:
        """Give the sentence, and the next step on a line of its own."""
        return f"{self.sentence}\n  next: {self.next_step}" if self.next_step else self.sentence

    def as_json(self) -> dict[str, Any]:
        """Give the refusal as data; a part that there is not is None."""
        why = "\n".join(line.strip() for line in self.why.strip().splitlines())
        parts = {"what": self.what, "why": why or None, "next": self.next_step or None}
        return {"schema": 1, **self.answer, "error": parts, "exit": self.status}


def interrupted() -> LabError:
    """Make the refusal of a verb that Ctrl-C ended (exit 130, as a shell has it)."""
    refusal = LabError("interrupted")
    refusal.status = 130
    return refusal


class Usage(LabError):
    """The request makes no sense as it was put (exit 2)."""

    status = 2


class NotFit(LabError):
    """This machine cannot do it as it is (exit 3)."""

    status = 3


class GaveUp(LabError):
    """A condition did not come true before its deadline (exit 4)."""

    status = 4


class Unreadable(LabError, ValueError):
    """A file of evidence is not what this version understands; the message names the file (exit 1)."""
