"""Dialling: `open` and `churn`, and `resolve`, which only asks for the address."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable

from client import close, connector, exchange, report, resolver
from client.commands.held import Held, hold
from client.json_object import JsonObject
from client.request import BadRequest
from connlab.machine import events

_LONGEST_BARRIER_NS = 60 * 10**9


def open_(held: Held, fields: JsonObject) -> JsonObject:
    """Dial; keep what was established, or close it with FIN at the end.

    With `partial` each attempt is told and logged when it ends; else all of them at the end, in order of
    dialling, so that neither stands between two dials.
    """
    keep, tell = fields.pop("keep"), fields.pop("partial")
    _check_ports(fields)
    if fields["at_ns"] and fields["at_ns"] - time.monotonic_ns() > _LONGEST_BARRIER_NS:
        raise BadRequest("at_ns: more than 60 s ahead of this host's CLOCK_MONOTONIC")
    fields["host"] = _resolve(fields["host"])
    ended: Iterable[tuple[JsonObject, socket.socket | None]] = connector.dial(**fields)
    if not tell:
        ended = sorted(ended, key=lambda pair: pair[0]["number"])
    attempts, outcomes, established = [], [], []
    for attempt, sock in ended:
        if sock and keep:
            attempt["conn"] = hold(held, sock)
        if sock:
            established.append(sock)
        report.attempt(attempt)
        outcomes.append(attempt["outcome"])
        if tell:
            tell(attempt)
        else:
            attempts.append(attempt)
    tally = report.tally(outcomes)
    if established and keep:
        events.emit("held", count=len(held))
    elif established:
        close.fin(established, fields["timeout_ms"])
        events.emit("released", count=len(established), how="fin")
    return {"tally": tally} if tell else {"attempts": attempts}


def churn(_held: Held, fields: JsonObject) -> JsonObject:
    """Open and close one connection at a time."""
    _check_ports(fields)
    count, how, message = fields.pop("count"), fields.pop("how"), fields.pop("message")
    gap_ms, detail, first_port = fields.pop("gap_ms"), fields.pop("detail"), fields.pop("source_port")
    target = {**fields, "host": _resolve(fields["host"])}
    attempts: list[JsonObject] = []
    start_ns = time.monotonic_ns()
    for number in range(count):
        if attempts:
            time.sleep(gap_ms / 1000)
        for attempt, sock in connector.dial(**target, source_port=first_port and first_port + number):
            attempt.update(number=number + 1, closed_ns=None)
            attempts.append(attempt)
            if sock and message is not None:
                error = exchange.echo({sock: message.encode()}, fields["timeout_ms"])[sock]
                if error:
                    attempt.update(outcome=connector.outcome_of(error), errno=connector.errno_name(error))
            if sock:
                close.HOW[how]([sock], fields["timeout_ms"])
                attempt["closed_ns"] = time.monotonic_ns()
    seconds = (time.monotonic_ns() - start_ns) / 1e9
    for attempt in attempts:
        report.attempt(attempt)
    tally = report.tally(attempt["outcome"] for attempt in attempts)
    return {"tally": tally, "seconds": seconds, **({"attempts": attempts} if detail else {})}


def resolve(_held: Held, fields: JsonObject) -> JsonObject:
    """Ask the resolver for a name, and dial nothing; a name without an address is an answer, not an error."""
    start_ns = time.monotonic_ns()
    address, number, reason = None, None, None
    try:
        address = resolver.resolve(fields["host"])
    except socket.gaierror as error:
        number, reason = connector.errno_name(error.errno), error.strerror
    us = (time.monotonic_ns() - start_ns) // 1000
    return {"resolved": address is not None, "address": address, "errno": number, "reason": reason, "us": us}


def _check_ports(fields: JsonObject) -> None:
    first, count = fields["source_port"], fields["count"]
    if first and first + count > 65_536:
        raise BadRequest(f"source_port: {count} dials from {first} on need ports above 65535")


def _resolve(name: str) -> str:
    try:
        return resolver.resolve(name)
    except socket.gaierror as error:
        raise BadRequest(f"host: cannot resolve {name!r}: {error.strerror}") from None
