"""Snapshots, and each parser against text that a real kernel wrote (tests/unit/data/, Linux 6.18, Debian 13).

Recorded on a server host with two clients that had dialled 20 times each, holding 15; the second
client had then dialled once more: 30 connections, 11 refusals.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest

from connlab.kernel import snapshot, tables
from connlab.kernel.tables import Flow, Socket

DATA = Path(__file__).parents[2] / "data"
RULE = (
    "-A INPUT -p tcp -m tcp --dport 12345 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 15 "
    "--connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset"
)


def recorded(name: str) -> str:
    return (DATA / f"{name}.txt").read_text()


def test_rules_carry_their_packet_counters():
    """Two rules, 51 packets each; the log's rule counts the same packets again, and they are not refused twice."""
    report = json.loads(recorded("look"))[-1]
    parsed = snapshot.read_ruleset(lambda argv: json.dumps(report) if argv == snapshot.RULES else "")
    first, second = parsed.rules
    assert (first.text, first.packets, first.refuses, first.target) == (RULE, 51, True, "REJECT")
    assert (second.chain, second.packets, second.refuses, second.target) == ("OUTPUT", 51, False, "NFLOG")
    assert tables.refused_packets(parsed.rules) == 51
    assert (parsed.generation, parsed.policy["file"]) == (report["generation"], "connlimit")


def test_sockets_are_all_there():
    """30 connections and two listeners, each with its addresses and ports."""
    parsed = tables.parse_sockets(recorded("ss"))
    assert len(parsed) == len(recorded("ss").splitlines()) == 32
    assert parsed[0] == Socket("LISTEN", "0.0.0.0", 12345, "0.0.0.0", 0, 0, 1024)
    assert parsed[2] == Socket("ESTAB", "172.30.0.2", 12345, "172.30.0.4", 46978, 0, 0)


def test_every_state_and_queue_is_read():
    """Half-closed, closing and dialling sockets, and bytes that nobody has read."""
    mixed = [
        socket
        for socket in tables.parse_sockets(recorded("ss-mixed"))
        if 12345 not in (socket.local_port, socket.peer_port)
    ]
    assert [s.state for s in mixed if s.state not in ("LISTEN", "ESTAB")] == [
        "FIN-WAIT-2", "TIME-WAIT", "CLOSE-WAIT", "SYN-SENT",
    ]  # fmt: skip
    assert Socket("ESTAB", "127.0.0.1", 9000, "127.0.0.1", 59682, 7, 0) in mixed
    assert Socket("LISTEN", "*", 9001, "*", 0, 0, 128) in mixed


def test_ipv6_sockets_lose_their_brackets():
    """An address is an address, also where ss writes [::1]:9001, *:* or a mapped IPv4 one."""
    parsed = {(s.state, s.local, s.local_port, s.peer) for s in tables.parse_sockets(recorded("ss-ipv6"))}
    assert ("LISTEN", "::1", 9002, "::") in parsed
    assert ("LISTEN", "*", 9001, "*") in parsed
    assert ("ESTAB", "::ffff:127.0.0.1", 9001, "::ffff:127.0.0.1") in parsed


def test_flows_name_the_side_that_dialled():
    """30 entries of conntrack, each once, with the first of its two directions."""
    parsed = tables.parse_conntrack(recorded("conntrack"))
    assert len(parsed) == 30
    assert parsed[0] == Flow("ESTABLISHED", "172.30.0.3", 36634, "172.30.0.2", 12345)
    assert {flow.target_port for flow in parsed} == {12345}


def test_flows_of_every_state_are_read():
    """Also without an answer, where [UNREPLIED] stands between the directions."""
    other = [
        flow for flow in tables.parse_conntrack(recorded("conntrack-mixed")) if flow.target_port != 12345
    ]
    assert sorted(flow.state for flow in other) == ["CLOSE_WAIT", "ESTABLISHED", "SYN_SENT", "TIME_WAIT"]
    assert Flow("SYN_SENT", "172.30.0.2", 36496, "172.30.0.99", 80) in other


def test_counters_have_the_kernel_s_names():
    """Zero is a value too: a counter that did not move is there."""
    parsed = tables.parse_nstat(recorded("nstat"))
    assert len(parsed) > 250
    assert parsed["TcpExtListenOverflows"] == 0
    assert parsed["TcpPassiveOpens"] == 30
    assert parsed["IpInReceives"] == 76


@pytest.mark.parametrize("parser", [tables.parse_sockets, tables.parse_conntrack])
def test_nothing_is_read_as_nothing(parser):
    """A host without sockets or flows answers with an empty list."""
    assert parser("") == []


def test_a_snapshot_is_one_command():
    """Four questions, the server's account and the policy in one call on the host, and the witnesses agree."""
    calls = []

    def run(argv):
        calls.append(list(argv))
        return recorded("look")

    current = snapshot.take_snapshot(run)
    assert len(calls) == 1
    assert tuple(calls[0][:5]) == snapshot.SAMPLE
    assert json.loads(calls[0][5]) == ["account", {}, {}]
    questions = [snapshot.BACKEND, snapshot.SOCKETS, snapshot.CONNTRACK, snapshot.NSTAT]
    assert [tuple(json.loads(word)) for word in calls[0][6:]] == questions
    assert current.backend == "nf_tables"
    assert current.held(12345) == {"172.30.0.3": 15, "172.30.0.4": 15}
    assert current.states() == {"LISTEN": 1, "ESTAB": 30, "TIME-WAIT": 2}
    assert Counter(flow.state for flow in current.flows)["ESTABLISHED"] == 30
    assert current.refused == sum(source["refused"] for source in current.status["sources"].values())


@pytest.mark.parametrize(
    ("listing", "port", "count"), [("ss", 12345, 30), ("ss-mixed", 9000, 2), ("ss-ipv6", 9001, 0)]
)
def test_connections_in_the_accept_queue_are_not_accepted(listing, port, count):
    """Connected is not yet taken: two that wait for accept(2) do not count, one that the peer closed does."""
    current = snapshot.take_snapshot(lambda _: recorded("look"))
    assert (
        dataclasses.replace(current, sockets=tables.parse_sockets(recorded(listing))).accepted(port) == count
    )


def test_a_snapshot_that_lacks_an_answer_is_loud():
    """Four answers to six questions are not a snapshot."""
    with pytest.raises(ValueError, match="not enough values"):
        snapshot.take_snapshot(lambda _: json.dumps(json.loads(recorded("look"))[:4]))
