"""probes/connection_tables.py counts the sockets of a port as ss(8) lists them."""

from __future__ import annotations

import json
import socket
import subprocess
from collections import Counter

from probes import connection_tables


def test_sockets_of_every_state_are_counted_as_ss_lists_them() -> None:
    """More than one message of netlink's; those of another port are left out."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address, port = listener.getsockname()
        dialled = [socket.create_connection((address, port)) for _ in range(300)]
        accepted = [listener.accept()[0]]
        dialled[0].close()  # CLOSE_WAIT here
        listed = subprocess.run(
            ["ss", "-tanH", "sport", "=", f":{port}"], check=True, capture_output=True, text=True
        )
        counted = json.loads(json.dumps(connection_tables.sockets(port)))
        for sock in (*dialled, *accepted):
            sock.close()
    rows = (line.split() for line in listed.stdout.splitlines())
    expected: dict[str, Counter[str]] = {}
    for state, _, _, _, peer in rows:
        expected.setdefault(state, Counter())[peer.rpartition(":")[0]] += 1
    assert counted == expected
    assert counted == {"LISTEN": {"0.0.0.0": 1}, "ESTAB": {"127.0.0.1": 299}, "CLOSE-WAIT": {"127.0.0.1": 1}}
