"""idle: do nothing, at the least cost; the host is there for an agent."""

from __future__ import annotations

import os
import signal

from connlab.machine import events

# A shell that waits keeps 0.2 MB of its host to itself, Python 3 MB. It says what Python would have said:
# an event's line comes as two arguments, its moment between them. `kill -9 -1` may end its sleep: it loops.
# Its arguments get names, because a trap that runs inside a function sees the function's. The sleep is killed: a
# child that dash (0.5.12) has forked and not executed yet forgets a SIGTERM, and would sleep on as an orphan.
SCRIPT = r"""
ready=$2 ready_=$3 term=$4 term_=$5 int=$6 int_=$7
say() { printf '%s%s%s\n' "$1" "$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)" "$2"; }
stop() { say "$1" "$2"; [ -z "$!" ] || kill -KILL "$!"; exit 0; }
trap 'stop "$term" "$term_"' TERM
trap 'stop "$int" "$int_"' INT
say "$ready" "$ready_"
while :; do sleep infinity & wait; done"""


def become(ready: dict[str, object], stop: dict[int, str]) -> None:
    """Replace this process with a shell that says `ready`, waits for a signal and says `stopping`."""
    told = [("ready", ready)]
    told += [("stopping", {"signal": name}) for name in stop.values()]
    parts = [part for event, fields in told for part in events.line("@", event, fields).split("@", 1)]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else the shell could not wait for its sleep
    os.execv("/bin/sh", ["sh", "-c", SCRIPT, "-m", "client", *parts])
