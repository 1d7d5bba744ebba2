"""Which families of sockets this host's kernel has: `python3 socket_families.py` prints their names, a line each.

Every AF_ constant of Python is tried with socket(2), with three types, because a family need not have each. One that
the kernel lacks says EAFNOSUPPORT; another refusal, of the type or the privilege, means that it is there.
"""

import errno
import socket

TYPES = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW)


def exists(family: int) -> bool:
    """Return whether no type of this family is refused with EAFNOSUPPORT."""
    for kind in TYPES:
        try:
            socket.socket(family, kind).close()
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                return False
    return True


if __name__ == "__main__":
    for name in dir(socket):
        if name.startswith("AF_") and name != "AF_UNSPEC" and exists(getattr(socket, name)):
            print(name)
