"""What the agent can do: a function for each verb of docs/agent.md.

Each gets the connections that are held ({number: socket}) and the fields of the request, checked, and
returns the fields of the answer. Raises BadRequest or OSError; both become the answer's `error`.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import time

from client import close, dial, events, names, report, talk
from client.request import BadRequest

Held = dict[int, socket.socket]
_LONGEST_BARRIER_NS = 60 * 10**9
_FAREWELL_MS = 2000
_numbers = itertools.count(1)


def open_(held: Held, fields: dict) -> dict:
    """Dial; keep what was established, or close it with FIN at the end."""
    keep = fields.pop("keep")
    _check_ports(fields)
    if fields["at_ns"] and fields["at_ns"] - time.monotonic_ns() > _LONGEST_BARRIER_NS:
        raise BadRequest("at_ns: more than 60 s ahead of this host's CLOCK_MONOTONIC")
    fields["host"] = _resolve(fields["host"])
    ended = sorted(dial.dial(**fields), key=lambda pair: pair[0]["start_ns"])
    established = [(attempt, sock) for attempt, sock in ended if sock]
    for attempt, sock in established if keep else ():
        attempt["conn"] = next(_numbers)
        held[attempt["conn"]] = sock
    attempts = [attempt for attempt, _ in ended]
    for attempt in attempts:
        report.attempt(attempt)
    report.tally(attempt["outcome"] for attempt in attempts)
    if established and keep:
        events.emit("held", count=len(held))
    elif established:
        close.fin([sock for _, sock in established], fields["timeout_ms"])
        events.emit("released", count=len(established), how="fin")
    return {"attempts": attempts}


def close_(held: Held, fields: dict) -> dict:
    """End connections in one of the ways of `close.HOW`."""
    chosen = _choose(held, fields["conns"])
    ends = close.HOW[fields["how"]](chosen.values(), fields["timeout_ms"])
    if fields["how"] != "half":
        for conn in chosen:
            del held[conn]
    events.emit("released", count=len(chosen), how=fields["how"])
    return {"closed": [{"conn": n, "peer": ends[sock][0], "us": ends[sock][1]} for n, sock in chosen.items()]}


def send(held: Held, fields: dict) -> dict:
    """Write without waiting."""
    data = fields["text"].encode() if fields["bytes"] is None else b"x" * fields["bytes"]
    sent = []
    for conn, sock in _choose(held, fields["conns"], talking=True).items():
        taken, number = talk.send(sock, data)
        sent.append({"conn": conn, "bytes": taken, "errno": dial.errno_name(number)})
    return {"sent": sent}


def recv(held: Held, fields: dict) -> dict:
    """Read once from each connection, as soon as it has something to read."""
    chosen = _choose(held, fields["conns"], talking=True)
    got = {}
    waiting = set(chosen.values())
    for sock in talk.ready(waiting, fields["timeout_ms"]):
        got[sock] = talk.drain(sock, fields["max"])
        waiting.discard(sock)
    received = []
    for conn, sock in chosen.items():
        data, eof, number = got.get(sock, (b"", False, errno.EAGAIN))
        answer = {"conn": conn, "bytes": len(data), "text": events.escape(data, fields["max"]), "eof": eof}
        received.append({**answer, "errno": dial.errno_name(number)})
    return {"received": received}


def churn(_held: Held, fields: dict) -> dict:
    """Open and close one connection at a time."""
    _check_ports(fields)
    count, how, message = fields.pop("count"), fields.pop("how"), fields.pop("message")
    gap_ms, detail, first_port = fields.pop("gap_ms"), fields.pop("detail"), fields.pop("source_port")
    target = {**fields, "host": _resolve(fields["host"])}
    attempts, start_ns = [], time.monotonic_ns()
    for number in range(count):
        if attempts:
            time.sleep(gap_ms / 1000)
        for attempt, sock in dial.dial(**target, source_port=first_port and first_port + number):
            attempt["closed_ns"] = None
            attempts.append(attempt)
            if sock and message is not None:
                error = talk.echo({sock: message.encode()}, fields["timeout_ms"])[sock]
                if error:
                    attempt.update(outcome=dial.outcome_of(error), errno=dial.errno_name(error))
            if sock:
                close.HOW[how]([sock], fields["timeout_ms"])
                attempt["closed_ns"] = time.monotonic_ns()
    seconds = (time.monotonic_ns() - start_ns) / 1e9
    for attempt in attempts:
        report.attempt(attempt)
    tally = report.tally(attempt["outcome"] for attempt in attempts)
    return {"tally": tally, "seconds": seconds, **({"attempts": attempts} if detail else {})}


def listen(held: Held, fields: dict) -> dict:
    """Open a port; the kernel completes connections up to the backlog, until `accept` takes them."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, fields["reuse_address"])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, fields["reuse_port"])
        sock.bind((fields["address"], fields["port"]))
        sock.listen(fields["backlog"])
    except OSError:
        sock.close()
        raise
    conn = next(_numbers)
    held[conn] = sock
    own, port = sock.getsockname()
    return {"conn": conn, "address": own, "port": port}


