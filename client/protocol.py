"""The protocol of the agent (docs/agent.md): a record for each request, with its fields, their checks and defaults.

What each line has, `id` and `verb`, is in client/messages.py; the answers are in client/answers.py.
"""

from __future__ import annotations

from client import fields, source_range
from client.fields import boolean, integer, list_of, of_knob, one_of, optional, or_null, required
from connlab.machine.named_tuple import NamedTuple

_HOST = optional(fields.host, "server")
_PORT = of_knob(integer(1, 65_535), "port")
_TIMEOUT = optional(integer(1, 600_000), 2000)
_SOURCE = optional(or_null(fields.address), None)
_SOURCES = optional(or_null(source_range.read), None)
_SOURCE_PORT = optional(or_null(integer(1, 65_535)), None)
_COUNT = integer(1, 100_000)
_AT_ONCE = integer(1, 20_000)  # as many descriptors has a process
_GAP = optional(integer(0, 600_000), 0)
_CONNS = optional(or_null(list_of(integer(1, 2**53))), None)


# `count` hides tuple's own method, which nobody needs here.
class Open(NamedTuple):
    """Dial, and hold what is established."""

    host: str = _HOST
    port: int = _PORT
    timeout_ms: int = _TIMEOUT
    source: str | None = _SOURCE
    sources: source_range.SourceRange | None = _SOURCES
    source_port: int | None = _SOURCE_PORT
    count: int = optional(_COUNT, 1)  # type: ignore[assignment]
    in_flight: int = optional(_AT_ONCE, 1)
    gap_ms: int = _GAP
    at_ns: int | None = optional(or_null(integer(0, 2**63)), None)
    keep: bool = optional(boolean, True)
    partial: bool = optional(boolean, False)
    columns: bool = optional(boolean, False)


class Salvo(NamedTuple):
    """Make sockets, then dial with all of them back to back, and hold what is established."""

    host: str = _HOST
    port: int = _PORT
    timeout_ms: int = _TIMEOUT
    source: str | None = _SOURCE
    sources: source_range.SourceRange | None = _SOURCES
    source_port: int | None = _SOURCE_PORT
    count: int = optional(_AT_ONCE, 20)  # type: ignore[assignment]
    columns: bool = optional(boolean, False)


class Close(NamedTuple):
    """End connections that are held; `conns` None: all."""

    conns: list[int] | None = _CONNS
    how: str = optional(one_of("fin", "rst", "half", "drop"), "fin")
    timeout_ms: int = _TIMEOUT


class Send(NamedTuple):
    """Write to connections, a text or so many bytes."""

    conns: list[int] | None = _CONNS
    text: str = optional(fields.text, "hello")
    bytes: int | None = optional(or_null(integer(0, 2**24)), None)


class Recv(NamedTuple):
    """Read from connections."""

    conns: list[int] | None = _CONNS
    max: int = optional(integer(1, 2**20), 65_536)
    timeout_ms: int = _TIMEOUT


class Talk(NamedTuple):
    """Send requests over connections and wait for what comes back; neither a count nor a duration: one over each."""

    conns: list[int] | None = _CONNS
    count: int | None = optional(or_null(integer(1, 10_000_000)), None)  # type: ignore[assignment]
    duration_ms: int | None = optional(or_null(integer(1, 600_000)), None)
    rate: int | None = optional(or_null(integer(1, 1_000_000)), None)
    bytes: int = optional(integer(1, 2**22), 1)
    timeout_ms: int = _TIMEOUT


class Churn(NamedTuple):
    """Open and close connections, one after another or several at a time."""

    host: str = _HOST
    port: int = _PORT
    timeout_ms: int = _TIMEOUT
    source: str | None = _SOURCE
    sources: source_range.SourceRange | None = _SOURCES
    source_port: int | None = _SOURCE_PORT
    count: int = optional(_COUNT, 100)  # type: ignore[assignment]
    in_flight: int = optional(_AT_ONCE, 1)
    gap_ms: int = _GAP
    how: str = optional(one_of("fin", "rst"), "fin")
    message: str | None = optional(or_null(fields.text), None)
    detail: bool = optional(boolean, False)
    columns: bool = optional(boolean, False)


class Listen(NamedTuple):
    """Open a port."""

    port: int = optional(integer(0, 65_535), 0)
    backlog: int = optional(integer(0, 2**31 - 1), 5)
    address: str = optional(fields.address_or_any, "")
    reuse_address: bool = optional(boolean, True)
    reuse_port: bool = optional(boolean, False)


class Accept(NamedTuple):
    """Take a connection from a listener."""

    conn: int = required(integer(1, 2**53))
    timeout_ms: int = _TIMEOUT


class Resolve(NamedTuple):
    """Ask the resolver for a name."""

    host: str = _HOST


class Facts(NamedTuple):
    """Read what the host and its kernel are."""

    sysctls: list[str] = optional(list_of(fields.sysctl), [])
    counters: list[str] = optional(list_of(fields.counter), [])


class Quit(NamedTuple):
    """Close everything, and end the agent."""


Request = Open | Salvo | Close | Send | Recv | Talk | Churn | Listen | Accept | Resolve | Facts | Quit
REQUESTS = {
    kind.__name__.lower(): kind
    for kind in (Open, Salvo, Close, Send, Recv, Talk, Churn, Listen, Accept, Resolve, Facts, Quit)
}
