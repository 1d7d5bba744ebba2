"""Root of a user namespace of one's own: every capability over what is made in it, none over the machine."""

from __future__ import annotations

import ctypes
import functools
import os

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
_libc = ctypes.CDLL(None, use_errno=True)


def become_root() -> None:
    """Enter a new user namespace as its user 0, and a network namespace of it (user_namespaces(7)).

    Raises OSError where the kernel or the engine forbids it.
    """
    user, group = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones. Raises OSError (unshare(2))."""
    if _libc.unshare(flags):
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")


def enter(namespace: int) -> None:
    """Enter the network namespace of a descriptor. Raises OSError (setns(2))."""
    if _libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


@functools.cache
def home() -> int:
    """Return the network namespace of this process; asked for the first time while it is there."""
    return os.open("/proc/self/ns/net", os.O_RDONLY)
