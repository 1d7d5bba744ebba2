"""Runs the commands that it reads, each as a process of its own, for as long as its standard input is open.

A line is a command as a JSON list; the answer to it is a line with [exit status, standard output, standard error].
"""

import json
import os
import subprocess
import sys


def main() -> None:
    """Answer each line; a command cannot read what comes after its own."""
    os.environ.pop("LC_CTYPE", None)  # is of Python's making (PEP 538)
    for line in sys.stdin:
        done = subprocess.run(json.loads(line), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        streams = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        print(json.dumps([done.returncode, *streams]), flush=True)


if __name__ == "__main__":
    main()
