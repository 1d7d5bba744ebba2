"""The calls of tools while a script runs: shims (namespaces/shim.py) say who called, the kernel what came of it.

One call that changes something goes on at a time, so that what the kernel announces meanwhile is that call's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from namespaces.changes import Change, Changes
from namespaces.netns import Namespace
from namespaces.shim import CALLS

MOST_CALLS = 20_000


class Calls:
    """Who called which tool with which words; what each made."""

    def __init__(self, host: Namespace) -> None:
        self.made: list[dict[str, Any]] = []
        self.last = 0.0  # on the loop's clock
        self.lost = False
        self._host = host
        self._changes = Changes(host)
        self._turn = asyncio.Lock()
        self._server: asyncio.Server | None = None
        self._rules: dict[tuple[str, str, int], tuple[str, int]] = {}  # its chain, and the call that made it
        self._policies: dict[tuple[str, str, str], tuple[str, int]] = {}  # a policy, and the call that set it

    async def listen(self) -> None:
        """Be there for the shims."""
        sock = self._host.socket(socket.AF_UNIX)
        sock.bind(CALLS)
        self._server = await asyncio.start_unix_server(self._call, sock=sock)

    async def close(self) -> None:
        """Be there no more."""
        if self._server:
            self._server.close()
        self._changes.close()

    def rules(self) -> list[list[Any]]:
        """Return [family, table, chain, handle, call] of all rules that were made, in order."""
        return [
            [family, table, *made[:1], handle, made[1]]
            for (family, table, handle), made in self._rules.items()
        ]

    def policies(self) -> list[list[Any]]:
        """Return [family, table, chain, call] of each policy that a call set."""
        return [[*chain, call] for chain, (_, call) in self._policies.items() if call >= 0]

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            kind, line, tool, text, *words = await _words(reader)
            self.last = asyncio.get_running_loop().time()
            if len(self.made) >= MOST_CALLS:
                return
            turn = self._turn if kind == "change" else contextlib.nullcontext()
            async with turn:
                await self._one(
                    reader, writer, {"line": line, "tool": tool, "words": words, "input": text, "kind": kind}
                )
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return  # the shim was killed
        finally:
            self.last = asyncio.get_running_loop().time()
            writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: dict[str, Any]
    ) -> None:
        number = len(self.made)
        self.made.append({**call, "status": None, "errors": ""})
        self._note(self._changes.read(), number - 1)
        writer.write(b"\n")
        try:
            status, errors = await _words(reader)
            self.made[number] |= {"status": int(status), "errors": errors}
        finally:
            if call["kind"] == "change":
                self._note(self._changes.read(), number)
            self.lost = self.lost or self._changes.lost
        writer.write(b"\n")

    def _note(self, changes: list[Change], call: int) -> None:
        for change in changes:
            if change.kind == "rule":
                family, table, chain = change.chain
                self._rules.pop((family, table, change.handle), None)
                self._rules[family, table, change.handle] = (chain, call)
            elif change.policy and self._policies.get(change.chain, ("accept", -1))[0] != change.policy:
                self._policies[change.chain] = (change.policy, call)


async def _words(reader: asyncio.StreamReader) -> list[str]:
    length = int.from_bytes(await reader.readexactly(8), "big")
    data = await reader.readexactly(min(length, 1 << 24))
    return data.decode(errors="surrogateescape").split("\0")[:-1]
