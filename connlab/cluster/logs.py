"""What the hosts of a lab wrote, merged by time: a line of one host, and what it is if it is an event."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from connlab.base.model import Event
from connlab.cluster import hosts
from connlab.cluster.engine import ERRORS, client
from connlab.cluster.host import Host

AT_ONCE = 16  # logs that are read at the same time
TO_FOLLOW = {"running", "paused", "restarting"}  # states of hosts that may write again without being started
TS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
MICROSECONDS = len("2026-11-23T16:45:28.123456")


@dataclass(frozen=True)
class Line:
    """One line: `engine_ts` is when the engine had it (RFC 3339, UTC, nanoseconds); `event` None if it is none."""

    host: Host
    engine_ts: str
    text: str
    event: Event | None

    @property
    def ts(self) -> str:
        """When it happened (RFC 3339, UTC, microseconds): by the host's own word if it is an event."""
        return self.event.ts if self.event else f"{self.engine_ts[:MICROSECONDS]}Z"


def history(lab_hosts: Sequence[Host]) -> list[Line]:
    """Return what these hosts wrote so far, in the order of time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        log_lines = [line for lines in pool.map(_read_log, lab_hosts) for line in lines]
    return sorted(log_lines, key=lambda line: line.ts)


def follow(project: str, service: str | None, earlier: Sequence[Line]) -> Iterator[Line]:
    """Yield each line as it is written, after the `earlier` ones, also of hosts that start later.

    It ends when no host runs any more; one that is paused may go on.
    """
    arrived: queue.Queue[Line | str] = queue.Queue()  # a line, or the id of a host whose log ended or began
    last = {line.host.id: line.engine_ts for line in earlier}
    running: set[str] = set()

    def begin() -> None:
        for host in hosts.find(project, service):
            if host.state in TO_FOLLOW and host.id not in running:
                running.add(host.id)
                place = (host, last.get(host.id, ""), arrived)
                threading.Thread(target=_follow_log, args=place, daemon=True).start()

    threading.Thread(target=_watch, args=(project, arrived), daemon=True).start()
    begin()
    while running:
        item = arrived.get()
        if isinstance(item, str):
            running.discard(item)
            begin()
            continue
        last[item.host.id] = item.engine_ts
        yield item


def _read_log(host: Host) -> list[Line]:
    raw = client().api.logs(host.id, timestamps=True)
    return [_line(host, line) for line in raw.decode(errors="backslashreplace").splitlines() if line]


def _follow_log(host: Host, after: str, arrived: queue.Queue[Line | str]) -> None:
    """Put each line that the host writes from now on into the queue, and its id when its log ends."""
    rest = b""
    since = int(datetime.fromisoformat(f"{after[:MICROSECONDS]}+00:00").timestamp()) if after else None
    try:
        for part in client().api.logs(host.id, stream=True, follow=True, timestamps=True, since=since):
            *complete, rest = (rest + part).split(b"\n")
            for raw in complete:
                line = _line(host, raw.decode(errors="backslashreplace").rstrip("\r"))
                if line.engine_ts > after:
                    arrived.put(line)
    except ERRORS:  # the host, or the engine, went away
        return
    finally:
        arrived.put(host.id)


def _watch(project: str, arrived: queue.Queue[Line | str]) -> None:
    """Put something into the queue whenever a host of the lab is started."""
    filters = {"type": "container", "event": "start", "label": f"{hosts.PROJECT}={project}"}
    with contextlib.suppress(*ERRORS):  # the engine went away
        for _ in client().api.events(filters=filters):
            arrived.put("")


def _line(host: Host, raw: str) -> Line:
    engine_ts, _, text = raw.partition(" ")
    event = Event.parse(text)
    if event and not (re.fullmatch(TS, str(event.ts))):
        event = None  # a host may write anything
    return Line(host, engine_ts, text, event)
