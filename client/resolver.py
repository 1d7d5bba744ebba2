"""The address of the host to dial."""

from __future__ import annotations

import socket
import threading


def resolve(name: str) -> str:
    """Return the first IPv4 address of a host, by getaddrinfo(3); an address is its own, and nobody is asked.

    Raises socket.gaierror if there is none.

    Asked in a thread, which costs as much as ten dials: a signal cannot interrupt getaddrinfo, and an unknown name
    takes seconds to fail on an internal network; PID 1 must stop sooner.
    """
    if is_address(name):
        return name
    answer: list[str | OSError] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(name.encode(), None, socket.AF_INET, socket.SOCK_STREAM)
            answer.append(str(found[0][4][0]))
        except OSError as error:
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join()
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]


def is_address(name: str) -> bool:
    """Tell whether a name is an IPv4 address of four numbers; getaddrinfo(3) takes fewer, too."""
    try:
        socket.inet_pton(socket.AF_INET, name)
    except (OSError, ValueError):
        return False
    return True
