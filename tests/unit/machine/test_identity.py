"""Who a host is: its name in the lab, its address."""

from __future__ import annotations

import io

import pytest

from connlab.machine import identity


@pytest.mark.parametrize(
    ("container", "host"),
    [
        ("connlab_client_2", "client-2"),
        ("connlab-client-20", "client-20"),
        ("my-own_lab-server-1", "server-1"),
        ("connlab_client_run_5f2a", None),
        ("8f14e45fceea", None),
        (None, None),
    ],
)
def test_a_host_is_named_as_compose_named_it(container, host):
    """Both generations of Compose, and containers that Compose did not number."""
    assert identity.short(container) == host


@pytest.mark.parametrize("owner", [b"\xc0\x0c", b"\x013\x07in-addr\x04arpa\x00"])
def test_the_name_is_read_from_a_dns_answer(owner):
    """The first label of the first answer, its owner compressed (RFC 1035 §4.1.4) or not; else nothing."""
    head, data = b"\0\1\x81\x80\0\1\0\1\0\0\0\0", b"\x10connlab_client_2\x0bconnlab_lab\0"
    record = owner + b"\0\x0c\0\1\0\0\2\x58" + len(data).to_bytes(2, "big") + data
    assert identity._first_label(head + record, len(head)) == "connlab_client_2"
    assert identity._first_label(head[:7] + b"\0" + head[8:], len(head)) is None
    assert identity._first_label(head + record[: len(owner) + 10], len(head)) is None
    assert identity._first_label(head, len(head)) is None


def test_own_address_comes_from_etc_hosts(monkeypatch):
    """The IPv4 line that carries the hostname; none is no error."""
    monkeypatch.setattr(identity.socket, "gethostname", lambda: "box")
    hosts = b"127.0.0.1 localhost\n# 9.9.9.9 box\nfd00::2 box\n\n198.51.100.7\tbox box.lab\n"
    monkeypatch.setattr(identity, "open", lambda *_: io.BytesIO(hosts), raising=False)
    assert identity.address() == "198.51.100.7"
    monkeypatch.setattr(identity, "open", lambda *_: io.BytesIO(b"127.0.0.1 localhost\n"), raising=False)
    assert identity.address() is None
