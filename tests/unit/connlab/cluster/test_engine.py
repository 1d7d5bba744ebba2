"""Which engine has which fault, at the edge of each, in the spellings that engines use."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer

import pytest
import requests.sessions

from connlab.base.errors import NotFit
from connlab.cluster import engine
from connlab.cluster.engine import PARTS_AT_ONCE, WITHOUT_COMPOSE_1, at_least


@pytest.mark.parametrize(
    ("version", "new"),
    [
        ("20.10.24+dfsg1", False), ("20.10.26", False), ("20.10.27", True), ("23.0.1", True), ("28.2.2", True),
        ("19.03.15", False), ("dev", False), ("", False),
    ],
)  # fmt: skip
def test_hosts_may_leave_a_network_at_once(version: str, new: bool) -> None:
    """20.10.27 was the first of its series with the mended lock; an unknown engine is trusted with nothing."""
    assert at_least(version, PARTS_AT_ONCE) is new


@pytest.mark.parametrize(("version", "new"), [("24.0.9", False), ("25.0.0", True), ("26.1.5+dfsg1", True)])
def test_compose_1_cannot_recreate(version: str, new: bool) -> None:
    """From 25 on."""
    assert at_least(version, WITHOUT_COMPOSE_1) is new


@pytest.fixture
def contexts(monkeypatch, tmp_path):
    """Make a configuration folder of docker(1) with one context, `far`, and a shell that names no engine."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.json").write_text("{}")
    folder = tmp_path / "contexts/meta" / hashlib.sha256(b"far").hexdigest()
    folder.mkdir(parents=True)
    endpoint = {"Host": "tcp://192.0.2.1:2375", "SkipTLSVerify": True}
    (folder / "meta.json").write_text(
        json.dumps({"Name": "far", "Metadata": {}, "Endpoints": {"docker": endpoint}})
    )
    return tmp_path


@pytest.mark.parametrize("how", ["the shell", "docker context use"])
def test_a_context_is_one_address_for_every_program(contexts, monkeypatch, how):
    """The SDK, docker(1) and each Compose know contexts differently; DOCKER_HOST they know alike."""
    if how == "the shell":
        monkeypatch.setenv("DOCKER_CONTEXT", "far")
    else:
        (contexts / "config.json").write_text('{"currentContext": "far"}')
    variables = engine.environment()
    assert (variables["DOCKER_HOST"], "DOCKER_CONTEXT" in variables) == ("tcp://192.0.2.1:2375", False)


def test_the_shells_address_wins_over_a_context(contexts, monkeypatch):
    """As for docker(1)."""
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    monkeypatch.setenv("DOCKER_HOST", "unix:///near")
    assert engine.environment()["DOCKER_HOST"] == "unix:///near"


def test_a_context_that_is_not_there_is_not_the_local_engine(contexts, monkeypatch):
    """Refused, where the SDK would silently take the local engine."""
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(NotFit, match="DOCKER_CONTEXT='gone' is no context"):
        engine.environment()


class PlayedEngine(BaseHTTPRequestHandler):
    """Answers every request as an engine answers `version`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the answer."""
        body = json.dumps({"ApiVersion": "1.41", "Version": "20.10.24"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Return nothing: who calls through a file has no address."""
        return ""

    def log_message(self, *args: object) -> None:
        """Say nothing on standard error."""


def test_a_request_over_a_socket_file_looks_for_no_proxy(monkeypatch, tmp_path):
    """It reads the whole environment, and failed (`KeyError`) where another thread set a variable just then."""
    path = str(tmp_path / "engine")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with ThreadingUnixStreamServer(path, PlayedEngine) as played:
        played.daemon_threads = True
        threading.Thread(target=played.serve_forever, args=(0.01,), daemon=True).start()
        client = engine.client.__wrapped__()
        monkeypatch.setattr(requests.sessions, "get_environ_proxies", lambda *args, **kwargs: 1 / 0)
        try:
            assert client.version()["Version"] == "20.10.24"
        finally:
            client.close()
            played.shutdown()