def accept(held: Held, fields: dict) -> dict:
    """Take one connection from a listener."""
    listener = held.get(fields["conn"])
    if listener is None or not close.listens(listener):
        raise BadRequest(f"conn: {fields['conn']} is no listener")
    for _ in talk.ready({listener}, fields["timeout_ms"]):
        sock, (source, source_port) = listener.accept()
        sock.setblocking(False)
        conn = next(_numbers)
        held[conn] = sock
        return {"conn": conn, "source": source, "source_port": source_port}
    raise BadRequest(f"conn: nobody connected within {fields['timeout_ms']} ms")


def resolve(_held: Held, fields: dict) -> dict:
    """Ask the resolver for a name, and dial nothing; a name without an address is an answer, not an error."""
    start_ns = time.monotonic_ns()
    address, number, reason = None, None, None
    try:
        address = names.resolve(fields["host"])
    except socket.gaierror as error:
        number, reason = dial.errno_name(error.errno), error.strerror
    us = (time.monotonic_ns() - start_ns) // 1000
    return {"resolved": address is not None, "address": address, "errno": number, "reason": reason, "us": us}


def facts(held: Held, fields: dict) -> dict:
    """What this host is, and what its kernel is set to."""
    return {
        "monotonic_ns": time.monotonic_ns(),
        "address": names.address(),
        "host": names.host(),
        "pid": os.getpid(),
        "uid": os.getuid(),
        "held": len(held),
        "sysctls": {key: _sysctl(key) for key in fields["sysctls"]},
    }


def quit_(held: Held, _fields: dict) -> dict:
    """Close everything with FIN; the agent ends after the answer."""
    close.fin(held.values(), _FAREWELL_MS)
    if held:
        events.emit("released", count=len(held), how="fin")
    held.clear()
    return {}


def _choose(held: Held, conns: list[int] | None, *, talking: bool = False) -> Held:
    """The held sockets of these numbers, or all; only connections, no listeners, if they shall talk."""
    for conn in conns or ():
        if conn not in held:
            raise BadRequest(f"conns: {conn} is not held; held are: {', '.join(map(str, held)) or 'none'}")
    chosen = held if conns is None else {conn: held[conn] for conn in conns}
    return {conn: sock for conn, sock in chosen.items() if not (talking and close.listens(sock))}


def _check_ports(fields: dict) -> None:
    first, count = fields["source_port"], fields["count"]
    if first and first + count > 65_536:
        raise BadRequest(f"source_port: {count} dials from {first} on need ports above 65535")


def _resolve(name: str) -> str:
    try:
        return names.resolve(name)
    except socket.gaierror as error:
        raise BadRequest(f"host: cannot resolve {name!r}: {error.strerror}") from None


def _sysctl(key: str) -> str | None:
    try:
        with open("/proc/sys/" + key.replace(".", "/")) as file:
            return file.read().strip()
    except OSError:
        return None
