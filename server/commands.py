"""A command of this host, run to its end. As subprocess does it, whose import would cost each sample 10 ms."""

from __future__ import annotations

import os

from connlab.machine.named_tuple import NamedTuple


class Result(NamedTuple):
    """How a command ended: its exit status, negative for a signal, and what it wrote."""

    argv: list[str]
    status: int
    output: str
    error: str


def run(argv: list[str], stdin: str = "") -> Result:
    """Run a command with this standard input. Raises OSError if it cannot be started.

    Its streams are files in memory: none of them can fill up while another is read, as a pipe does.
    """
    streams = [os.memfd_create(f"{argv[0]} {number}") for number in range(3)]
    try:
        os.write(streams[0], stdin.encode())
        os.lseek(streams[0], 0, os.SEEK_SET)
        places = [(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)]
        child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=places)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return Result(argv, status, *(_text(stream) for stream in streams[1:]))
    finally:
        for stream in streams:
            os.close(stream)


def _text(stream: int) -> str:
    size = os.fstat(stream).st_size
    return os.pread(stream, size, 0).decode()
