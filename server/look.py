"""Look at this host once: run each command given, and print their outputs as one JSON array.

`python3 -m server.look '["ss","-tan"]' '["iptables-save","-c"]'`: one `docker exec` instead of five, and
answers that are milliseconds apart.
"""

from __future__ import annotations

import json
import subprocess
import sys


def main(commands: list[str]) -> int:
    """Exit status 1, with the command's own error, if one of them fails."""
    running = [
        subprocess.Popen(json.loads(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    done = [(process, *process.communicate()) for process in running]
    for process, _, error in done:
        if process.returncode:
            sys.exit(f"{process.args}: exit status {process.returncode}: {error.strip()}")
    print(json.dumps([output for _, output, _ in done]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
