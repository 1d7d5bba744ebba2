"""The loop of one process that accepts, step by step in this process."""

from __future__ import annotations

import os
import resource
import select
import socket

import pytest

from connlab.machine import identity
from server.journal import CLOSED, RECORDS, Journal
from server.worker import FULL, ORDER, Worker


@pytest.fixture
def served():
    """Return a worker, a client that it has accepted, the descriptor of its side, and the parent's end."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        listener.setblocking(False)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            worker = Worker(listener, theirs, Journal(), b"")
            worker.accept()
            (descriptor,) = worker.sockets
            yield worker, client, descriptor, ours
            for sock, _ in worker.sockets.values():
                sock.close()
            worker.epoll.close()


@pytest.mark.parametrize(("serial", "left"), [(1, 0), (2, 1)], ids=["it", "the one before"])
def test_what_comes_too_late_ends_nobody_else(served, serial, left):
    """A descriptor is taken again at once: an order names the connection too, and one that is over is nobody's."""
    worker, _, descriptor, parent = served
    parent.send(ORDER.pack(socket.SHUT_RD, descriptor, serial))
    worker.obey()
    worker.serve(descriptor)
    assert len(worker.sockets) == left


def test_who_is_full_twice_at_once_goes_on(served):
    """The parent has it look, and the same poll has the listener's event: it died of that, with 19,992 connections."""
    worker, _, _, parent = served
    identity.host()  # which a server has read long before
    worker.epoll.register(worker.listener, select.EPOLLIN)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_connection(worker.listener.getsockname()):
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            worker.accept()
            worker.accept()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert parent.recv(9) == FULL
    assert len(worker.sockets) == 1


def test_an_order_that_comes_in_two_parts_is_one(served):
    """The channel is a stream: what is cut is kept."""
    worker, client, descriptor, parent = served
    order = ORDER.pack(socket.SHUT_RD, descriptor, 1)
    for part in (order[:5], order[5:]):
        parent.send(part)
        worker.obey()
    worker.serve(descriptor)
    assert client.recv(1) == b""


def test_the_journal_has_each_connection_from_its_beginning_to_its_end(served):
    """Address, port and number; once read, no more."""
    worker, client, descriptor, _ = served
    client.shutdown(socket.SHUT_WR)
    worker.serve(descriptor)
    opened, closed = worker.journal.read()
    assert opened[:4] == (descriptor, 1, client.getsockname()[1], socket.inet_aton("127.0.0.1"))
    assert (closed.descriptor, closed.serial, closed.address) == (descriptor, 1, CLOSED)
    assert list(worker.journal.read()) == []
    assert not worker.journal.unsure()


def test_the_journal_is_a_ring():
    """More records than it has places, read in between: each comes out once, in order."""
    journal, numbers = Journal(), []
    for serial in range(RECORDS + 10):
        journal.write(5, serial, 1, b"\x7f\0\0\1", 0.0)
        if serial == RECORDS // 2:
            numbers += [record.serial for record in journal.read()]
    numbers += [record.serial for record in journal.read()]
    assert numbers == list(range(RECORDS + 10))
