"""Python's sendall: `python3 send_all.py HOST PORT SIZE` sends so many bytes, and prints what it returned."""

import socket
import sys

if __name__ == "__main__":
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as sock:
        returned: object = sock.sendall(bytes(int(sys.argv[3])))  # type: ignore[func-returns-value]
        print(returned, flush=True)
