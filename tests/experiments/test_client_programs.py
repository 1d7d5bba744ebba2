"""The article's client programs on real hosts: what each says, and what the server's kernel says of it.

terminal ── lab ── docker exec ── client-1 ── bridge ── server
"""

from __future__ import annotations

import pytest

from connlab.actions import socket_kinds
from connlab.base.model import events
from connlab.base.wait import until
from connlab.cluster import readiness
from connlab.kernel import snapshot, tables
from tests.support.laboratory import Lab, server_events, wait_until_free
from tests.support.sockets import established
from tests.support.terminal import terminal

PROMPT = "Input msg and send:"


def test_talking_from_a_terminal(crowd: Lab) -> None:
    """A line, its echo, Ctrl-D: the server has read the very line, from the port that the client names."""
    with terminal(crowd, "talk", "--client", "2") as session:
        output = session.until(PROMPT)
        session.type("hello from a person\n")
        assert "\r\nhello from a person\r\n" in session.until(PROMPT)
        source = f"{crowd.clients[1].address}:{_held_port(crowd, crowd.clients[1].address)}"
        assert f"connected to server ({crowd.server.address}) port 12345 from {source}" in output
        session.type("\x04")
        assert "the server closed too" in session.rest()
        assert session.status() == 0
    wait_until_free(crowd)
    accepted, message, closed = [
        (event.event, event.fields)
        for event in events(crowd.server.log())
        if f"{event.fields.get('source')}:{event.fields.get('source_port')}" == source
    ]
    assert (accepted[0], message[0], closed[0]) == ("accepted", "message", "closed")
    assert (message[1]["text"], closed[1]["by"]) == ("hello from a person", "client")


def test_ctrl_c(crowd: Lab) -> None:
    """Exit status 130, and the server's kernel keeps nothing of the connection."""
    with terminal(crowd, "talk") as session:
        session.until(PROMPT)
        assert _held_port(crowd, crowd.clients[0].address)
        session.type("\x03")
        assert session.status() == 130
    wait_until_free(crowd)


def test_a_terminal_that_is_closed(crowd: Lab) -> None:
    """Nobody types Ctrl-D: the window is gone, and so are the process and its slot."""
    with terminal(crowd, "talk") as session:
        session.until(PROMPT)
        assert _held_port(crowd, crowd.clients[0].address)
    wait_until_free(crowd)
    reason = "no interactive client is left"
    until(lambda: "client.talk" not in crowd.clients[0].run(["ps", "-eo", "args"]), reason, within=10)


def test_a_pipe_instead_of_a_terminal(crowd: Lab) -> None:
    """No prompt; only what came back on standard output."""
    with terminal(crowd, "talk", stdin="one\ntwo\n") as session:
        assert session.rest() == "one\ntwo\n"
        assert session.status() == 0


def test_the_sixteenth_is_refused_in_words(crowd: Lab, watch) -> None:
    """With the limit reached: exit status 1, a hint at the second witness, which has counted it."""
    with crowd.agents.on(crowd.clients[0]) as agent, watch(crowd.server) as diff:
        agent.open(15)
        with terminal(crowd, "talk") as session:
            output = session.rest()
            assert session.status() == 1
    assert "port 12345 refused the connection: an RST answered" in output
    assert "make status" in output
    assert diff.refused == 1


@pytest.mark.xdist_group("many at once")
def test_a_server_that_stops_while_someone_talks(many_at_once) -> None:
    """Whether it ends by itself or is killed, it is told at once, although nobody types: exit status 1."""
    lab = many_at_once()
    assert _talks_until(lab, "SIGTERM") == 1
    lab.server.restart()
    readiness.wait_until_ready(lab.settings.project, len(lab.clients))
    assert _talks_until(lab, "SIGKILL") == 1


def _talks_until(lab: Lab, signal: str) -> int:
    """Return the exit status of `lab talk` when this signal ends the server."""
    before = len(server_events(lab, "accepted"))
    with terminal(lab, "talk") as session:
        session.until(PROMPT)
        # What it has not accepted yet is reset when its listener goes: connected is not accepted.
        until(lambda: len(server_events(lab, "accepted")) > before, "the server has accepted", within=10)
        lab.server.signal(signal)
        assert "the server closed the connection (FIN)" in session.rest()
        return session.status()


BARE = {("AF_INET", "SOCK_RAW"), ("AF_INET6", "SOCK_RAW")}
NOWHERE = {(family, "SOCK_RDM") for family in ("AF_UNIX", "AF_INET", "AF_INET6")}
# Where SCTP is loaded, it is the protocol that these ask for (inet_create()).
SCTP = {("AF_INET", "SOCK_SEQPACKET"), ("AF_INET6", "SOCK_SEQPACKET")}


def test_the_table_of_sockets(crowd: Lab) -> None:
    """Fifteen pairs, each tried on both hosts: this kernel gives the same to both."""
    result = socket_kinds.try_socket_kinds(crowd.settings, 1)
    sctp = "SCTP" in crowd.server.run(["cat", "/proc/net/protocols"])

    for row in result["tried"]:
        pair = (row["family"], row["type"])
        expected = "supported"
        if pair in BARE:
            expected = "needs CAP_NET_RAW"
        elif pair in NOWHERE or (pair in SCTP and not sctp):
            expected = "not supported"
        assert (pair, row["client"]["state"]) == (pair, expected)
        assert row["client"] == row["server"]
    kinds = {(row["family"], row["type"]): row["client"]["made"] for row in result["tried"]}
    assert kinds["AF_UNIX", "SOCK_RAW"] == "SOCK_DGRAM"
    assert len(kinds) == 15


def test_a_message_through_each_kind_that_can_carry_one(crowd: Lab, watch) -> None:
    """It comes back, the other host has heard it from this one, and nobody's slot is taken."""
    with watch(crowd.server) as diff:
        result = socket_kinds.try_socket_kinds(crowd.settings, 2)

    rows = {(row["family"], row["type"]): row for row in result["exchanged"]}
    kinds_by_family = {"AF_UNIX": ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET")}
    kinds_by_family |= dict.fromkeys(("AF_INET", "AF_INET6"), ("SOCK_STREAM", "SOCK_DGRAM"))
    assert rows.keys() == {(family, kind) for family, kinds in kinds_by_family.items() for kind in kinds}
    assert [pair for pair, row in rows.items() if not row["came_back"]] == []
    for (family, kind), row in rows.items():
        if family != "AF_UNIX":
            assert (kind, row["heard"], row["heard_from"]) == (kind, row["message"], row["source"])
    over_tcp = rows["AF_INET", "SOCK_STREAM"]
    assert over_tcp["source"] == crowd.clients[1].address
    assert rows["AF_INET6", "SOCK_STREAM"]["source"].startswith("fe80::")
    flows = tables.parse_conntrack(crowd.server.run(snapshot.CONNTRACK))
    assert [flow.source for flow in flows if flow.target_port == over_tcp["port"]] == [over_tcp["source"]]
    assert (diff.reported("accepted"), diff.refused) == (0, 0)


def _held_port(lab: Lab, address: str) -> int:
    """Return the port of this source's only established connection, as the server's kernel has it."""
    connections = [socket for socket in established(lab.server, lab.settings.port) if socket.peer == address]
    assert len(connections) == 1, connections
    return connections[0].peer_port
