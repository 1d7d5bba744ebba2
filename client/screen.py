"""What the person at the interactive client sees: a prompt, what the server sent, and what became of it."""

from __future__ import annotations

import os

from client.attempt import Attempt
from connlab.machine import events

PROMPT = "Input msg and send:"


class Screen:
    """Lines for a terminal or a pipe. `asking`: the cursor stands behind a prompt."""

    def __init__(self, prompting: bool) -> None:
        self.prompting = prompting
        self.asking = False

    def ask(self) -> None:
        if self.prompting:
            self.asking = True
            os.write(1, PROMPT.encode())

    def received(self, data: bytes) -> None:
        for line in data.removesuffix(b"\n").split(b"\n") if data else ():
            self._write(1, events.escape(line, len(line)))

    def say(self, text: str) -> None:
        self._write(1 if self.prompting else 2, text)

    def _write(self, fd: int, text: str) -> None:
        line = memoryview(("\n" * self.asking + text + "\n").encode())
        self.asking = False
        while line:
            line = line[os.write(fd, line) :]


def refusal(attempt: Attempt, timeout_ms: int) -> str:
    """Say in words why there is no connection."""
    target = f"{attempt.target} port {attempt.target_port}"
    if attempt.outcome == "refused":
        return (
            f"{target} refused the connection: an RST answered, or ICMP. Whether the policy sent it or nobody listens "
            "looks the same from here;\n  next: `make status` shows the second witness, the rule's own counter"
        )
    if attempt.outcome == "timed_out":
        return f"{target} did not answer within {timeout_ms / 1000:g} s: the SYN or its answer was dropped"
    if (attempt.errno or "").startswith("EAI_"):
        return (
            f"the name {attempt.target} does not resolve ({attempt.errno}): nothing was dialled;\n"
            "  next: `make status` shows whether that host runs"
        )
    return f"no connection to {target}: {attempt.outcome} ({attempt.errno})"
