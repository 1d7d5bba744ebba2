"""A network namespace: sockets of it and commands in it, from a process that stays where it is."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
from collections.abc import Iterator, Sequence

from namespaces.root import CLONE_NEWNET, enter, unshare

PATIENCE = 20.0  # seconds for a command; who runs a script gives it its own


@functools.cache
def home() -> int:
    """Return the namespace of this process; asked for the first time while it is there."""
    return os.open("/proc/self/ns/net", os.O_RDONLY)


class CommandFailed(Exception):
    """A command ended with another status than 0; the text is what it said."""


class Namespace:
    """A network namespace, gone when it is closed and no socket or process of it is left."""

    def __init__(self) -> None:
        home()
        unshare(CLONE_NEWNET)
        try:
            self.descriptor = os.open("/proc/self/ns/net", os.O_RDONLY)
            self._mib = [
                os.open(path, os.O_RDONLY) for path in ("/proc/self/net/snmp", "/proc/self/net/snmp6")
            ]
        finally:
            enter(home())
        self.path = f"/proc/{os.getpid()}/fd/{self.descriptor}"  # as `ip link ... netns` takes it

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

    def unreachables(self) -> int:
        """Count the ICMP errors "destination unreachable" that came in, of both families (RFC 2011, RFC 4293)."""
        text = os.pread(self._mib[0], 1 << 14, 0).decode()
        names, values = [line.split() for line in text.splitlines() if line.startswith("Icmp:")]
        total = int(values[names.index("InDestUnreachs")])
        for line in os.pread(self._mib[1], 1 << 14, 0).decode().splitlines():
            if line.startswith("Icmp6InDestUnreachs"):
                total += int(line.split()[1])
        return total

    async def start(self, argv: Sequence[str], **options: object) -> asyncio.subprocess.Process:
        """Start a command in the namespace."""
        return await asyncio.create_subprocess_exec(
            *argv,
            preexec_fn=lambda: enter(self.descriptor),
            **options,  # type: ignore[arg-type]
        )

    async def run(self, argv: Sequence[str], text: str = "") -> tuple[int, str, str]:
        """Run a command in the namespace with `text` as its input; its exit status, output and errors."""
        process = await self.start(
            argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(
                process.communicate(text.encode("utf-8", "surrogateescape")), PATIENCE
            )
        except TimeoutError:
            process.kill()
            raise CommandFailed(f"{argv[0]} did not end within {PATIENCE:g} s") from None
        assert process.returncode is not None
        return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")

    async def must(self, argv: Sequence[str], text: str = "") -> str:
        """Run a command in the namespace; its output. Raises `CommandFailed`."""
        status, out, err = await self.run(argv, text)
        if status:
            raise CommandFailed(f"{' '.join(argv)}: exit status {status}: {err.strip() or out.strip()}")
        return out

    def close(self) -> None:
        """Let go of the namespace."""
        for descriptor in (self.descriptor, *self._mib):
            os.close(descriptor)
