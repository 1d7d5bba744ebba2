"""A server on a host's own loopback that reads each connection to its end, then closes it: the client closes first.

`python3 sink.py PORT` prints `listening`; it serves one connection after another, until it is killed.
"""

import socketserver
import sys


class Sink(socketserver.StreamRequestHandler):
    """Reads to the end."""

    def handle(self) -> None:
        self.rfile.read()


if __name__ == "__main__":
    with socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Sink) as server:
        print("listening", flush=True)
        server.serve_forever()
