"""Kernel settings: what the profile in sysctl/ declares against what this host has.

Compose sets the keys when it creates the container, because /proc/sys is read-only inside; so all that is left to
do here is to look, and to refuse to start on a host that is not what it claims.
"""

from __future__ import annotations

from connlab.machine import files

PROC = "/proc/sys/"

# The fields of the event `sysctl`: key, declared, effective and state. `effective` is None where this kernel has no
# such key (state `absent`) or this process may not read it (`unreadable`); else the state is `applied` or `differs`.
Sysctl = dict[str, str | None]


def read(profile: str) -> list[Sysctl]:
    """Compare every key that the profile names, those that Linux removed included. Raises OSError without a profile.

    The lab, or the image, has it in the form of sysctl.conf(5), its values as /proc/sys shows them.
    """
    lines = files.text(f"sysctl/{profile}.conf").splitlines()
    return [_compare(*line.split(" = ", 1)) for line in lines]


def difference(sysctl: Sysctl, profile: str) -> str | None:
    """Return the reason why a host with this key must not start, None if it may."""
    if sysctl["state"] != "differs":
        return None
    return f"{sysctl['key']} is {sysctl['effective']}, sysctl/{profile}.yaml declares {sysctl['declared']}"


def _compare(key: str, declared: str) -> Sysctl:
    effective = None
    try:
        with open(PROC + key.replace(".", "/")) as file:
            effective = " ".join(file.read().split())
        state = "applied" if effective == declared else "differs"
    except FileNotFoundError:
        state = "absent"
    except PermissionError:  # tcp_fastopen_key is root's alone
        state = "unreadable"
    return {"key": key, "declared": declared, "effective": effective, "state": state}
