"""The article's table of sockets: which kinds this host's kernel gives, and whether messages pass through them.

    socket_table                 try every family with every type, print one JSON object
    socket_table listen          open what can cross a bridge, print its addresses and ports, then answer each
                                 message and print it; until standard input closes
    socket_table exchange ASKS   send a message to each of a JSON list of {family, type, address, port}

It imports nothing of this package, because the server host runs its very text.
"""

from __future__ import annotations

import errno
import json
import os
import pwd
import select
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes time to import
    from typing import Any

    Ask = dict[str, Any]

FAMILIES = ("AF_UNIX", "AF_INET", "AF_INET6")
TYPES = ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET")
# A raw socket receives one protocol's packets and has no default: protocol 0 is EPROTONOSUPPORT (raw(7)).
PROTOCOLS = {("AF_INET", "SOCK_RAW"): "IPPROTO_ICMP", ("AF_INET6", "SOCK_RAW"): "IPPROTO_ICMPV6"}
INSIDE = [("AF_UNIX", kind) for kind in ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET")]
ACROSS = [(family, kind) for family in ("AF_INET", "AF_INET6") for kind in ("SOCK_STREAM", "SOCK_DGRAM")]
TIMEOUT_S = 2.0
TENTATIVE = 0x40  # IFA_F_TENTATIVE: duplicate address detection still runs, about a second (RFC 4862 §5.4)
LINK = 0x20  # scope of an address in /proc/net/if_inet6


def make(family: str, kind: str) -> socket.socket:
    protocol = getattr(socket, PROTOCOLS.get((family, kind), "IPPROTO_IP"))
    sock = socket.socket(getattr(socket, family), getattr(socket, kind), protocol)
    sock.settimeout(TIMEOUT_S)
    return sock


def attempt(family: str, kind: str) -> dict[str, object]:
    """Ask socket(2) for a kind; `made` is the type that the kernel says it made (SO_TYPE)."""
    answer = {"family": family, "family_number": int(getattr(socket, family)), "type": kind}
    answer |= {"type_number": int(getattr(socket, kind)), "protocol": PROTOCOLS.get((family, kind))}
    try:
        with make(family, kind) as sock:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        made = next(name for name in TYPES if getattr(socket, name) == number)
        return {**answer, "errno": None, "made": made}
    except OSError as error:
        return {**answer, "errno": errno.errorcode[error.errno or 0], "made": None}


def inside(family: str, kind: str) -> dict[str, object]:
    """Send a message from one socket of this host to another and back, by names that the kernel chose (unix(7))."""
    message, start_ns = os.urandom(8).hex().encode(), time.monotonic_ns()
    answer = {"family": family, "type": kind, "came_back": False, "error": None}
    try:
        with make(family, kind) as far, make(family, kind) as near:
            far.bind("")
            near.bind("")
            if kind != "SOCK_DGRAM":
                far.listen()
            near.connect(far.getsockname())
            near.send(message)
            _answer(far, kind)
            answer["came_back"] = near.recv(100) == message
    except OSError as error:
        answer["error"] = str(error)
    return {**answer, "us": (time.monotonic_ns() - start_ns) // 1000}


def exchange(ask: Ask) -> dict[str, object]:
    """Send a message to another host, which sends it back; `source` is this side's address."""
    message, start_ns = os.urandom(8).hex().encode(), time.monotonic_ns()
    answer = {**ask, "message": message.decode(), "source": None, "came_back": False, "error": None}
    try:
        with make(ask["family"], ask["type"]) as sock:
            sock.connect(_place(ask["address"], ask["port"]))
            answer["source"] = sock.getsockname()[0].partition("%")[0]
            sock.send(message)
            answer["came_back"] = sock.recv(100) == message
    except OSError as error:
        answer["error"] = str(error)
    return {**answer, "us": (time.monotonic_ns() - start_ns) // 1000}


def listen() -> None:
    """Answer each message, until standard input closes."""
    places, listeners = [], {}
    own = {"AF_INET": socket.gethostbyname(socket.gethostname()), "AF_INET6": link_local()}
    poller = select.poll()
    poller.register(0, select.POLLIN)
    for family, kind in ACROSS:
        if own[family] is not None:
            sock = make(family, kind)
            sock.bind(("::" if family == "AF_INET6" else "", 0))
            if kind == "SOCK_STREAM":
                sock.listen()
            listeners[sock.fileno()] = sock, family, kind
            poller.register(sock, select.POLLIN)
            port = sock.getsockname()[1]
            places.append({"family": family, "type": kind, "address": own[family], "port": port})
    _print(places)
    while True:
        for fd, _ in poller.poll():
            if fd == 0:
                return
            sock, family, kind = listeners[fd]
            message, source = _answer(sock, kind)
            source = source[0].partition("%")[0]
            _print({"family": family, "type": kind, "message": message.decode(), "source": source})


def link_local() -> str | None:
    """Return this host's IPv6 address on its link, as soon as it may be used; None if it has none."""
    end = time.monotonic() + 2 * TIMEOUT_S
    while time.monotonic() < end:
        with open("/proc/net/if_inet6" if os.path.exists("/proc/net/if_inet6") else os.devnull) as file:
            found = [line.split() for line in file if int(line.split()[3], 16) == LINK]
        if not found:
            return None
        number, _, _, _, flags, interface = found[0]
        if not int(flags, 16) & TENTATIVE:
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(number)) + "%" + interface
        time.sleep(0.02)
    return None


def _answer(sock: socket.socket, kind: str) -> tuple[bytes, tuple[Any, ...]]:
    """Take one message and send it back to where it came from."""
    if kind == "SOCK_DGRAM":
        message, source = sock.recvfrom(100)
        sock.sendto(message, source)
    else:
        connection, source = sock.accept()
        with connection:
            connection.settimeout(TIMEOUT_S)
            message = connection.recv(100)
            connection.send(message)
    return message, source


def _place(address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    address, percent, interface = address.partition("%")
    return (address, port, 0, socket.if_nametoindex(interface)) if percent else (address, port)


def _print(data: object) -> None:
    print(json.dumps(data), flush=True)


def main(command: str = "", asks: str = "[]") -> None:
    if command == "listen":
        listen()
    elif command == "exchange":
        if any(ask["family"] == "AF_INET6" for ask in json.loads(asks)):
            link_local()
        _print([exchange(ask) for ask in json.loads(asks)])
    else:
        tried = [attempt(family, kind) for family in FAMILIES for kind in TYPES]
        user = pwd.getpwuid(os.getuid()).pw_name
        _print({"user": user, "tried": tried, "inside": [inside(*pair) for pair in INSIDE]})


if __name__ == "__main__":
    main(*sys.argv[1:])
