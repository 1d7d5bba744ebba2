"""PID 1 without privileges: listen, tell refusals, and stop properly when asked."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping

from server import connections, loader, marked, refusals, settings, status, sysctls
from server.events import emit

STOP = {signal.SIGTERM, signal.SIGINT}
GRACE = 1.5  # seconds for all connections to close; `docker stop` must see the end within 2
STACK = 256 * 1024  # bytes for each thread; the default of 8 MiB is address space for nothing


def main(reports: int) -> int:
    """Serve until SIGTERM or SIGINT; `reports` is the NFLOG descriptor, -1 for none. Returns 0."""
    # Blocked before there are threads, so every thread inherits it and only sigwait() sees a signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    threading.stack_size(STACK)
    wanted = settings.read()
    loader.install()
    try:
        server = importlib.import_module(f"server.modes.{wanted.mode}").build(wanted)
    except OSError as error:  # the port is taken, the address is not ours, the name has none
        emit("listen_failed", address=wanted.listen, port=wanted.port, error=str(error))
        return 1
    if reports >= 0:
        _background(refusals.tell, socket.socket(fileno=reports))
    verbs = {"account": functools.partial(_account, wanted), "close": connections.close}
    _background(status.answer, status.listen(), verbs)
    address, port = server.socket.getsockname()[:2]
    emit("listening", address=address, port=port, mode=wanted.mode, backlog=server.request_queue_size,
         reuse_address=wanted.reuse_address)  # fmt: skip
    _background(server.serve_forever, 0.1)
    marked.ready()
    emit("ready")

    number = signal.sigwait(STOP)
    emit("stopping", signal=signal.Signals(number).name, open=connections.held())
    connections.stopping.set()
    # Beside the rest: a mode that serves one client, or waits for a child, returns when that one is closed.
    ending = _background(server.shutdown)
    connections.close_all(within=GRACE, done=lambda: not ending.is_alive())
    clean = not (ending.is_alive() or connections.held())
    server.server_close()
    emit("stopped", clean=clean)
    return 0


def _account(wanted: settings.Settings, *since: Mapping[str, float]) -> dict[str, object]:
    """What `status` answers: what was asked of this host, and what came of it (`since`: connections.snapshot)."""
    keys = [key._asdict() for key in sysctls.read(wanted.sysctl)]
    told = refusals.account()  # first, so that the sums below have what it waited for
    return {
        **dataclasses.asdict(wanted),
        "sysctls": keys,
        "refusals": told,
        "sources": connections.snapshot(*since),
    }


def _background(task: Callable[..., object], *arguments: object) -> threading.Thread:
    """Run `task` beside the rest. If it dies, so does the host: half a server would be a lie."""

    def guarded() -> None:
        try:
            task(*arguments)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)

    thread = threading.Thread(target=guarded, daemon=True, name=getattr(task, "__name__", "task"))
    thread.start()
    return thread


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
