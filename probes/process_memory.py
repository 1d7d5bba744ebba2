"""What the processes of a program cost this host.

`python3 process_memory.py WORD` prints a JSON object: how many `processes` have WORD among their arguments, and the
sum of their memory, `pss`; `threads` and `rss` of PID 1; the memory of the whole `container`, by its cgroup. In bytes.
Only the user of a process and root may read its smaps_rollup (proc_pid_smaps(5)).
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator

CGROUPS = (
    "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
)  # version 2, version 1


def read(path: str) -> str:
    """Return the text of a file of the kernel."""
    with open(path, errors="replace") as file:
        return file.read()


def number(text: str, name: str) -> int:
    """Return the number of a line like `Pss:  1234 kB`, without its unit."""
    match = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"no {name} in {text!r}")
    return int(match[1])


def processes(word: str) -> Iterator[str]:
    """Yield the folders in /proc of the processes that have this word among their arguments, except this one."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                if word in read(f"/proc/{name}/cmdline").split("\0"):
                    yield f"/proc/{name}"


def main(word: str) -> None:
    """Print the object."""
    folders, status = list(processes(word)), read("/proc/1/status")
    memory = {
        "processes": len(folders),
        "pss": sum(number(read(f"{folder}/smaps_rollup"), "Pss") for folder in folders) * 1024,
        "threads": number(status, "Threads"),
        "rss": number(status, "VmRSS") * 1024,
        "container": next(int(read(path)) for path in CGROUPS if os.path.exists(path)),
    }
    print(json.dumps(memory))


if __name__ == "__main__":
    main(sys.argv[1])
