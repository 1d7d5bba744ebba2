"""What several processes that accept have to get right: one account, one that is full, one that dies."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter

from connlab.base.model import events
from connlab.base.wait import until
from server import settings
from server.connections import Connections
from server.modes import prefork
from server.worker import FULL
from server.workers import Process, Workers
from tests.support import menu
from tests.support.files_variable import files_variable
from tests.unit.server.process import WITHIN, Server, echo


def pids(server: Server) -> list[int]:
    """Return the processes of its workers, in the order in which they were started."""
    return [event.fields["pid"] for event in server.events("worker_started")]


def test_it_has_so_many_workers(start):
    """WORKERS, each a process; the parent accepts nobody."""
    server = start("prefork", WORKERS="3")
    until(lambda: len(pids(server)) == 3, "they are started", WITHIN)
    assert sorted(pids(server)) == sorted(server.children())
    with server.dials(5) as socks:
        assert [echo(sock, b"x") for sock in socks] == [b"x"] * 5
        assert {event.fields["worker"] for event in server.wait_for("accepted", 5)} <= {1, 2, 3}


def test_a_full_worker_leaves_newcomers_to_the_others(start):
    """18 are what one of them has descriptors for: 34 are held by two, and each newcomer is served."""
    server = start("prefork", descriptors=24, WORKERS="2")
    with server.dials(34) as socks:
        assert [echo(sock, b"x") for sock in socks] == [b"x"] * 34
        held = Counter(event.fields["worker"] for event in server.events("accepted"))
        assert server.account() == {"open": 34, "accepted": 34, "refused": 0}
    assert held.total() == 34
    assert max(held.values()) <= 18
    server.wait_for_open(0)


def test_a_worker_that_dies_is_replaced_and_its_connections_are_accounted_for(start):
    """Each is told as closed, none stays open in the account, no accepted one is forgotten, and the port is served."""
    server = start("prefork", WORKERS="2")
    with server.dials(10) as socks:
        assert [echo(sock, b"x") for sock in socks] == [b"x"] * 10
        served = Counter(event.fields["worker"] for event in server.events("accepted"))
        number, count = served.most_common(1)[0]
        os.kill(pids(server)[number - 1], signal.SIGKILL)
        (ended,) = server.wait_for("worker_ended")
        assert (ended.fields["worker"], ended.fields["status"]) == (number, -signal.SIGKILL)
        assert (ended.fields["closed"], ended.fields["untold"]) == (count, 0)
        server.wait_for("worker_started", 3)
        assert server.account() == {"open": 10 - count, "accepted": 10, "refused": 0}
        closed = server.events("closed")
        assert [(event.fields["by"], event.fields["error"]) for event in closed] == [
            ("error", "no process")
        ] * count
    server.check_service()
    server.wait_for_open(0)
    assert server.account()["accepted"] == 11
    assert server.stop() == 0
    server.wait_for_no_children()


def test_workers_do_not_outlive_their_parent(start):
    """A killed server leaves nobody who accepts on its port."""
    server = start("prefork")
    server.wait_for("worker_started", 2)
    server.process.kill()
    server.process.wait()
    server.wait_for_no_children()


class Told:
    """The workers as a server tells them to look."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self) -> None:
        self.looks += 1


def test_the_others_look_when_one_is_full(monkeypatch):
    """Who was woken for a newcomer could not take it; nobody else would be woken for that one."""
    knobs = settings.read(menu.MENU | files_variable())._replace(listen="127.0.0.1", port=0)
    server = prefork.build(knobs, Connections())
    told = Told()
    ours, theirs = socket.socketpair()
    with server.socket, ours, theirs:
        monkeypatch.setattr(server, "_workers", told)
        process = Process.__new__(Process)
        process.channel = ours
        theirs.send(FULL)
        server._answer(process)
    assert told.looks == 1


class Doomed:
    """A worker that is killed between accept(2) and what it would have written."""

    def __init__(self, *base) -> None:
        self.journal = base[-1]

    def run(self) -> None:
        self.journal.accepting(True)
        os.kill(os.getpid(), signal.SIGKILL)


def test_one_that_dies_while_it_accepts_leaves_one_untold(capfd):
    """Whether there was a connection nobody knows: the event says so."""
    with socket.socket() as listener:
        workers = Workers(listener, Connections(), lambda _, *base: Doomed(*base), tell=False)
        workers.start(1)
        (process,) = workers.running.values()
        until(lambda: process.asks()[1], "it has ended", WITHIN)
        workers.ended(process, stopping=False)
    (ended,) = (event for event in events(capfd.readouterr().out) if event.event == "worker_ended")
    assert (ended.fields["status"], ended.fields["untold"]) == (-signal.SIGKILL, 1)
