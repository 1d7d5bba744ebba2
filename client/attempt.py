"""An attempt: one dial, and the name of what became of it (docs/events.md, Outcomes)."""

from __future__ import annotations

import errno
import socket

from connlab.machine.named_tuple import NamedTuple

OUTCOMES = {
    0: "established",
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timed_out",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ENONET: "unreachable",
    errno.ENOPROTOOPT: "unreachable",
    errno.EACCES: "unreachable",
    errno.EPERM: "unreachable",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.EADDRNOTAVAIL: "no_port",
}
HARNESS_ERROR = "harness_error"


class Attempt(NamedTuple):
    """One dial of a request; `outcome` is empty and `us` 0 until it has ended. Moments are CLOCK_MONOTONIC.

    `number`: 1 for the first dial. `conn`: the number under which the agent holds the connection. `closed_ns`: when
    its close had ended, if the request closed it (`churn`).
    """

    number: int
    conn: int | None = None
    outcome: str = ""
    errno: str | None = None
    source: str | None = None
    source_port: int | None = None
    target: str = ""
    target_port: int = 0
    start_ns: int = 0
    us: int = 0
    closed_ns: int | None = None

    def with_errno(self, number: int) -> Attempt:
        """Return the attempt with the outcome of an errno that came after it was established."""
        return self._replace(outcome=outcome_of(number), errno=errno_name(number))


def outcome_of(number: int | None) -> str:
    """Return the outcome that an errno stands for; an unknown errno is a `harness_error`, never a guess."""
    return HARNESS_ERROR if number is None else OUTCOMES.get(number, HARNESS_ERROR)


def errno_name(number: int | None) -> str | None:
    """Return ECONNREFUSED for 111, EAI_NONAME for -2 (getaddrinfo(3)), None for no error."""
    if not number:
        return None
    if number in errno.errorcode:
        return errno.errorcode[number]
    resolver = {code: name for name, code in vars(socket).items() if name.startswith("EAI_")}
    return resolver.get(number, str(number))
