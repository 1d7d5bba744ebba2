"""Why an engine cannot be reached, in plain words: the cause, not the libraries that passed it on.

What the SDK raises carries the words of three libraries, one in the other; what the kernel, the resolver or TLS said
is the innermost of them. The SDK itself is not imported here (connlab/cluster/engine.py).
"""

from __future__ import annotations

import errno
import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator

from connlab.base.errors import NotFit

WHAT = "cannot reach the Docker engine"
LOCAL = "is the engine running? `sudo service docker start`; DOCKER_HOST names one elsewhere"
ELSEWHERE = (
    "is it running, and does it listen there? DOCKER_HOST names the engine; unset, it is this machine's"
)
MAY_NOT = "your user may not use Docker: `sudo usermod -aG docker $USER`, then log in again"
STANDS_STILL = "restart the engine: `sudo service docker restart`; DOCKER_HOST names one elsewhere"
NAME = "mend the name in DOCKER_HOST; `getent hosts NAME` asks for it"
TLS = "DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH=FOLDER with ca.pem, cert.pem and key.pem for that engine"
PLAIN = "unset DOCKER_TLS_VERIFY, if that engine does without TLS; or name its port for TLS in DOCKER_HOST"
ADDRESS = "DOCKER_HOST=unix:///var/run/docker.sock, or tcp://MACHINE:PORT"
FORWARD = (
    "ssh -L /tmp/engine.sock:/var/run/docker.sock MACHINE, then DOCKER_HOST=unix:///tmp/engine.sock"
    " (docs/engine-elsewhere.md)"
)
NO_ADDRESS = re.compile(r"Invalid bind address|only supported on Windows")


def refusal(error: BaseException, address: str, within: float) -> NotFit:
    """Make the refusal of an engine at `address`, which was waited for `within` seconds."""
    words, step = _told(error, address, within)
    return NotFit(WHAT, f"{address}: {words}", next_step=step)


def cause(error: BaseException) -> str:
    """Return in plain words what an error says that the SDK raised, without the address that was called."""
    for each in _chain(error):
        if words := _of_kernel(each):
            return words
    return "it did not answer in time" if "timed out" in str(error) else str(error)


def _told(error: BaseException, address: str, within: float) -> tuple[str, str]:
    scheme = address.partition("://")[0]
    usual = LOCAL if scheme == "unix" else ELSEWHERE
    text = str(error)
    if scheme == "ssh" and "paramiko" in text:
        return "addresses of ssh are not taken", FORWARD
    if NO_ADDRESS.search(text) or type(error) is ValueError:
        return "it is no address of an engine", ADDRESS
    if type(error).__name__ == "TLSParameterError":
        return "TLS: a certificate or key that is named is not there", TLS
    if "Read timed out" in text:
        words = f"it took the call and did not answer within {within:g} s"
        return words, STANDS_STILL if scheme == "unix" else ELSEWHERE
    if "HTTP request to an HTTPS server" in text:
        return "TLS: it takes no calls without", TLS
    for each in _chain(error):
        if words := _of_kernel(each):
            return words, _step(each, scheme) or usual
        if isinstance(each, json.JSONDecodeError):
            return "what answers there is no Docker engine", usual
        if explanation := getattr(each, "explanation", None):
            return f"it answers: {explanation}", usual
    if "timed out" in text:
        return f"no answer came within {within:g} s", usual
    return text.removeprefix("Error while fetching server API version: "), usual


def _step(error: BaseException, scheme: str) -> str:
    if isinstance(error, PermissionError) and scheme == "unix":
        return MAY_NOT
    if isinstance(error, socket.gaierror):
        return NAME
    if isinstance(error, ssl.SSLError):
        return PLAIN if error.reason == "WRONG_VERSION_NUMBER" else TLS
    if isinstance(error, ConnectionResetError) and scheme != "unix":
        return f"if it wants TLS: {TLS}"
    return ""


def _of_kernel(error: BaseException) -> str:
    """Say in plain words what the kernel, the resolver or TLS said; empty for an error of another's."""
    if isinstance(error, http.client.RemoteDisconnected):
        return "it took the call and hung up"
    if isinstance(error, http.client.BadStatusLine):
        return "what answers there is no Docker engine"
    if isinstance(error, socket.gaierror):
        known = error.errno != socket.EAI_AGAIN
        return "there is no such name" if known else "the name cannot be looked up now"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: its certificate is not trusted, {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        plain = error.reason == "WRONG_VERSION_NUMBER"
        return "TLS: what answers there does not speak it" if plain else f"TLS: {_lower(error.reason)}"
    if isinstance(error, OSError) and "AF_UNIX path too long" in str(error):
        return "the path is too long for a socket"
    if not isinstance(error, OSError) or not error.errno:
        return ""
    return {
        errno.ENOENT: "there is no such socket",
        errno.ENOTDIR: "there is no such socket",
        errno.ECONNREFUSED: "connection refused, nobody listens there",
        errno.ECONNRESET: "it took the call and hung up",
        errno.EPIPE: "it took the call and hung up",
    }.get(error.errno, (error.strerror or str(error)).lower())


def _lower(reason: str) -> str:
    return reason.replace("_", " ").lower()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what it was raised from, what that was raised from, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
