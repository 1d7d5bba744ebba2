"""Sockets without what the standard library runs in Python whenever one is made or closed."""

from __future__ import annotations

import _socket
import socket

NONBLOCKING = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
NOW = socket.MSG_DONTWAIT


class Socket(_socket.socket):
    """A socket of the kernel's calls alone; `__weakref__`, for client/exchange.py remembers whom an error ended."""

    __slots__ = ("__weakref__",)
