"""PID 1 of a client host: read the knobs, say `ready`, run the workload until a signal says stop.

A host whose kernel is not set as its profile declares does not become ready: what it measured would be told
of a kernel that it does not have.
"""

from __future__ import annotations

# `_signal`, not `signal`: the latter wraps the same numbers in enums, 1.1 MB of each idle host.
import _signal
import os
import sys

from client import events, names, settings
from connlab.machine import sysctls

STOP = {_signal.SIGTERM: "SIGTERM", _signal.SIGINT: "SIGINT"}


def _stop(number: int, _frame: object) -> None:
    for each in STOP:
        _signal.signal(each, _signal.SIG_IGN)
    events.emit("stopping", signal=STOP[number])
    raise SystemExit(0)


def _tell_sysctls(profile: str) -> None:
    """Emit each key of the profile; SystemExit(1) at the first whose value differs."""
    for sysctl in sysctls.read(profile):
        events.emit("sysctl", **sysctl)
        if what := sysctls.difference(sysctl, profile):
            events.emit("sysctl_failed", profile=profile, error=what)
            raise SystemExit(1)


def main() -> None:
    # PID 1 has no default actions (signal(7)): without handlers SIGTERM would do nothing.
    for number in STOP:
        _signal.signal(number, _stop)
    # Orphans of `docker exec` become children of PID 1; ignoring SIGCHLD has the kernel reap them (wait(2)).
    _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
    try:
        knobs = settings.read(os.environ)
    except ValueError as error:
        os.write(2, f"connlab client: {error}\n".encode())
        raise SystemExit(2) from None
    events.configure(knobs["log_format"])
    # compose.yaml always says it; a process that nobody gave a profile has its machine's settings.
    if "CLIENT_SYSCTL" in os.environ:
        _tell_sysctls(knobs["client_sysctl"])
    module = "client.workloads." + knobs["workload"]
    __import__(module)
    ready = {"workload": knobs["workload"], "address": names.address()}
    # For who comes when this host's log has lost the line (connlab/cluster/readiness.py); a start empties /tmp.
    if os.getpid() == 1:
        os.close(os.open("/tmp/connlab.ready", os.O_CREAT | os.O_WRONLY, 0o644))
    if knobs["workload"] == "idle":
        sys.modules[module].become(ready, STOP)
    events.emit("ready", **ready)
    sys.modules[module].run(knobs)


main()
