"""Dialling: `open`, `salvo` and `churn`, and `resolve`, which only asks for the address."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from client import close, pace, report, resolver, source_range
from client.answers import Churned, Opened, Resolution
from client.attempt import Attempt, errno_name
from client.attempts import Attempts
from client.churning import Churning, Use
from client.commands.held import Held, hold
from client.dialling import Dialling
from client.messages import BadRequest
from client.protocol import Churn, Open, Resolve, Salvo
from client.sockets import Socket
from connlab.machine import events

_LONGEST_BARRIER_NS = 60 * 10**9
_MOST_RECORDS = 20_000  # attempts that an answer may have as records: a line of 4.5 MB


def open_(held: Held, request: Open, tell: Callable[[Attempt], None]) -> Opened:
    """Dial; keep what was established, or close it with FIN at the end.

    With `partial` each attempt is told and logged when it ends; else all of them at the end, in order of
    dialling, so that neither stands between two dials.
    """
    if request.partial and request.columns:
        raise BadRequest("partial and columns: give one of them")
    if not request.partial:
        _check_records(request)
    if request.at_ns and request.at_ns - time.monotonic_ns() > _LONGEST_BARRIER_NS:
        raise BadRequest("at_ns: more than 60 s ahead of this host's CLOCK_MONOTONIC")
    dialling = _dialling(request)
    attempts, established = dialling.attempts, {}
    dials = pace.dial(dialling, in_flight=request.in_flight, gap_ms=request.gap_ms, at_ns=request.at_ns)
    for row, sock in dials:
        if sock:
            established[row] = sock
        if request.partial:
            if sock and request.keep:
                attempts.conn[row] = hold(held, sock)
            attempt = attempts.record(row)
            report.attempt(attempt)
            tell(attempt)
    if not request.partial:
        _log(held, attempts, established if request.keep else {})
    tally = attempts.tally()
    report.tally(tally)
    if established and request.keep:
        events.emit("held", count=len(held))
    elif established:
        close.fin(established.values(), request.timeout_ms)
        events.emit("released", count=len(established), how="fin")
    return Opened(
        None if request.partial else attempts, tally if request.partial or request.columns else None
    )


def salvo(held: Held, request: Salvo) -> Opened:
    """Dial with sockets that are there already, back to back, and hold what is established."""
    dialling = _dialling(request)
    established = {row: sock for row, sock in pace.salvo(dialling) if sock}
    _log(held, dialling.attempts, established)
    if established:
        events.emit("held", count=len(held))
    return Opened(dialling.attempts, dialling.attempts.tally() if request.columns else None)


def _log(held: Held, attempts: Attempts, established: dict[int, Socket]) -> None:
    """Hold what was established, with numbers in order of dialling, and log all attempts in it."""
    for row in sorted(established):
        attempts.conn[row] = hold(held, established[row])
    report.attempts(attempts.records())


def churn(_held: Held, request: Churn) -> Churned:
    """Open and close one connection at a time, or several."""
    if request.in_flight > 1 and request.gap_ms:
        raise BadRequest("gap_ms: pauses are between connections one after another, so not with in_flight")
    if request.detail:
        _check_records(request)
    dialling = _dialling(request)
    message = None if request.message is None else request.message.encode()
    start_ns = time.monotonic_ns()
    Churning(dialling, Use(message, request.how == "rst")).run(request.in_flight, request.gap_ms)
    seconds = (time.monotonic_ns() - start_ns) / 1e9
    attempts = dialling.attempts
    report.attempts(attempts.records())
    tally = attempts.tally()
    report.tally(tally)
    return Churned(tally, seconds, attempts if request.detail or request.columns else None)


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


def _dialling(request: Open | Salvo | Churn) -> Dialling:
    """Return the dials of a request, from `sources`, or the one `source`; without either the kernel says."""
    first, count = request.source_port, request.count
    if first and first + count > 65_536:
        raise BadRequest(f"source_port: {count} dials from {first} on need ports above 65535")
    if request.source and request.sources:
        raise BadRequest("source and sources: give one of them")
    sources = source_range.read(request.source) if request.source else request.sources
    return Dialling((_resolve(request.host), request.port), count, request.timeout_ms, sources, first)


def _check_records(request: Open | Churn) -> None:
    if request.count > _MOST_RECORDS and not request.columns:
        raise BadRequest(
            f'count: more than {_MOST_RECORDS} attempts are told in columns; add "columns": true'
        )


def _resolve(name: str) -> str:
    try:
        return resolver.resolve(name)
    except socket.gaierror as error:
        raise BadRequest(f"host: cannot resolve {name!r}: {error.strerror}") from None
