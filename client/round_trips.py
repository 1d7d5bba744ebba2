"""Requests over connections, one at a time over each: sent, and waited for until the same bytes have come back.

In the closed loop a connection sends again when it has its answer. In the open loop (`rate`) each request has the
moment at which it is due, whatever became of those before; it takes the next connection that is free, and its time
counts from that moment. So if a server stands still for a second, that is in the time of all that were due in it.
"""

from __future__ import annotations

import errno
import select
import time
from collections import deque

from client import exchange
from client.attempt import outcome_of
from client.histogram import bucket
from client.request_plan import RequestPlan
from client.sockets import NOW, Socket

_AT_ONCE = 64  # requests that are sent before answers are looked for
_MOST_EVENTS, _CHUNK = 256, 65_536
_MILLISECOND = 1_000_000
_NEVER = 2**62


class RoundTrips:
    """What becomes of requests: `times` has how many took how long, `failed` the connections that are out of it."""

    def __init__(self, connections: dict[int, Socket], message: bytes, plan: RequestPlan) -> None:
        self.message, self.plan = message, plan
        self.most = _NEVER if plan.planned is None else plan.planned
        self.begun = self.answered = self.longest_ns = self.start_ns = self.end_ns = 0
        self.times: dict[int, int] = {}  # by the buckets of client/histogram.py
        self.failed: dict[int, str] = {}  # by connection: an outcome, `closed` or `wrong`
        self._epoll = select.epoll()
        self._talking = {sock.fileno(): (conn, sock) for conn, sock in connections.items()}
        self._free = deque(self._talking)
        # By descriptor, in order of sending: when it was due and sent, bytes that are sent, and that are back.
        self._under_way: dict[int, tuple[int, int, int, int]] = {}

    def run(self) -> int:
        """Carry out the plan; returns the nanoseconds from its start until nothing was under way any more."""
        poll = self._epoll.poll
        with self._epoll:
            self._listen()
            self.start_ns = now_ns = time.monotonic_ns()
            self.end_ns = _NEVER if self.plan.duration_ns is None else now_ns + self.plan.duration_ns
            while self._under_way or self._more(now_ns):
                self._begin_due(now_ns)
                for descriptor, event in poll(self._patience(), _MOST_EVENTS):
                    self._go_on(descriptor, event)
                now_ns = time.monotonic_ns()
                self._end_overdue(now_ns)
        return now_ns - self.start_ns

    def _listen(self) -> None:
        """Wait for what comes on each connection; what has come before, a greeting, is no answer."""
        for descriptor, (_, sock) in list(self._talking.items()):
            self._epoll.register(descriptor, select.EPOLLIN)
            _, eof, number = exchange.drain(sock)
            if eof or number:
                self._fail(descriptor, "closed" if eof else outcome_of(number))

    def _more(self, now_ns: int) -> bool:
        """Return whether a request may begin, now or when it is due."""
        return bool(self._free) and self.begun < self.most and now_ns < self.end_ns

    def _due_ns(self, now_ns: int) -> int:
        """Return when the next request is due: in the closed loop as soon as a connection is free."""
        rate = self.plan.rate
        return now_ns if rate is None else self.start_ns + self.begun * 10**9 // rate

    def _begin_due(self, now_ns: int) -> None:
        for _ in range(_AT_ONCE):
            if not self._more(now_ns) or (due_ns := self._due_ns(now_ns)) > now_ns:
                return
            descriptor = self._free.popleft()
            self.begun += 1
            self._under_way[descriptor] = due_ns, now_ns, 0, 0
            self._send(descriptor)
            now_ns = time.monotonic_ns()

    def _send(self, descriptor: int) -> None:
        """Send a request, or the rest of it; what the kernel does not take now is sent when it has room."""
        due_ns, since_ns, sent, back = self._under_way[descriptor]
        taken, number = exchange.send(self._talking[descriptor][1], self.message[sent:])
        if taken + sent < len(self.message) and number != errno.EAGAIN:
            self._fail(descriptor, outcome_of(number))
            return
        left = len(self.message) - sent - taken
        if left or sent:
            self._epoll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if left else 0))
        self._under_way[descriptor] = due_ns, since_ns, sent + taken, back

    def _go_on(self, descriptor: int, event: int) -> None:
        if event & select.EPOLLOUT:
            self._send(descriptor)
        if descriptor not in self._talking or not event & ~select.EPOLLOUT:
            return
        try:
            data = self._talking[descriptor][1].recv(min(len(self.message) + 1, _CHUNK), NOW)
        except BlockingIOError:
            return
        except OSError as error:
            exchange.broken.add(self._talking[descriptor][1])
            self._fail(descriptor, outcome_of(error.errno))
            return
        due_ns, since_ns, sent, back = self._under_way.get(descriptor, (0, 0, 0, 0))
        after = back + len(data)
        if not data or data != self.message[back : min(after, sent)]:
            self._fail(descriptor, "wrong" if data else "closed")
        elif after < len(self.message):
            self._under_way[descriptor] = due_ns, since_ns, sent, after
        else:
            self._note(time.monotonic_ns() - due_ns)
            del self._under_way[descriptor]
            self._free.append(descriptor)

    def _note(self, time_ns: int) -> None:
        self.answered += 1
        self.longest_ns = max(self.longest_ns, time_ns)
        low = bucket(time_ns)
        self.times[low] = self.times.get(low, 0) + 1

    def _fail(self, descriptor: int, word: str) -> None:
        """Take a connection out of the plan; it is held on as it is."""
        self._epoll.unregister(descriptor)
        self.failed[self._talking.pop(descriptor)[0]] = word
        if self._under_way.pop(descriptor, None) is None:
            self._free.remove(descriptor)

    def _patience(self) -> float:
        """Return the seconds to wait for answers: until a request is due, or the oldest is overdue.

        Whole milliseconds, as epoll_wait(2) takes them; for what is due sooner nobody sleeps.
        """
        now_ns = time.monotonic_ns()
        due = [self._due_ns(now_ns)] if self._more(now_ns) else []
        for _, since_ns, _, _ in self._under_way.values():
            due.append(since_ns + self.plan.timeout_ns)
            break
        return max(0.0, (min(due, default=0) - now_ns) // _MILLISECOND - 0.5) / 1000  # 0.5: it is rounded up

    def _end_overdue(self, now_ns: int) -> None:
        while self._under_way:
            descriptor, (_, since_ns, _, _) = next(iter(self._under_way.items()))
            if since_ns > now_ns - self.plan.timeout_ns:
                return
            self._fail(descriptor, "timed_out")
