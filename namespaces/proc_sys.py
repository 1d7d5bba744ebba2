"""What a host has in /proc/sys/net: read as a whole, and what is different later."""

from __future__ import annotations

import os

from namespaces.netns import Namespace

ROOT = "/proc/sys/net"
MOVES = ("nf_conntrack_count", "nf_conntrack_checksum_errors")  # by itself


def read(host: Namespace) -> dict[str, str]:
    """Read every key that can be set on a host, with its value as it is printed."""
    with host.entered():
        return {
            key: value for path in _files(ROOT) if (value := _value(path)) is not None for key in [_key(path)]
        }


def changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Return the keys that have another value than before."""
    return {key: value for key, value in after.items() if before.get(key) != value}


def _files(folder: str) -> list[str]:
    return [
        os.path.join(path, name) for path, _, names in os.walk(folder) for name in names if name not in MOVES
    ]


def _value(path: str) -> str | None:
    """Return the value; None for what is not readable, or not settable."""
    try:
        if not os.stat(path).st_mode & 0o200:
            return None
        with open(path, encoding="utf-8", errors="replace") as file:
            return " ".join(file.read().split())
    except OSError:
        return None


def _key(path: str) -> str:
    """Return the key as sysctl(8) takes it: with slashes, since names of interfaces may have dots."""
    return path.removeprefix("/proc/sys/")
