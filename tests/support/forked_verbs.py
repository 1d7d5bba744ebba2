"""A program that runs `lab` again and again, each time as a fork of itself: half of what a verb costs is its imports.

It reads a line with arguments, environment and two files as JSON, and writes a line with the exit status; standard
output and error go to the files. Which connlab is run is PYTHONPATH's choice (tests/support/checkout.py).
"""

from __future__ import annotations

import gc
import json
import os
import sys

from connlab.actions import doctor  # noqa: F401  what verbs import themselves
from connlab.cli import main
from connlab.cli.show import running  # noqa: F401
from connlab.cluster import compose, lifecycle  # noqa: F401


def serve() -> None:
    """Answer each line, until standard input ends.

    A fork shares the pages of the imports until it writes to them, and both a collection and the interpreter's end
    write to each: without them a fork costs 14 ms and not 120. Nothing in `lab` waits for the interpreter's end.
    """
    gc.freeze()
    for line in sys.stdin:
        argv, environment, *files = json.loads(line)
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            continue
        for descriptor, file in enumerate((os.devnull, *files)):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), descriptor)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[1:] = argv
        try:
            main.main()
        except SystemExit as ended:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(ended.code or 0))


if __name__ == "__main__":
    serve()
