"""The account of refusals: who asks has what came before, and need not wait for the reader's next look."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from connlab.base.wait import until
from server import nflog, refusals
from server.connections import Connections


class Over(Exception):
    """The reader's end."""


@pytest.fixture
def reading(monkeypatch):
    """Return a reader of an empty queue, whose own next look is in an hour."""
    over = threading.Event()

    def empty(_sock: socket.socket) -> list[nflog.Refusal]:
        raise Over if over.is_set() else BlockingIOError

    reader = refusals.RefusalReader(Connections())

    def read(sock: socket.socket) -> None:
        with contextlib.suppress(Over):
            reader.read(sock)

    monkeypatch.setattr(nflog, "refusals", empty)
    monkeypatch.setattr(refusals, "HEARTBEAT", 3600.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        thread = threading.Thread(target=read, args=[sock], daemon=True)
        thread.start()
        until(lambda: reader.empty, "the reader has looked once", within=10)
        yield reader
        over.set()
        reader.wake()
        thread.join()


def test_a_question_has_the_reader_look_at_once(reading):
    """Each has its own look, so nothing that came before it is left untold."""
    assert [reading.account()["behind"] for _ in range(3)] == [False, False, False]


def test_a_loss_is_told_while_the_flood_goes_on(monkeypatch):
    """The queue is never empty meanwhile: the drops are told before the refusals that were kept."""
    told: list[tuple[str, object]] = []
    answers = iter(
        [nflog.Overrun(), *([nflog.Refusal("192.0.2.1", 5, number)] for number in range(3)), Over()]
    )

    def flood(_sock: socket.socket) -> list[nflog.Refusal]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(nflog, "refusals", flood)
    monkeypatch.setattr(nflog, "dropped", lambda _: 7)
    monkeypatch.setattr(refusals, "emit", lambda event, **fields: told.append((event, fields.get("count"))))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(Over):
        refusals.RefusalReader(Connections()).read(sock)
    assert told == [("events_lost", 7), *[("refused", None)] * 3]
