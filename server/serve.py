"""PID 1 without privileges: listen, tell refusals, and stop properly when asked."""

from __future__ import annotations

import functools
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping

from connlab.machine import events, sysctls
from connlab.machine.events import emit
from server import control, mode_loader, ready_mark, settings
from server.connection import Connection
from server.connections import Connections
from server.refusals import RefusalReader
from server.supervisor import RESTART, STOP, Supervisor

STACK = 256 * 1024  # bytes for each thread; the default of 8 MiB is address space for nothing


def main(reports: int) -> int:
    """Serve until SIGTERM or SIGINT; `reports` is the NFLOG descriptor, -1 for none. Returns 0.

    SIGHUP restarts the listener (server/supervisor.py).
    """
    # Blocked before there are threads, so every thread inherits it and only sigwait() sees a signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, RESTART})
    threading.stack_size(STACK)
    events.configure("server", os.environ.get("LOG_FORMAT", "json"))
    connections = Connections()
    knobs = settings.read()
    Connection.each = knobs.events == "each"
    refusals = RefusalReader(connections, each=Connection.each)
    server = Supervisor(knobs, connections, _background)
    mode_loader.install()
    try:
        server.bind()
    except OSError as error:
        server.failed(error)
        return 1
    except mode_loader.BadMode as bad:
        emit("mode_failed", mode=server.settings.mode, error=str(bad))
        return 1
    if reports >= 0:
        _background(refusals.read, socket.socket(fileno=reports))
    verbs = {
        "account": functools.partial(_account, server, connections, refusals),
        "close": connections.close,
        "restart": server.request_restart,
    }
    _background(control.answer, control.listen(), verbs)
    server.serve()
    ready_mark.ready()
    emit("ready")
    while (number := server.wait()) not in STOP:
        server.restart()
    refusals.tell()
    server.stop(number)
    return 0


def _account(
    server: Supervisor, connections: Connections, refusals: RefusalReader, *since: Mapping[str, float]
) -> dict[str, object]:
    """Return what was asked of this host, and what came of it (`since`: Connections.snapshot)."""
    current = server.settings
    keys = sysctls.read(current.sysctl)
    refusal_account = refusals.account()  # first, so that the sums below have what it waited for
    return {
        **current._asdict(),
        "listener": server.account(),
        "sysctls": keys,
        "refusals": refusal_account,
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
