"""A network namespace: sockets of it and commands in it, from a process that stays where it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from namespaces import nft
from namespaces.root import CLONE_NEWNET, enter, home, unshare

# Where they are counted: the file, after which word, and how many numbers before it.
UNREACHABLES: dict[int, tuple[str, bytes, int]] = {
    socket.AF_INET: ("/proc/thread-self/net/snmp", b"\nIcmp:", 3),
    socket.AF_INET6: ("/proc/thread-self/net/snmp6", b"\nIcmp6InDestUnreachs", 0),
}
PATIENCE = 20.0  # seconds for a command; who runs a script gives it its own


class CommandFailed(Exception):
    """A command ended with another status than 0; the text is what it said."""


class Namespace:
    """A network namespace, gone when it is closed and no socket or process of it is left."""

    def __init__(self) -> None:
        home()
        unshare(CLONE_NEWNET)
        try:
            self.descriptor = os.open("/proc/self/ns/net", os.O_RDONLY)
        finally:
            enter(home())
        self._counters: dict[int, int] = {}  # descriptors by family, of those that were asked for
        self._number = nft.process().number()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be in the namespace; nothing may be awaited there."""
        enter(self.descriptor)
        try:
            yield
        finally:
            enter(home())

    def socket(self, family: int, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """Make a socket of the namespace that does not block."""
        with self.entered():
            sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        return sock

    def index(self, name: str) -> int:
        """Return the number of an interface. Raises OSError."""
        with self.entered():
            return socket.if_nametoindex(name)

    def unreachables(self, family: int) -> int:
        """Count the ICMP errors "destination unreachable" that came in over a family (RFC 2011, RFC 4293)."""
        path, begin, at = UNREACHABLES[family]
        if family not in self._counters:
            with self.entered():
                self._counters[family] = os.open(path, os.O_RDONLY)
        text = os.pread(self._counters[family], 1 << 14, 0)
        return int(text[text.rindex(begin) + len(begin) :].split(None, at + 1)[at])

    async def start(self, argv: Sequence[str], **options: object) -> asyncio.subprocess.Process:
        """Start a command in the namespace."""
        return await asyncio.create_subprocess_exec(
            *argv,
            preexec_fn=lambda: enter(self.descriptor),
            **options,  # type: ignore[arg-type]
        )

    async def run(self, argv: Sequence[str], text: str = "") -> tuple[int, str, str]:
        """Run a command in the namespace with `text` as its input; its exit status, output and errors.

        It is started by vfork(2), as `subprocess` does for whoever asks for nothing in between: a copy of our page
        tables costs more than the command. Its output is a file in memory, so that nobody has to read on meanwhile.
        """
        with _file(text.encode("utf-8", "surrogateescape")) as given, _file() as out, _file() as err:
            with self.entered():
                process = subprocess.Popen(argv, stdin=given, stdout=out, stderr=err)
            if not await _ends(process, PATIENCE):
                raise CommandFailed(f"{argv[0]} did not end within {PATIENCE:g} s")
            return process.returncode, _content(out), _content(err)

    async def nft(self, text: str) -> str:
        """Run commands of nft in the namespace; what they print. Raises `CommandFailed`."""
        status, out, err = await nft.process().run(self._number, self.descriptor, text)
        if status:
            raise CommandFailed(f"nft: {err.strip() or out.strip()}")
        return out

    async def must(self, argv: Sequence[str], text: str = "") -> str:
        """Run a command in the namespace; its output. Raises `CommandFailed`."""
        status, out, err = await self.run(argv, text)
        if status:
            raise CommandFailed(f"{' '.join(argv)}: exit status {status}: {err.strip() or out.strip()}")
        return out

    def close(self) -> None:
        """Let go of the namespace."""
        nft.process().forget(self._number)
        for descriptor in (self.descriptor, *self._counters.values()):
            os.close(descriptor)


@contextlib.contextmanager
def _file(content: bytes = b"") -> Iterator[BinaryIO]:
    """Give a file in memory, to be read from its beginning."""
    with open(os.memfd_create("connlab"), "wb+", buffering=0) as file:
        file.write(content)
        file.seek(0)
        yield file


def _content(file: BinaryIO) -> str:
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")


async def _ends(process: subprocess.Popen[bytes], within: float) -> bool:
    """Wait for the end of a process; after so many seconds end it, and tell that."""
    ended = asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), within)
    except TimeoutError:
        return False
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        if not ended.is_set():
            process.kill()
        process.wait()
    return True
