"""The addresses of a scenario's hosts have their routes before its first dial, whatever else the machine does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connlab.base import settings
from connlab.cluster import sandbox

TIMES = 60
PROGRAM = Path(__file__).with_name("fresh_hosts.py")  # it imports namespaces/, where that is


def test_the_address_of_a_new_server_has_its_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside twelve others that come and go one in nine had none yet over IPv6 (O11): a dial then got no answer.

    Of such a row it was said that it lets in nobody at first: a limit of 0, and no word of IPv6 being open.
    """
    monkeypatch.setattr(sandbox, "PROGRAM", ["python3", "-S", "-E", "-c", PROGRAM.read_text(), str(TIMES)])
    with sandbox.sandbox(settings.read(), 120) as stream:
        answer = json.loads(stream.read_line(60))
    assert answer == {"local": TIMES, "times": TIMES}
