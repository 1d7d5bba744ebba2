"""An engine that cannot be reached: the cause in plain words, with what to do about it; exit status 3."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from connlab.base.errors import NotFit
from connlab.cluster import engine, unreachable

OF_LIBRARIES = re.compile(
    r"HTTPS?Connection|Max retries|urllib3|Errno|\w+Error|paramiko|Connection aborted|API version"
)
PLAIN_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 48\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
)
BUSY = (
    b'HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"message": "no way"}'
)
RUNNING, NAMED = "is the engine running?", "is it running, and does it listen there?"


@pytest.fixture
def said(monkeypatch):
    """Return a function that tries to reach the engine at an address, and returns why not and what to do next."""

    def reach(address: str) -> tuple[str, str]:
        for name in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONTEXT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("DOCKER_HOST", address)
        engine.client.cache_clear()
        with pytest.raises(NotFit) as refusal:
            engine.client()
        assert (refusal.value.what, refusal.value.status) == ("cannot reach the Docker engine", 3)
        assert refusal.value.why.startswith(f"{address}: ")
        assert not OF_LIBRARIES.search(str(refusal.value)), refusal.value
        return refusal.value.why.removeprefix(f"{address}: "), refusal.value.next_step

    return reach


@contextlib.contextmanager
def answering(listener: socket.socket, answer: bytes) -> Iterator[None]:
    """Take calls at a socket and answer each with these bytes, until the end."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                call, _ = listener.accept()
                with call:
                    call.recv(4096)
                    call.sendall(answer)

    listener.listen()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_socket_that_is_not_there(said, tmp_path):
    """Nor its folder; one that nobody listens on is told apart."""
    words, step = said(f"unix://{tmp_path}/none.sock")
    assert (words, step.startswith(RUNNING)) == ("there is no such socket", True)
    assert said("unix:///dev/null/none.sock")[0] == "there is no such socket"
    with socket.socket(socket.AF_UNIX) as unused:
        unused.bind(f"{tmp_path}/unused.sock")
        assert said(f"unix://{tmp_path}/unused.sock")[0] == "connection refused, nobody listens there"
    assert said(f"unix://{tmp_path}/{'x' * 120}")[0] == "the path is too long for a socket"


@pytest.mark.parametrize(
    ("answer", "words"),
    [(b"", "it took the call and hung up"), (b"SSH-2.0-OpenSSH_9\r\n", "what answers there is no Docker engine"),
     (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "what answers there is no Docker engine"),
     (BUSY, "it answers: no way")],
)  # fmt: skip
def test_a_socket_of_something_else(said, tmp_path, answer, words):
    """It hangs up, or speaks another language, or refuses."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/x.sock")
        with answering(listener, answer):
            assert said(f"unix://{tmp_path}/x.sock")[0] == words


def test_an_address_of_another_machine(said):
    """Nobody listens, or it wants TLS, or the name is none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with answering(listener, PLAIN_HTTP):
            words, step = said(address)
    assert (words, step.startswith("DOCKER_TLS_VERIFY=1")) == ("TLS: it takes no calls without", True)
    words, step = said(address)
    assert (words, step.startswith(NAMED)) == ("connection refused, nobody listens there", True)


@pytest.mark.parametrize(
    "address", ["foo://x", "tcp://", "bare", "tcp://127.0.0.1:x", "tcp://127.0.0.1:99999", "http://[::1"]
)
def test_what_is_no_address(said, address):
    """Refused with what is one; a wrong port was a traceback."""
    words, step = said(address)
    assert (words, step.startswith("DOCKER_HOST=unix:///")) == ("it is no address of an engine", True)


def test_ssh(said):
    """What it needs is not among the tools, and the way around is told."""
    words, step = said("ssh://nobody@127.0.0.1:1")
    assert (words, step.startswith("ssh -L ")) == ("addresses of ssh are not taken", True)


def untrusted() -> ssl.SSLCertVerificationError:
    """Make the error of a certificate that nobody vouches for, as OpenSSL makes it."""
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.reason, error.verify_message = "CERTIFICATE_VERIFY_FAILED", "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("address", "error", "words", "step"),
    [("unix:///s", PermissionError(13, "Permission denied"), "permission denied", unreachable.MAY_NOT),
     ("tcp://m:1", PermissionError(13, "Permission denied"), "permission denied", unreachable.ELSEWHERE),
     ("tcp://m:1", socket.gaierror(-2, "Name or service not known"), "there is no such name", unreachable.NAME),
     ("tcp://m:1", socket.gaierror(socket.EAI_AGAIN, "x"), "the name cannot be looked up now", unreachable.NAME),
     ("tcp://m:1", OSError(113, "No route to host"), "no route to host", unreachable.ELSEWHERE),
     ("tcp://m:1", untrusted(), "TLS: its certificate is not trusted, self-signed certificate", unreachable.TLS),
     ("tcp://m:1", TimeoutError("timed out"), "no answer came within 10 s", unreachable.ELSEWHERE)],
)  # fmt: skip
def test_what_the_kernel_the_resolver_or_tls_says(address, error, words, step):
    """Found within what a library made of it: here of causes that this machine cannot be made to have."""
    outer = RuntimeError(f"HTTPConnectionPool: Max retries exceeded ({error})")
    outer.__context__ = error
    refusal = unreachable.refusal(outer, address, 10)
    assert (refusal.why, refusal.next_step) == (f"{address}: {words}", step)
