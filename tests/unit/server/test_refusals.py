"""The account of refusals: who asks has what came before, and need not wait for the reader's next look."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

import pytest

from connlab.base.wait import until
from server import nflog, refusals


class Over(Exception):
    """The reader's end."""


@pytest.fixture
def reading(monkeypatch):
    """A reader of an empty queue, whose own next look is in an hour."""
    over = threading.Event()

    def empty(_sock: socket.socket) -> list[nflog.Refusal]:
        raise Over if over.is_set() else BlockingIOError

    def read(sock: socket.socket) -> None:
        with contextlib.suppress(Over):
            refusals.tell(sock)

    monkeypatch.setattr(nflog, "refusals", empty)
    monkeypatch.setattr(refusals, "HEARTBEAT", 3600.0)
    monkeypatch.setattr(refusals, "_reader", refusals.Reader())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        reader = threading.Thread(target=read, args=[sock], daemon=True)
        reader.start()
        until(lambda: refusals._reader.empty, "the reader has looked once", within=10)
        yield
        over.set()
        os.eventfd_write(refusals._asked, 1)
        reader.join()


def test_a_question_has_the_reader_look_at_once(reading):
    """Each has its own look, so nothing that came before it is left untold."""
    assert [refusals.account()["behind"] for _ in range(3)] == [False, False, False]
