"""The hosts of a scenario are whole before its first dial, whatever else the machine does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connlab.base import settings
from connlab.cluster import sandbox

TIMES = 300
PROGRAM = Path(__file__).with_name("fresh_hosts.py")  # it imports namespaces/, where that is


def test_a_server_takes_in_its_address_from_the_first_moment_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred servers: up to one in eight was not yet at home over IPv6, and what was dialled then got no answer.

    Of such a row it was said once that it lets in nobody at first: a limit of 0, and no word of IPv6 being open.
    """
    monkeypatch.setattr(sandbox, "PROGRAM", ["python3", "-S", "-E", "-c", PROGRAM.read_text(), str(TIMES)])
    with sandbox.sandbox(settings.read(), 120) as stream:
        answer = json.loads(stream.read_line(60))
    assert answer == {"taken_in": TIMES, "times": TIMES}
