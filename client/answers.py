"""What the agent answers: a record for each request of client/protocol.py (docs/agent.md)."""

from __future__ import annotations

from client.attempts import Attempts
from client.protocol import Close, Quit, Recv, Request, Send
from connlab.machine.named_tuple import NamedTuple


class Opened(NamedTuple):
    """What became of the dials: `attempts`, or `tally`, how many ended how, if each is told in a line before."""

    attempts: Attempts | None = None
    tally: dict[str, int] | None = None


class Churned(NamedTuple):
    """What became of connections that were opened and closed, pauses included in `seconds`; `attempts` if asked for."""

    tally: dict[str, int]
    seconds: float
    attempts: Attempts | None = None


class Talked(NamedTuple):
    """What became of requests; `unsent`: due, and not begun in time. `failed`: {conn, why} for each that is out of it.

    `latency_ns`: percentiles and the longest, None if nobody answered; `histogram`: of each bucket its shortest time
    and how many took that long (client/histogram.py).
    """

    sent: int
    answered: int
    unsent: int
    failed: list[dict[str, object]]
    seconds: float
    latency_ns: dict[str, int] | None
    histogram: list[tuple[int, int]]


class Closed(NamedTuple):
    """How a connection was ended by its other side: `fin`, `reset`, `timeout` or `none`, after `us` µs."""

    conn: int
    peer: str
    us: int


class Sent(NamedTuple):
    """What send(2) took of the data; `errno` is EAGAIN if the buffer is full."""

    conn: int
    bytes: int
    errno: str | None


class Received(NamedTuple):
    """What recv(2) read; `eof` is the other side's FIN, `errno` EAGAIN if nothing came in time."""

    conn: int
    bytes: int
    text: str
    eof: bool
    errno: str | None


class Listener(NamedTuple):
    """A listening socket that is held."""

    conn: int
    address: str
    port: int


class Accepted(NamedTuple):
    """A connection that accept(2) returned, and that is held."""

    conn: int
    source: str
    source_port: int


class Resolution(NamedTuple):
    """What the resolver said of a name, after `us` µs."""

    resolved: bool
    address: str | None
    errno: str | None
    reason: str | None
    us: int


class HostFacts(NamedTuple):
    """The agent's own host and process; `ended`: so many of `held` the other side has ended.

    A sysctl, or a counter of the kernel's, that is not there is None.
    """

    monotonic_ns: int
    address: str | None
    host: str
    pid: int
    uid: int
    held: int
    ended: int
    sysctls: dict[str, str | None]
    counters: dict[str, int | None]


Answer = (
    Opened
    | Churned
    | Talked
    | Listener
    | Accepted
    | Resolution
    | HostFacts
    | Quit
    | list[Closed]
    | list[Sent]
    | list[Received]
)
# The name under which the answer to a request has its list of records.
LISTS: dict[type[Request], str] = {Close: "closed", Send: "sent", Recv: "received"}
