"""What becomes of an attempt: its outcome, its source, its moment."""

import itertools
import time

import pytest

from tests.support.ports import free_port
from tests.unit.client.processes import log_events, outcomes_of

HOW = [{"verb": "open"}, {"verb": "salvo"}, {"verb": "churn", "detail": True}]


def test_a_name_is_asked_for_and_nothing_is_dialled(agent):
    """`resolve`: an address, or the resolver's own error as an answer; no attempt in the log."""
    client = agent()
    localhost = client.ask("resolve", host="localhost")
    assert (localhost["resolved"], localhost["address"], localhost["errno"]) == (True, "127.0.0.1", None)
    unknown = client.ask("resolve", host="no-such-name.invalid")
    assert (unknown["ok"], unknown["resolved"], unknown["address"]) == (True, False, None)
    assert unknown["errno"].startswith("EAI_")
    assert unknown["reason"]
    assert [event["event"] for event in log_events(client.process)] == ["agent"]


def test_established_and_refused(agent, echo):
    """A listener's port is established and held; a port that nobody listens on is refused at once."""
    client = agent()
    established = client.ask("open", host="127.0.0.1", port=echo, count=3)
    refused = client.ask("open", host="127.0.0.1", port=free_port(), count=2)
    assert outcomes_of(established) == [("established", None)] * 3
    assert [attempt["conn"] for attempt in established["attempts"]] == [1, 2, 3]
    assert outcomes_of(refused) == [("refused", "ECONNREFUSED")] * 2
    assert all(attempt["source"] == "127.0.0.1" and attempt["source_port"] for attempt in refused["attempts"])
    assert client.ask("facts")["held"] == 3


@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_full_accept_queue_times_out(agent, in_flight):
    """listen(0) admits one connection; later SYNs are dropped, and the deadline of each dial ends it."""
    client = agent()
    port = client.ask("listen", backlog=0, address="127.0.0.1")["port"]
    target = {"host": "127.0.0.1", "port": port, "timeout_ms": 100}
    assert outcomes_of(client.ask("open", **target)) == [("established", None)]
    answer = client.ask("open", **target, count=4, in_flight=in_flight)
    assert outcomes_of(answer) == [("timed_out", None)] * 4


def test_a_taken_four_tuple_is_no_port(agent, echo):
    """The same source port to the same destination again: connect(2) has none to give (kernel.md T13)."""
    client, port = agent(), free_port()
    target = {"host": "127.0.0.1", "port": echo, "source_port": port}
    assert outcomes_of(client.ask("open", **target)) == [("established", None)]
    assert outcomes_of(client.ask("open", **target)) == [("no_port", "EADDRNOTAVAIL")]


@pytest.mark.parametrize("how", HOW, ids=lambda how: how["verb"])
def test_each_dial_has_the_next_source_port(agent, echo, how):
    """With source_port the caller knows every four-tuple, and that none of them was there before."""
    first = free_port()
    target = {"host": "127.0.0.1", "port": echo, "source": "127.0.0.77"}  # where nobody else binds a port
    attempts = agent().ask(**how, **target, source_port=first, count=3)["attempts"]
    assert [attempt["source_port"] for attempt in attempts] == [first, first + 1, first + 2]


@pytest.mark.parametrize("how", HOW, ids=lambda how: how["verb"])
@pytest.mark.parametrize("sources", ["127.0.66.8/30", "127.0.66.8-127.0.66.11"])
def test_the_dials_have_the_sources_in_turn(agent, echo, how, sources):
    """Dial n comes from address n of the range, and after the last one the first comes again."""
    client = agent()
    attempts = client.ask(**how, host="127.0.0.1", port=echo, sources=sources, count=6)["attempts"]
    assert {attempt["outcome"] for attempt in attempts} == {"established"}
    assert [attempt["source"] for attempt in attempts] == [f"127.0.66.{8 + at % 4}" for at in range(6)]


@pytest.mark.parametrize("verb", ["open", "salvo", "churn"])
def test_a_source_and_sources_exclude_each_other(agent, echo, verb):
    """Nothing is dialled: which of them was meant is not known."""
    request = {"host": "127.0.0.1", "port": echo, "source": "127.0.0.1", "sources": "127.0.66.0/24"}
    assert agent().ask(verb, **request)["error"] == "source and sources: give one of them"


