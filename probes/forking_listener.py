"""A server that forks once and dies: its child has inherited the listening socket, and keeps it.

`python3 forking_listener.py PORT` prints the child's pid; the child does nothing until it is killed.
"""

import os
import signal
import socket
import sys

if __name__ == "__main__":
    listener = socket.create_server(("", int(sys.argv[1])))  # with SO_REUSEADDR
    if child := os.fork():
        print(child, flush=True)
        os._exit(0)
    os.close(1)  # else who reads the pid would wait for this process too
    os.close(2)
    signal.pause()
