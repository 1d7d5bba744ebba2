"""What the article's pool really does: Python's socketserver itself on loopback (docs/kernel.md P11-P13, R05)."""

import contextlib
import os
import signal
import socket
import threading
from socketserver import BaseRequestHandler, TCPServer, ThreadingTCPServer

import pytest

from connlab.base.wait import until

WITHIN = 10
LOOPBACK = ("127.0.0.1", 0)


class Hold(BaseRequestHandler):
    """Says that it serves, then holds the connection until the client closes."""

    def handle(self):
        self.request.sendall(b"!")
        self.request.recv(1)


@contextlib.contextmanager
def pool(server, size):
    """Run `size` threads in `serve_forever` of one server, as in the article."""
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for _ in range(size)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        with contextlib.suppress(OSError):
            server.socket.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            while thread.is_alive():  # each call ends one loop
                server.shutdown()
                thread.join(0.01)
        server.server_close()


@pytest.mark.parametrize(("kind", "served"), [(TCPServer, 2), (ThreadingTCPServer, 5)])
def test_a_pool_on_a_threading_server_bounds_nothing(kind, served):
    """P12, and P10 as its control: two threads serve two clients, or all five."""
    with contextlib.ExitStack() as stack:
        server = kind(LOOPBACK, Hold)
        server.daemon_threads = True
        stack.enter_context(pool(server, 2))
        socks = [stack.enter_context(socket.create_connection(server.server_address)) for _ in range(5)]
        for sock in socks[:served]:
            sock.settimeout(WITHIN)
            assert sock.recv(1) == b"!"
        for sock in socks[served:]:
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)


def test_shutdown_stops_one_loop_of_a_pool():
    """P11: it returns, and threads are left that still serve."""
    server = TCPServer(LOOPBACK, Hold)
    with pool(server, 4) as threads:
        with socket.create_connection(server.server_address) as sock:  # all wake; three stay in accept(2)
            sock.settimeout(WITHIN)
            assert sock.recv(1) == b"!"
        server.shutdown()
        assert sum(thread.is_alive() for thread in threads) >= 1
        with socket.create_connection(server.server_address) as sock:
            sock.settimeout(WITHIN)
            assert sock.recv(1) == b"!"


def test_a_server_that_was_never_bound_refuses_and_says_nothing():
    """P13: the article's listing. The same with the two calls that it lacks is the control."""
    failures = []

    class Counting(TCPServer):
        def get_request(self):
            try:
                return super().get_request()
            except OSError as error:
                failures.append(error.errno)
                raise

    with socket.create_server(LOOPBACK) as sock:
        address = sock.getsockname()
    server = Counting(address, Hold, bind_and_activate=False)
    with pool(server, 1) as (thread,):
        until(lambda: len(failures) > 100, "accept(2) fails again and again", WITHIN)
        assert thread.is_alive()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, WITHIN)

    server = Counting(address, Hold, bind_and_activate=False)
    server.server_bind()
    server.server_activate()
    with pool(server, 1), socket.create_connection(address, WITHIN) as sock:
        assert sock.recv(1) == b"!"


def test_a_child_that_keeps_the_listener_keeps_the_port():
    """R05: even with SO_REUSEADDR, until the child has ended."""
    listener = socket.create_server(LOOPBACK)
    address = listener.getsockname()
    child = os.fork()
    if not child:
        signal.pause()
    listener.close()
    try:
        with pytest.raises(OSError, match="in use"):
            socket.create_server(address)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    socket.create_server(address).close()
