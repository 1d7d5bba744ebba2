"""How many handshakes a listener keeps open for clients that do not answer.

`python3 half_open.py BACKLOG DIALS` prints how many of so many SYNs are in SYN_RECV, and how many cookies were sent. It
needs CAP_NET_ADMIN, for the rule that keeps every SYN/ACK from its client, and a host on which nobody else dials.
"""

import json
import socket
import subprocess
import sys

RULE = "table ip silent { chain in { type filter hook input priority 0; tcp flags & (syn | ack) == syn | ack drop; }; }"
SERVER = ("127.0.0.1", 9000)
SYN_RECV = "03"


def main() -> None:
    """Dial, and look once: what is kept stays for a minute, and what was dropped finds no room later."""
    backlog, dials = map(int, sys.argv[1:])
    subprocess.run(["nft", RULE], check=True)
    server = socket.socket()
    server.bind(SERVER)
    server.listen(backlog)
    clients = [socket.socket() for _ in range(dials)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex(SERVER)
    with open("/proc/net/tcp") as file:
        states = [line.split()[3] for line in file]
    with open("/proc/net/netstat") as file:
        names, values = [line.split() for line in file if line.startswith("TcpExt:")]
    counts = dict(zip(names, values, strict=True))
    print(json.dumps({"syn_recv": states.count(SYN_RECV), "cookies": int(counts["SyncookiesSent"])}))


if __name__ == "__main__":
    main()
