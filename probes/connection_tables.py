"""What this host's kernel has of the connections to a port: sockets (ss(8)) and tracked connections (conntrack(8)).

`python3 connection_tables.py PORT` prints a JSON object: `sockets` and `tracked`, each {state: {source: number}}. The
lines of both programs are counted as they come, because a quarter of a million of them do not fit into this host.
conntrack(8) needs NET_ADMIN.
"""

import collections
import json
import subprocess
import sys
from collections.abc import Iterator

Counts = dict[str, dict[str, int]]


def lines(*argv: str) -> Iterator[str]:
    """Yield the lines that a program prints. Exits with its error if it fails."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield from process.stdout
        error = process.communicate()[1]
    if process.returncode:
        sys.exit(f"{argv[0]}: {error.strip()}")


def sockets(port: str) -> Counts:
    """Count the sockets of a port by state and peer; the listener's peer is `0.0.0.0`."""
    counts: Counts = collections.defaultdict(lambda: collections.defaultdict(int))
    for line in lines("ss", "-tanH", "sport", "=", f":{port}"):
        state, _, _, _, peer = line.split()[:5]
        counts[state][peer.rpartition(":")[0]] += 1
    return counts


def tracked(port: str) -> Counts:
    """Count the tracked connections to a port by state and source."""
    counts: Counts = collections.defaultdict(lambda: collections.defaultdict(int))
    for line in lines("conntrack", "-L", "-p", "tcp", "--orig-port-dst", port):
        _, _, _, state, source, *_ = line.split()
        counts[state][source.removeprefix("src=")] += 1
    return counts


if __name__ == "__main__":
    print(json.dumps({"sockets": sockets(sys.argv[1]), "tracked": tracked(sys.argv[1])}))