@pytest.mark.parametrize("verb", ["open", "salvo", "churn"])
def test_ports_end_at_65535(agent, verb):
    """More dials than ports are left is a mistake in the request, found before the first of them."""
    client = agent()
    request = {"host": "127.0.0.1", "port": free_port(), "source_port": 65_534}
    assert "need ports above 65535" in client.ask(verb, **request, count=3)["error"]
    assert client.ask(verb, **request, count=2)["ok"]
    assert len([event for event in log_events(client.process) if event["event"] == "attempt"]) == 2


def test_a_foreign_source_is_our_own_mistake(agent, echo):
    """The same errno from bind(2) is a harness_error: the address is not this host's."""
    answer = agent().ask("open", host="127.0.0.1", port=echo, source="192.0.2.1")
    assert outcomes_of(answer) == [("harness_error", "EADDRNOTAVAIL")]


def test_attempts_come_in_order_of_dialling(agent, echo):
    """However many are in flight."""
    attempts = agent().ask("open", host="127.0.0.1", port=echo, count=50, in_flight=16)["attempts"]
    stamps = [attempt["start_ns"] for attempt in attempts]
    assert len(stamps) == 50
    assert stamps == sorted(stamps)


def test_a_gap_parts_the_dials(agent, echo):
    """With gap_ms a dial starts no sooner than that after the end of the one before."""
    attempts = agent().ask("open", host="127.0.0.1", port=echo, count=3, gap_ms=20)["attempts"]
    ends = [attempt["start_ns"] // 1000 + attempt["us"] for attempt in attempts]
    starts = [attempt["start_ns"] // 1000 for attempt in attempts]
    assert all(start - end >= 20_000 - 1 for end, start in zip(ends, starts[1:], strict=False))


def test_a_gap_parts_the_starts_of_dials_in_flight(agent):
    """Dials that hang run together, each start `gap_ms` after the one before, and all end with their own deadline."""
    client = agent()
    port = client.ask("listen", backlog=0, address="127.0.0.1")["port"]
    target = {"host": "127.0.0.1", "port": port, "timeout_ms": 400}
    client.ask("open", **target)
    attempts = client.ask("open", **target, count=8, in_flight=8, gap_ms=20)["attempts"]
    starts = [attempt["start_ns"] for attempt in attempts]
    assert [attempt["number"] for attempt in attempts] == list(range(1, 9))
    assert all(later - earlier >= 20_000_000 for earlier, later in itertools.pairwise(starts))
    assert starts[-1] < starts[0] + 400_000_000, "the last one was started before the first one ended"


def test_a_barrier_is_never_early(agent, echo):
    """Two agents dial at the moment both were given, not before."""
    one, two = agent(), agent()
    at_ns = time.monotonic_ns() + 200_000_000
    for client in (one, two):
        client.send(verb="open", host="127.0.0.1", port=echo, at_ns=at_ns)
    starts = [next(client.answers)["attempts"][0]["start_ns"] for client in (one, two)]
    assert min(starts) >= at_ns
    assert "60 s ahead" in one.ask("open", at_ns=time.monotonic_ns() + 61 * 10**9)["error"]


def test_a_salvo_has_sent_every_syn_before_the_first_has_waited(agent):
    """A full queue keeps all of them waiting; the last began long before the first was given up."""
    client = agent()
    port = client.ask("listen", backlog=0, address="127.0.0.1")["port"]
    target = {"host": "127.0.0.1", "port": port, "timeout_ms": 300}
    attempts = client.ask("salvo", **target, count=10)["attempts"]
    outcomes = [attempt["outcome"] for attempt in attempts]
    assert (outcomes[0], set(outcomes[1:])) == ("established", {"timed_out"})
    assert [attempt["number"] for attempt in attempts] == list(range(1, 11))
    assert attempts[-1]["start_ns"] < attempts[1]["start_ns"] + 1000 * attempts[1]["us"]
    assert client.ask("facts")["held"] == 2  # the listener too


def test_a_salvo_from_an_address_that_is_not_ours(agent, echo):
    """No SYN is sent, and that is the harness' error, not the server's."""
    answer = agent().ask("salvo", host="127.0.0.1", port=echo, source="192.0.2.1", count=2)
    assert outcomes_of(answer) == [("harness_error", "EADDRNOTAVAIL")] * 2
