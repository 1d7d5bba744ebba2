"""The article's table of sockets: the program on loopback, and what its answers mean."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from connlab.actions.socket_kinds import describe_errno
from connlab.base import probes
from connlab.cli.show import dialling as show
from probes import socket_table as program
from tests.support.processes import run_program

ARGV = [sys.executable, *probes.argv("socket_table")[1:]]


@contextmanager
def listener():
    """Start `socket_table listen`: its places by family and type, and its process."""
    process = subprocess.Popen(
        [*ARGV, "listen"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/"
    )
    with process:
        places = json.loads(process.stdout.readline())
        yield {(place["family"], place["type"]): place for place in places}, process
        process.stdin.close()
        assert process.wait(20) == 0, "it ends with its input"


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_both_sides_of_an_exchange_tell_the_same(kind: str) -> None:
    with listener() as (places, process):
        ask = {**places["AF_INET", kind], "address": "127.0.0.1"}
        result = run_program([*ARGV, "exchange", json.dumps([ask])], Path("/"), check=True)
        (row,) = json.loads(result.stdout)
        report = json.loads(process.stdout.readline())
    assert (row["came_back"], row["error"], row["source"]) == (True, None, "127.0.0.1")
    assert (report["message"], report["source"], report["type"]) == (row["message"], "127.0.0.1", kind)


def test_nobody_answers() -> None:
    """A port without a listener: no message came back, and why."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    row = program.exchange({"family": "AF_INET", "type": "SOCK_STREAM", "address": "127.0.0.1", "port": port})
    assert (row["came_back"], row["error"]) == (False, "[Errno 111] Connection refused")


@pytest.mark.parametrize("pair", program.INSIDE)
def test_messages_inside_a_host(pair) -> None:
    row = program.inside(*pair)
    assert (row["came_back"], row["error"]) == (True, None)


def test_every_pair_is_tried_once() -> None:
    result = run_program(ARGV, Path("/"), check=True)
    rows = json.loads(result.stdout)["tried"]
    pairs = {(row["family"], row["type"]) for row in rows}
    assert len(rows) == len(pairs) == 15
    numbers = {row["type"]: row["type_number"] for row in rows}
    assert sorted(numbers.values()) == [1, 2, 3, 4, 5]
    assert numbers["SOCK_SEQPACKET"] == 5


@pytest.mark.parametrize(
    ("errno", "word"),
    [
        (None, "supported"),
        ("EPERM", "needs CAP_NET_RAW"),
        ("EACCES", "needs CAP_NET_RAW"),
        ("ESOCKTNOSUPPORT", "not supported"),
        ("EPROTONOSUPPORT", "not supported"),
        ("EAFNOSUPPORT", "not supported"),
    ],
)
def test_what_an_errno_means(errno: str | None, word: str) -> None:
    assert describe_errno(errno) == word


def test_the_table_in_words(capsys) -> None:
    """Another type than asked for, a refusal with its errno, and an error with brackets, which are no markup."""
    supported = {"state": "supported", "errno": None, "made": "SOCK_DGRAM"}
    refused = {"state": "not supported", "errno": "ESOCKTNOSUPPORT", "made": None}
    kind = {"family": "AF_UNIX", "family_number": 1, "type": "SOCK_RAW", "type_number": 3}
    failed = {"family": "AF_UNIX", "type": "SOCK_RAW", "came_back": False, "error": "[Errno 111] refused"}
    show.sockets(
        {
            "client": "client-1",
            "server": "server-1",
            "user": "connlab",
            "tried": [{**kind, "client": supported, "server": refused}],
            "exchanged": [failed],
        }
    )
    output = capsys.readouterr().out
    assert "supported, as SOCK_DGRAM" in output
    assert "not supported (ESOCKTNOSUPPORT)" in output
    assert "no: [Errno 111] refused" in output
