"""Commands of nft for many namespaces, run by one process beside this one: libnftables waits with select(2), which
takes no descriptor above 1,023, and this process has more.

A process of the program nft for each would cost 13 ms of processor time, of which they need less than one.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import socket
import struct

from namespaces.libnftables import Context
from namespaces.root import enter, home

# A request: the number of a namespace and how many bytes of commands follow, with the namespace's descriptor; or FORGET
# and no descriptor. The answer: status, bytes of what was printed, bytes of errors.
REQUEST, ANSWER = struct.Struct("=Qq"), struct.Struct("=iQQ")
FORGET = -1


class Nft:
    """The process, and our end of the socket to it; it does one thing at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        if not os.fork():
            self._socket.close()
            serve(theirs)
            os._exit(0)
        theirs.close()
        self._socket.setblocking(False)
        self._turn = asyncio.Lock()
        self._numbers = itertools.count()
        self._forgotten: list[int] = []

    def number(self) -> int:
        """Return a number for a new namespace."""
        return next(self._numbers)

    def forget(self, number: int) -> None:
        """Have the process let go of a namespace, before it does anything else."""
        self._forgotten.append(number)

    async def run(self, number: int, namespace: int, text: str) -> tuple[int, str, str]:
        """Run commands in the namespace of a descriptor: 0 or another status, what they print, errors.

        Raises EOFError if the process has ended.
        """
        commands = text.encode("utf-8", "surrogateescape")
        async with self._turn:
            while self._forgotten:
                await self._send(REQUEST.pack(self._forgotten.pop(), FORGET))
            socket.send_fds(self._socket, [REQUEST.pack(number, len(commands))], [namespace])
            await self._send(commands)
            status, *lengths = ANSWER.unpack(await self._read(ANSWER.size))
            said, errors = [(await self._read(length)).decode(errors="replace") for length in lengths]
        return status, said, errors

    async def _send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def _read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            piece = await asyncio.get_running_loop().sock_recv(self._socket, count - len(found))
            if not piece:
                raise EOFError("the process of libnftables has ended")
            found += piece
        return bytes(found)


@functools.cache
def process() -> Nft:
    """Return the process; started by the first call, before there is any descriptor that it should not have."""
    return Nft()


def serve(sock: socket.socket) -> None:
    """Answer requests until the other end is closed."""
    contexts: dict[int, Context] = {}
    while True:
        header, descriptors, _, _ = socket.recv_fds(sock, REQUEST.size, 1)
        if not header:
            return
        number, length = REQUEST.unpack(header + _read(sock, REQUEST.size - len(header)))
        if length == FORGET:
            if number in contexts:
                contexts.pop(number).close()
            continue
        if number not in contexts:
            enter(descriptors[0])
            contexts[number] = Context()
            enter(home())
        os.close(descriptors[0])
        status, said, errors = contexts[number].run(_read(sock, length))
        sock.sendall(ANSWER.pack(status, len(said), len(errors)) + said + errors)


def _read(sock: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        found += sock.recv(count - len(found)) or os._exit(0)  # the other end is gone
    return bytes(found)
