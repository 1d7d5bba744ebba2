"""What this host's kernel has of the connections to a port: sockets (sock_diag(7)) and tracked ones (conntrack(8)).

`python3 connection_tables.py PORT` prints a JSON object: `sockets` and `tracked`, each {state: {source: number}}, with
the states of ss(8) and conntrack(8). All is counted as it comes, because a quarter of a million lines do not fit into
this host. ss(8) asks the same of the kernel, and takes sixteen times as long. conntrack(8) needs NET_ADMIN.
"""

import collections
import errno
import json
import os
import socket
import struct
import subprocess
import sys

Counts = dict[str, dict[str, int]]
# tcp_states.h, by number from 1 on, as ss(8) calls them.
STATES = ("ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT",
          "LAST-ACK", "LISTEN", "CLOSING")  # fmt: skip
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLMSG_ERROR, NLMSG_DONE, NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 2, 3, 1, 0x10, 0x300
HEAD, REQUEST = struct.Struct("=IHHII"), struct.Struct("=BBBBIHH16s16sIQ")  # nlmsghdr, inet_diag_req_v2
STATE, SOURCE = HEAD.size + 1, HEAD.size + 24  # places in a message: idiag_state, id.idiag_dst
ALL_STATES, RECEIVE, ANY_COOKIE = 0xFFF, 1 << 18, (1 << 64) - 1


def sockets(port: int) -> Counts:
    """Count the sockets of a port by state and peer; the listener's peer is `0.0.0.0`. Raises OSError."""
    request = REQUEST.pack(
        socket.AF_INET, socket.IPPROTO_TCP, 0, 0, ALL_STATES, socket.htons(port), 0, b"", b"", 0, ANY_COOKIE
    )
    head = HEAD.pack(HEAD.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    found: collections.Counter[tuple[int, bytes]] = collections.Counter()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as asked:
        asked.send(head + request)
        while messages := asked.recv(RECEIVE):
            at = 0
            while at < len(messages):
                length, kind, flags, _, _ = HEAD.unpack_from(messages, at)
                if kind == NLMSG_DONE:
                    return _by_state(found)
                if kind == NLMSG_ERROR or flags & NLM_F_DUMP_INTR:
                    number = -struct.unpack_from("=i", messages, at + HEAD.size)[0]
                    number = number if kind == NLMSG_ERROR else errno.EINTR
                    raise OSError(number, os.strerror(number))
                found[messages[at + STATE], messages[at + SOURCE : at + SOURCE + 4]] += 1
                at += length + 3 & ~3
    raise OSError(errno.EPIPE, "sock_diag ended in the middle")


def _by_state(found: collections.Counter[tuple[int, bytes]]) -> Counts:
    counts: Counts = collections.defaultdict(dict)
    for (state, source), number in found.items():
        counts[STATES[state - 1]][socket.inet_ntoa(source)] = number
    return counts


def tracked(port: int) -> Counts:
    """Count the tracked connections to a port by state and source. Exits with conntrack(8)'s error if it fails."""
    counts: Counts = collections.defaultdict(lambda: collections.defaultdict(int))
    argv = ["conntrack", "-L", "-p", "tcp", "--orig-port-dst", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            _, _, _, state, source, *_ = line.split(None, 5)
            counts[state][source.removeprefix("src=")] += 1
        error = process.communicate()[1]
    if process.returncode:
        sys.exit(f"conntrack: {error.strip()}")
    return counts


if __name__ == "__main__":
    number = int(sys.argv[1])
    print(json.dumps({"sockets": sockets(number), "tracked": tracked(number)}))
