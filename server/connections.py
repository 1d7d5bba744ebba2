"""Who is connected: every open connection, and the totals per source that the control socket reports.

Counts are kept by moment too (server/history.py), because an address is not a host. The account belongs to the
process that accepts. Where a connection is served in another process (the forking mode), that process has only the
`conversation`, and the account stays with the parent, which holds a descriptor of the same socket: shutdown(2) acts
on the connection, whoever calls it. Where other processes accept (the prefork mode), the parent enters what they have
written (`enter`), and has them told what to shut.
"""

from __future__ import annotations

import collections
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping

from server.connection import Connection, conversation, established, shut
from server.history import History

# What stands for an open connection: its socket, or what a mode that accepts in other processes has for it.
Handle = Hashable
Peer = tuple[str, int, float]  # address, port, and when it was established


def shut_sockets(sockets: Iterable[Handle], how: int) -> None:
    """Shut connections of this process."""
    for sock in sockets:
        shut(sock, how)  # type: ignore[arg-type]


class Connections:
    """The account of one server process. `stopping` is set while it closes all of them."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        # A mode whose connections are not sockets of this process says how they are shut, and reads what it does not
        # know yet of them before a question is answered.
        self.shut: Callable[[Collection[Handle], int], None] = shut_sockets
        self.catch_up: Callable[[], None] = lambda: None
        self._open: dict[Handle, Peer] = {}
        # how many of them a source has
        self._open_now: collections.Counter[str] = collections.Counter()
        self._totals: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        # by source and what was counted of it
        self._histories: dict[tuple[str, str], History] = collections.defaultdict(History)

    @contextlib.contextmanager
    def track(self, sock: socket.socket, source: str, source_port: int) -> Iterator[Connection]:
        """Serve an accepted connection, from `accepted` to `closed`, in the process that accepted it."""
        self.admit(sock, source, source_port)
        try:
            with conversation(sock, source, source_port) as connection:
                yield connection
        finally:  # last, because the host stops when nobody is left, and `closed` must have been said by then
            self.forget(sock)

    def admit(self, sock: socket.socket, source: str, source_port: int) -> None:
        """Enter an accepted connection into the account; emits `accepted`.

        Its `open` is what this process has taken and not closed. The kernel is ahead of it, and the limit is the
        kernel's: a slot is free before the process has closed, so `open` can be above the limit.
        """
        moment = established(sock)
        with self._lock:
            self._admit(sock, (source, source_port, moment))
            count = self._open_now[source]
        Connection(sock, source, source_port).emit("accepted", open=count)
        if self.stopping.is_set():
            shut(sock, socket.SHUT_RD)

    def forget(self, sock: Handle) -> None:
        """Take a connection out of the account."""
        with self._lock:
            self._forget(sock)

    def enter(self, changes: Iterable[tuple[Handle, Peer | None]]) -> None:
        """Enter what other processes accepted, each with its peer, and closed (None), in their order."""
        with self._lock:
            for handle, peer in changes:
                if peer:
                    self._admit(handle, peer)
                else:
                    self._forget(handle)

    def held(self, which: Callable[[Handle], bool]) -> dict[Handle, Peer]:
        """Return those open connections for which `which` is true, with their peers."""
        with self._lock:
            return {handle: peer for handle, peer in self._open.items() if which(handle)}

    def count_refusal(self, source: str, earliest: float, latest: float) -> None:
        """Count one refusal by the policy, at a moment between these two."""
        with self._lock:
            self._totals[source]["refused"] += 1
            self._histories[source, "refused"].add(earliest, latest)

    def count(self) -> int:
        """Return how many connections are open now."""
        self.catch_up()
        return len(self._open)

    def snapshot(
        self, after: Mapping[str, float] | None = None, by: Mapping[str, float] | None = None
    ) -> dict[str, dict[str, object]]:
        """Return `{source: {"open": …, "accepted": …, "refused": …}}` for every source since the start.

        `after` and `by` have, for a source, two moments between which the host began that has this address now. Such
        a source has, under `since`, what was counted from then on; `…_perhaps`, what may have been before; and
        `earlier`, the ports of connections that an earlier host of this address has left open. Raises ValueError for
        nonsense.
        """
        hosts = {source: (float(start), float((by or {})[source])) for source, start in (after or {}).items()}
        self.catch_up()
        with self._lock:
            accounts: dict[str, dict[str, object]] = {
                source: {
                    "open": self._open_now[source],
                    "accepted": total["accepted"],
                    "refused": total["refused"],
                }
                for source, total in self._totals.items()
            }
            earlier = self._earlier(hosts)
            for source in hosts.keys() & accounts.keys():
                since = self._since(source, *hosts[source])
                accounts[source]["since"] = {**since, "earlier": earlier[source]}
        return accounts

    def close(self, source: str, source_port: str | None = None) -> int:
        """Close the connections from this address and port with FIN; returns how many there were.

        Without a port: all from this address. The reading side is shut, so the handler sees the end and closes in
        its own order. Connections that still wait for accept(2) are the kernel's, and not found here. Raises
        ValueError for a bad port.
        """
        port = None if source_port is None else int(source_port)
        self.catch_up()
        with self._lock:
            sockets = [
                sock
                for sock, (peer, peer_port, _) in self._open.items()
                if peer == source and port in (None, peer_port)
            ]
        self.shut(sockets, socket.SHUT_RD)
        return len(sockets)

    def close_all(self, within: float, done: Callable[[], bool]) -> None:
        """Close every connection with FIN, in at most `within` seconds; returns once they are and `done()`.

        First only the reading side: a handler still echoes what it has received, then sees the end. One that
        is stuck in send(2), because its client never reads, is cut off after half of the time.
        """
        for how in (socket.SHUT_RD, socket.SHUT_RDWR):
            with self._lock:
                sockets = list(self._open)
            self.shut(sockets, how)
            deadline = time.monotonic() + within / 2
            while (self._open or not done()) and time.monotonic() < deadline:
                time.sleep(0.005)

    def _admit(self, handle: Handle, peer: Peer) -> None:
        source, _, moment = peer
        self._open[handle] = peer
        self._totals[source]["accepted"] += 1
        self._histories[source, "accepted"].add(moment, moment)
        self._open_now[source] += 1

    def _forget(self, handle: Handle) -> None:
        source, _, _ = self._open.pop(handle)
        self._open_now[source] -= 1

    def _since(self, source: str, after: float, by: float) -> dict[str, object]:
        counts: dict[str, object] = {}
        for what in ("accepted", "refused"):
            history = self._histories.get((source, what))
            counts[what], counts[f"{what}_perhaps"] = history.since(after, by) if history else (0, 0)
        return counts

    def _earlier(self, hosts: Mapping[str, tuple[float, float]]) -> dict[str, list[int]]:
        """Return the ports of connections that are older than the host that has their source address now."""
        ports: dict[str, list[int]] = {source: [] for source in hosts}
        for source, port, moment in self._open.values():
            if source in hosts and moment < hosts[source][0]:
                ports[source].append(port)
        return {source: sorted(found) for source, found in ports.items()}
