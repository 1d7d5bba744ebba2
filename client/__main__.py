"""PID 1 of a client host: read the knobs, say `ready`, run the workload until a signal says stop.

A host whose kernel is not set as its profile declares does not become ready: what it measured would be told
of a kernel that it does not have.
"""

from __future__ import annotations

import importlib
import os
import signal

from connlab.machine import events, identity, sysctls
from connlab.machine.knobs import read as read_knobs

STOP: dict[int, str] = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "SIGINT"}


def _stop(number: int, _frame: object) -> None:
    for each in STOP:
        signal.signal(each, signal.SIG_IGN)
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
        signal.signal(number, _stop)
    # Orphans of `docker exec` become children of PID 1; ignoring SIGCHLD has the kernel reap them (wait(2)).
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        knobs = read_knobs("client")
    except ValueError as error:
        os.write(2, f"connlab client: {error}\n".encode())
        raise SystemExit(2) from None
    events.configure("client", knobs["log_format"])
    # compose.yaml always says it; a process that nobody gave a profile has its machine's settings.
    if knobs["client_sysctl"] is not None:
        _tell_sysctls(knobs["client_sysctl"])
    workload = importlib.import_module("client.workloads." + knobs["workload"])
    ready = {"workload": knobs["workload"], "address": identity.address()}
    # For who comes when this host's log has lost the line (connlab/cluster/readiness.py); a start empties /tmp.
    if os.getpid() == 1:
        os.close(os.open("/tmp/connlab.ready", os.O_CREAT | os.O_WRONLY, 0o644))
    if knobs["workload"] == "idle":
        workload.become(ready, STOP)
    events.emit("ready", **ready)
    workload.run(knobs)


main()
