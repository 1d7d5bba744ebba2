"""Kernel settings: what the profile in sysctl/ declares against what this host really has.

Compose sets the keys when it creates the container, because /proc/sys is read-only inside; so all
that is left to do here is to look, and to refuse to start on a host that is not what it claims.
"""

from __future__ import annotations

from collections import namedtuple

from server import files

PROC = "/proc/sys/"


class Sysctl(namedtuple("Sysctl", "key declared effective state")):
    """One key: `effective` is None where this kernel has no such key, or this process may not read it.

    `state` is `applied`, `differs`, `absent` or `unreadable`.
    """


def read(profile: str) -> list[Sysctl]:
    """Every key that the profile names, those that Linux removed included.

    The lab, or the image, has the profile in the form of sysctl.conf(5), its values as /proc/sys shows them.
    """
    lines = files.text(f"sysctl/{profile}.conf").splitlines()
    return [_look(*line.split(" = ", 1)) for line in lines]


def _look(key: str, declared: str) -> Sysctl:
    try:
        with open(PROC + key.replace(".", "/")) as file:
            effective = " ".join(file.read().split())
    except FileNotFoundError:
        return Sysctl(key, declared, None, "absent")
    except PermissionError:  # tcp_fastopen_key is root's alone
        return Sysctl(key, declared, None, "unreadable")
    return Sysctl(key, declared, effective, "applied" if effective == declared else "differs")
