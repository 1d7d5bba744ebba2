"""Everything the lab says no with: what happened, why, and what to do next, each with its exit code."""

from __future__ import annotations

START_ANEW = "make down, then make up (ends connections)"  # where nothing less helps


class LabError(Exception):
    """A refusal in words for the person at the terminal. `status` is the process's exit code."""

    status = 1


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
