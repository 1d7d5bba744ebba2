"""Dialling: `open`, `salvo` and `churn`, and `resolve`, which only asks for the address."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable

from client import close, connector, exchange, report, resolver, single_dial, source_range
from client.answers import Churned, Opened, Resolution
from client.attempt import Attempt, errno_name
from client.churning import Churning, Use
from client.commands.held import Held, hold
from client.messages import BadRequest
from client.protocol import Churn, Open, Resolve, Salvo
from connlab.machine import events

_LONGEST_BARRIER_NS = 60 * 10**9
Ended = tuple[Attempt, "socket.socket | None"]


def open_(held: Held, request: Open, tell: Callable[[Attempt], None]) -> Opened:
    """Dial; keep what was established, or close it with FIN at the end.

    With `partial` each attempt is told and logged when it ends; else all of them at the end, in order of
    dialling, so that neither stands between two dials.
    """
    _check_ports(request)
    if request.at_ns and request.at_ns - time.monotonic_ns() > _LONGEST_BARRIER_NS:
        raise BadRequest("at_ns: more than 60 s ahead of this host's CLOCK_MONOTONIC")
    ended = connector.dial(
        _resolve(request.host),
        request.port,
        count=request.count,
        in_flight=request.in_flight,
        gap_ms=request.gap_ms,
        timeout_ms=request.timeout_ms,
        at_ns=request.at_ns,
        sources=_sources(request),
        source_port=request.source_port,
    )
    attempts, established = _tell(held, ended, keep=request.keep, tell=tell if request.partial else None)
    tally = report.tally(attempt.outcome for attempt in attempts)
    if established and request.keep:
        events.emit("held", count=len(held))
    elif established:
        close.fin(established, request.timeout_ms)
        events.emit("released", count=len(established), how="fin")
    return Opened(tally=tally) if request.partial else Opened(attempts)


def salvo(held: Held, request: Salvo) -> Opened:
    """Dial with sockets that are there already, back to back, and hold what is established."""
    _check_ports(request)
    ended = connector.salvo(
        _resolve(request.host),
        request.port,
        count=request.count,
        timeout_ms=request.timeout_ms,
        sources=_sources(request),
        source_port=request.source_port,
    )
    attempts, established = _tell(held, ended, keep=True)
    if established:
        events.emit("held", count=len(held))
    return Opened(attempts)


def _tell(
    held: Held, ended: Iterable[Ended], *, keep: bool, tell: Callable[[Attempt], None] | None = None
) -> tuple[list[Attempt], list[socket.socket]]:
    """Log each attempt, with its number if it is kept; told when it ends, or all in order of dialling at the end.

    Returns the attempts and the sockets that were established.
    """
    if tell is None:
        ended = sorted(ended, key=lambda pair: pair[0].number)
    attempts, established = [], []
    for dialled, sock in ended:
        attempt = dialled._replace(conn=hold(held, sock)) if sock and keep else dialled
        if sock:
            established.append(sock)
        attempts.append(attempt)
        report.attempt(attempt)
        if tell:
            tell(attempt)
    return attempts, established


def churn(_held: Held, request: Churn) -> Churned:
    """Open and close one connection at a time, or several."""
    _check_ports(request)
    if request.in_flight > 1 and request.gap_ms:
        raise BadRequest("gap_ms: pauses are between connections one after another, so not with in_flight")
    target, sources = (_resolve(request.host), request.port), _sources(request)
    start_ns = time.monotonic_ns()
    carry_out = _one_by_one if request.in_flight == 1 else _several
    attempts = carry_out(request, target, sources)
    seconds = (time.monotonic_ns() - start_ns) / 1e9
    for attempt in attempts:
        report.attempt(attempt)
    tally = report.tally(attempt.outcome for attempt in attempts)
    return Churned(tally, seconds, attempts if request.detail else None)


def _several(
    request: Churn, target: tuple[str, int], sources: source_range.SourceRange | None
) -> list[Attempt]:
    def start(number: int) -> single_dial.Started:
        return single_dial.start(target, number, *source_range.own_end(sources, request.source_port, number))

    message = None if request.message is None else request.message.encode()
    churning = Churning(Use(message, request.how == "rst", request.timeout_ms))
    churning.run(start, request.count, request.in_flight)
    return sorted(churning.ended)


def _one_by_one(
    request: Churn, target: tuple[str, int], sources: source_range.SourceRange | None
) -> list[Attempt]:
    attempts: list[Attempt] = []
    for number in range(1, request.count + 1):
        if attempts and request.gap_ms:
            time.sleep(request.gap_ms / 1000)
        own = source_range.own_end(sources, request.source_port, number)
        dialled = connector.one(target, number, request.timeout_ms, *own)
        attempts.append(_used(*dialled, request))
    return attempts


def _used(attempt: Attempt, sock: socket.socket | None, request: Churn) -> Attempt:
    """Exchange the message on a connection and close it; returns its attempt with what became of that."""
    if sock is None:
        return attempt
    if request.message is not None:
        number = exchange.echo({sock: request.message.encode()}, request.timeout_ms)[sock]
        if number:
            attempt = attempt.with_errno(number)
    close.HOW[request.how]([sock], request.timeout_ms)
    return attempt._replace(closed_ns=time.monotonic_ns())


def resolve(_held: Held, request: Resolve) -> Resolution:
    """Ask the resolver for a name, and dial nothing; a name without an address is an answer, not an error."""
    start_ns = time.monotonic_ns()
    address, number, reason = None, None, None
    try:
        address = resolver.resolve(request.host)
    except socket.gaierror as error:
        number, reason = errno_name(error.errno), error.strerror
    us = (time.monotonic_ns() - start_ns) // 1000
    return Resolution(address is not None, address, number, reason, us)


def _check_ports(request: Open | Salvo | Churn) -> None:
    first, count = request.source_port, request.count
    if first and first + count > 65_536:
        raise BadRequest(f"source_port: {count} dials from {first} on need ports above 65535")


def _sources(request: Open | Salvo | Churn) -> source_range.SourceRange | None:
    """Return where the dials come from: `sources`, or the one `source`; None leaves it to the kernel."""
    if request.source and request.sources:
        raise BadRequest("source and sources: give one of them")
    return source_range.read(request.source) if request.source else request.sources


def _resolve(name: str) -> str:
    try:
        return resolver.resolve(name)
    except socket.gaierror as error:
        raise BadRequest(f"host: cannot resolve {name!r}: {error.strerror}") from None
