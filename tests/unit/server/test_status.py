"""The server's own account, asked for over its status socket."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time

from connlab.base.wait import until
from server.control import AT_ONCE, PATIENCE
from tests.unit.server.process import WITHIN, echo
from tests.unit.server.reports import numbered_report


def test_status_tells_without_a_connection(server):
    """The server's own account, and asking for it is no connection."""
    with server.dial() as sock:
        echo(sock, b"x")
        account = json.loads(server.control().stdout)
    assert account["sources"] == {"127.0.0.1": {"open": 1, "accepted": 1, "refused": 0}}
    assert (account["port"], account["connlimit"], account["mode"]) == (server.port, 15, "threading")
    assert {key["key"] for key in account["sysctls"]} >= {"net.ipv4.tcp_fin_timeout"}
    assert len(server.events("accepted")) == 1


def test_status_of_no_server_is_a_failure(server):
    """Nobody there: exit status 1, and said on standard error."""
    server.stop()
    command = server.control()
    assert (command.returncode, command.stdout) == (1, "")
    assert "the server does not answer: " in json.loads(command.stderr)["error"]


NONSENSE = {
    "nothing": None, "cut": b"{", "no verb": b'["no-such-verb"]', "no source": b'["close"]', "not UTF-8": b"\xff\xfe",
    "a number": b"5", "no word": b"[[]]", "deep": b"[" * 100_000, "long": b" " * (1 << 21),
    "moments that are none": b'["account", 5]', "one moment": b'["account", {"127.0.0.1": 1}]',
    "words for moments": b'["account", {"127.0.0.1": "x"}, {"127.0.0.1": "y"}]', "too much": b'["account", {}, {}, {}]',
}  # fmt: skip


def test_a_bad_question_does_not_end_the_server(server):
    """Who asks nonsense, or hangs up before the answer (Ctrl-C in `make status`), harms nobody."""
    for name, request in NONSENSE.items():
        with server.control_socket(request or b"") as sock:
            if request is not None:
                sock.shutdown(socket.SHUT_WR)
        assert server.ask()["port"] == server.port, name
        server.check_service()


def test_nonsense_is_answered(server):
    """Also what the parser has no stack for (Python 3.13 ends with SIGSEGV) or cannot decode."""
    for name in ("deep", "not UTF-8", "one moment"):
        assert server.ask(raw=NONSENSE[name]).keys() == {"error"}, name


def since(moment: float) -> list[dict[str, float]]:
    """Return what `account` takes for an exact moment, of the only source that there is here."""
    return [{"127.0.0.1": moment}] * 2


def test_who_says_nothing_keeps_nobody_waiting(server):
    """Several sit on the status socket, one more has asked half: each question meanwhile is answered at once."""
    with contextlib.ExitStack() as stack:
        for word in [b""] * 5 + [b'["acc']:
            silent = stack.enter_context(server.control_socket(word))
        began = time.monotonic()
        assert server.ask()["port"] == server.port
        assert time.monotonic() - began < PATIENCE, "it was answered after the others' time was over"
        assert silent.recv(1) == b"", "who never ends a question is hung up on"


def test_a_crowd_on_the_status_socket_is_bounded(server):
    """One more than are answered at a time is told so; a moment later there is room again."""
    with contextlib.ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(server.control_socket(b""))
        assert server.ask() == {"error": f"{AT_ONCE} others ask at this moment"}
    until(lambda: "port" in server.ask(), "there is room again", WITHIN)


def test_numbers_since_a_moment(server):
    """What was accepted before is not told as the present host's, and a connection left open has its port told."""
    with server.dial() as left_open:
        echo(left_open, b"x")
        with server.dial() as sock:
            echo(sock, b"x")
        server.wait_for("closed")
        moment = time.time()
        assert server.ask("account", *since(moment))["sources"]["127.0.0.1"] == {
            "open": 1, "accepted": 2, "refused": 0,
            "since": {
                "accepted": 0, "accepted_perhaps": 0, "refused": 0, "refused_perhaps": 0,
                "earlier": [left_open.getsockname()[1]],
            },
        }  # fmt: skip
        numbers = server.ask("account", *since(moment - 3600))["sources"]["127.0.0.1"]["since"]
        assert (numbers["accepted"], numbers["accepted_perhaps"], numbers["earlier"]) == (2, 0, [])


def test_a_connection_is_as_old_as_the_kernel_says(start):
    """It waited for accept(2) over the moment that is asked for: it is the earlier host's, not the present one's."""
    server = start("iterative")
    with server.dial() as served:
        echo(served, b"x")
        with server.dial() as waits:
            waits.sendall(b"I was here before")
            server.wait_for("message")
            until(lambda: last_sent_ms(waits) > 50, "its last data are 50 ms old", WITHIN)
            moment = time.time() - 0.02
            served.close()
            server.wait_for("accepted", 2)
            numbers = server.ask("account", *since(moment))["sources"]["127.0.0.1"]["since"]
            assert (numbers["accepted"], numbers["earlier"]) == (0, [waits.getsockname()[1]])


def last_sent_ms(sock: socket.socket) -> int:
    """Return how many ms ago it sent its last data: `tcpi_last_data_sent` of struct tcp_info (linux/tcp.h)."""
    (age,) = struct.unpack_from("=I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 48), 44)
    return int(age)


def test_without_reports_nobody_knows_of_refusals(server):
    """A policy that reports nothing: the account says that it is not told of refusals, instead of 0 of them."""
    assert server.ask()["refusals"] == {"reported": False, "lost": 0, "behind": False}


def test_the_account_has_every_refusal_that_was_reported_before(start):
    """It waits for its reader: 2,000 reports are in the queue, and all are in the answer."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels:
        server = start(reports=ours)
        for number in range(2000):
            kernels.send(numbered_report(number))
        account = server.ask()
        assert account["refusals"] == {"reported": True, "lost": 0, "behind": False}
        assert account["sources"]["127.0.0.1"]["refused"] == 2000
