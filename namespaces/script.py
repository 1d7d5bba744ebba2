"""A script run by a real shell on a host of its own: each call of a tool with its line, its end, and what it made."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from namespaces import kept_files, loading, proc_sys
from namespaces.calls import Calls
from namespaces.hosts import hosts
from namespaces.netns import Namespace

WHERE = "/tmp/script"  # a folder; no program starts from there
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRELUDE = "/opt/connlab/namespaces/prelude.bash"
PLAIN_SHELLS = ("sh", "dash", "ash")
QUIET_FOR, AT_MOST = 10.0, 60.0  # seconds without a call of a tool, and in all
MOST_WORDS = 1 << 16  # bytes of what it says
SHEBANG = re.compile(r"#!\s*(?:/usr/bin/env\s+(?:-S\s*)?)?(?:\S*/)?(\w+)((?:[ \t]+[-+]\w+)*)")
# Of `case "$1" in`, as in init's scripts.
START = re.compile(r"^\s*[\"'(]?start[\"']?\s*(?:\||\))", re.MULTILINE)
# It takes the place of the prelude's, and then no call knows its line.
TRAP = re.compile(r"\btrap\b.*\bDEBUG\b")
SET_DUMPABLE = 4  # PR_SET_DUMPABLE


async def run(request: dict[str, Any]) -> dict[str, Any]:
    """Run a script after the texts that were loaded before it.

    Debian's dash does not tell lines. What it runs is run by bash on another host too, and a call there with the same
    words is on the same line.
    """
    shell = shell_of(request["text"])
    words = ["start"] if START.search(request["text"]) else []
    told = {**await _on_a_host(request, shell, words), "words": words, "text": request["text"]}
    told["traps"] = TRAP.search(request["text"]) is not None
    if shell[0] == "dash" and not told["deadline"]:
        told["by_bash"] = (await _on_a_host(request, ["bash", *shell[1:]], words))["calls"]
    return told


def shell_of(text: str) -> list[str]:
    """Find the shell that a script names, with its options; bash for one that names none."""
    match = SHEBANG.match(text)
    if match and match[1] in PLAIN_SHELLS:
        return ["dash", *match[2].split()]
    return ["bash", *(match[2].split() if match and match[1] == "bash" else [])]


async def _on_a_host(request: dict[str, Any], shell: list[str], words: list[str]) -> dict[str, Any]:
    name = os.path.basename(request["name"])
    path = f"{WHERE}/{name if re.fullmatch(r'[A-Za-z0-9_][A-Za-z0-9_.-]*', name) else 'script'}"
    interfaces = request["interfaces"] or ["eth0"]
    async with hosts(interfaces, interfaces[0], request["targets"]) as pair:
        before = await loading.load(pair.server, request["before"])
        sysctls = proc_sys.read(pair.server)
        _write(path, request["text"])
        kept_files.empty()
        async with _calls(pair.server) as calls:
            told = await _run(pair.server, path, [*shell, path, *words], calls)
        answer = {
            **told, "path": path, "calls": calls.made, "rules": calls.rules(), "policies": calls.policies(),
            "lost": calls.lost, "before": [each["made"] for each in before],
            "listing": await loading.listing(pair.server),
            "sysctls": proc_sys.changed(sysctls, proc_sys.read(pair.server)),
        }  # fmt: skip
    return answer


@contextlib.asynccontextmanager
async def _calls(host: Namespace) -> AsyncIterator[Calls]:
    calls = Calls(host)
    ctypes.CDLL(None).prctl(SET_DUMPABLE, 0)  # else a script, root as we are, could write to our memory
    try:
        await calls.listen()
        yield calls
    finally:
        ctypes.CDLL(None).prctl(SET_DUMPABLE, 1)
        await calls.close()


async def _run(host: Namespace, path: str, argv: list[str], calls: Calls) -> dict[str, Any]:
    """Run the shell as the one child of a first process, whose end is the end of all; what it said and how it ended."""
    left, says_left = os.pipe()
    environment = {
        "PATH": PATH, "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
        "BASH_ENV": PRELUDE, "CONNLAB_SCRIPT": path, "TERM": "dumb",
    }  # fmt: skip
    cell = await host.start(
        [sys.executable, "-S", "-E", "-m", "namespaces.cell", WHERE, str(says_left), *argv],
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=environment, pass_fds=[says_left],
    )  # fmt: skip
    os.close(says_left)
    assert cell.stdout and cell.stderr
    said = [asyncio.create_task(_keep(stream)) for stream in (cell.stdout, cell.stderr)]
    in_time = await _until_its_end(cell, calls)
    out, errors = [await each for each in said]
    with os.fdopen(left, "rb") as file:
        others = bool(file.read())
    return {
        "status": cell.returncode, "deadline": not in_time, "output": out, "errors": errors, "others": others,
    }  # fmt: skip


async def _until_its_end(cell: asyncio.subprocess.Process, calls: Calls) -> bool:
    """Wait for the end; False if it had to be made: no tool was called for long, or it went on for too long."""
    began = asyncio.get_running_loop().time()
    while True:
        now = asyncio.get_running_loop().time()
        left = min(max(began, calls.last) + QUIET_FOR, began + AT_MOST) - now
        if left <= 0:
            with contextlib.suppress(ProcessLookupError):
                cell.send_signal(signal.SIGKILL)
            await cell.wait()
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(cell.wait()), left)
            return True


async def _keep(stream: asyncio.StreamReader) -> str:
    kept = b""
    while piece := await stream.read(1 << 16):
        kept += piece[: MOST_WORDS - len(kept)]
    return kept.decode(errors="replace")


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
