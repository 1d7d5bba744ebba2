"""Open and end a connection, then dial again from the same port with a sequence number of our own choosing.

`python3 redial.py SERVER PORT '[[40001, 100000, 0], [40002, -100000, 10]]'`: for each local port the server
closes first, and so many ms later its TIME_WAIT meets a SYN whose number is that far ahead of the last one.
Prints a JSON list of {port, ahead, errno, us}. Needs NET_ADMIN for TCP_REPAIR (net/ipv4/tcp.c), which sets the
number that connect(2) would else take from a clock (RFC 6528).
"""

import errno
import json
import socket
import sys
import time

REPAIR, REPAIR_QUEUE, QUEUE_SEQ = 19, 20, 21  # linux/tcp.h
SEND_QUEUE = 2
FIRST = 1_000_000_000
PATIENCE = 10  # seconds


def dial(target: tuple[str, int], port: int, sequence: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    for option, value in ((REPAIR, 1), (REPAIR_QUEUE, SEND_QUEUE), (QUEUE_SEQ, sequence), (REPAIR, 0)):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.settimeout(PATIENCE)
    sock.connect(target)
    return sock


def talk(sock: socket.socket) -> None:
    """Send a few bytes, wait until the server has read them and closed, close."""
    with sock:
        sock.sendall(b"bye")
        while sock.recv(1024):
            pass


def again(target: tuple[str, int], port: int, ahead: int, pause_ms: int) -> dict[str, object]:
    talk(dial(target, port, FIRST))
    time.sleep(pause_ms / 1000)
    failed, began = None, time.monotonic_ns()
    try:
        sock = dial(target, port, FIRST + ahead)
        us = (time.monotonic_ns() - began) // 1000
        talk(sock)
    except OSError as error:
        us = (time.monotonic_ns() - began) // 1000
        failed = errno.errorcode.get(error.errno or errno.ETIMEDOUT)
    return {"port": port, "ahead": ahead, "errno": failed, "us": us}


if __name__ == "__main__":
    server = (sys.argv[1], int(sys.argv[2]))
    print(json.dumps([again(server, *ask) for ask in json.loads(sys.argv[3])]))
