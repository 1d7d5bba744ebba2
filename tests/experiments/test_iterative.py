"""The article's first observation: one client at a time, and the second one's messages come late and glued.

client-1 ── talks, and stays ──┐
client-2 ── talks meanwhile ───┴── iterative server
"""

from __future__ import annotations

import pytest

from connlab.base.model import Event, Outcome, Verdict, tally
from connlab.base.wait import until
from connlab.cluster.host import Host
from tests.experiments.accept_queue import stall
from tests.support.laboratory import Lab, server_events
from tests.support.sockets import established


@pytest.mark.xdist_group("one at a time")
@pytest.mark.claim("one-at-a-time")
def test_the_second_client_waits_until_the_first_resets(one_at_a_time, watch, verdict) -> None:
    """With the article's own client, which never reads: its close is an RST, and then the next one is served."""
    lab = one_at_a_time(SERVER_MODE="iterative", HANDLER="article")
    with lab.agents.on_each(lab.clients) as (first, second), watch(lab.server):
        first.open(1)
        first.send("from the first")
        until(lambda: server_events(lab, "message"), "the first one is served", within=10)
        second.open(1)
        second.send("one ")
        second.send("two")
        until(lambda: _unread_bytes(lab) == len("one two"), "both messages wait in the kernel", within=10)
        sources = {event.fields["source"] for event in server_events(lab, "accepted")}
        first.close(how="rst")  # what a close with unread echoes is (T15)
        until(lambda: len(server_events(lab, "message")) == 2, "the second one is served", within=10)
    until(lambda: len(server_events(lab, "closed")) == 2, "the second one has left too", within=10)
    ends = server_events(lab, "closed", "endless")
    (closed,) = (event for event in ends if event.fields["source"] == first.host.address)
    late = server_events(lab, "message")[1]

    assert sources == {first.host.address}
    assert closed.fields["by"] == "reset"
    assert closed.ts < late.ts
    assert late.fields["text"] == "one two"
    verdict(
        Verdict.HOLDS,
        f"iterative: `one ` and `two` arrived as {late.fields['text']!r} at {late.ts[11:23]}, after the first client's"
        f" RST at {closed.ts[11:23]}",
    )


@pytest.mark.xdist_group("one at a time")
@pytest.mark.claim("one-at-a-time")
def test_after_a_clean_close_the_printed_loop_serves_nobody(one_at_a_time, watch, verdict) -> None:
    """A client that reads its echoes and closes with FIN: the loop spins on b"", bounded here; the mend is one line."""
    stories, endless = {}, {}
    for handler in ("article", "echo"):
        lab = one_at_a_time(SERVER_MODE="iterative", HANDLER=handler)
        earlier = len(_story(lab))  # of the test above, whose server this may be
        with lab.agents.on_each(lab.clients) as (one, two):
            who = {one.host.address: "one", two.host.address: "two"}
            one.open(1)
            two.open(1)
            one.send("hello")
            assert one.recv()[0].text == "hello"
            with watch(lab.server):
                one.close()
                until(
                    lambda lab=lab, earlier=earlier: _dials(lab, earlier) == 2, "two is accepted", within=30
                )
                two.send("hello")
                assert two.recv()[0].text == "hello", "and served at last"
            story = _story(lab, earlier)
            stories[handler] = [(event.event, who[event.fields["source"]]) for event in story]
            endless = next((event.fields for event in story if event.event == "endless"), endless)

    served = [("accepted", "one"), ("closed", "one"), ("accepted", "two")]
    assert stories == {"article": [served[0], ("endless", "one"), *served[1:]], "echo": served}
    assert endless["empty_reads"] == 100_000
    verdict(
        Verdict.DEPENDS,
        f"after a clean close the printed loop read nothing {endless['empty_reads']:,} times in"
        f" {endless['seconds']:.1f} s, serving nobody, until our bound; with `while data := recv()` the next client is"
        " served",
    )


@pytest.mark.claim("glued-messages")
def test_messages_are_glued_wherever_the_reader_is_late(crowd: Lab, verdict) -> None:
    """TCP is a stream: two sends before one recv are one read, with no iterative server in sight (P02)."""
    with crowd.agents.on_each(crowd.clients[:2]) as (reader, writer):
        listening = reader.listen()
        writer.open(1, host=reader.host.address, port=listening.port)
        for word in ("one", "two", "three"):
            writer.send(word)
        accepted = reader.accept(listening).conn
        (read,) = reader.recv(conns=[accepted])

    assert read.text == "onetwothree"
    verdict(Verdict.REFUTED, f"three sends to a listener that accepts later are one read of {read.text!r}")


@pytest.fixture
def greeting(one_at_a_time) -> Lab:
    """Return a lab whose server greets one client at a time; nobody waits in its queue. Dials that hung still count."""
    return one_at_a_time(SERVER_MODE="greeting")


@pytest.mark.xdist_group("one at a time")
@pytest.mark.claim("stalled-server-refuses")
@pytest.mark.parametrize("sixteenth", [False, True], ids=["control", "one more dial"])
def test_a_repeated_syn_of_an_admitted_dial_can_be_refused(
    greeting: Lab, watch, verdict, sixteenth: bool
) -> None:
    """Fifteen dials to a stalled server: 7 connect, 8 hang and repeat their SYN after a second, all admitted.

    Refuse one more dial of that source in between, and repetitions are refused too, though nobody dials any
    more (J07). Operators meet it when a server is slow and a source is at its limit.
    """
    source = greeting.clients[sixteenth]  # each time one that has never dialled
    two_processes = greeting.agents.on_each([source] * 2)
    with two_processes as (patient, eager), watch(greeting.server) as diff:
        assert tally(stall(greeting, patient, waiting=6)) == {Outcome.ESTABLISHED: 7}
        # SYNs are repeated after a second, and again before the third is over: that much time has the dial between.
        pending = patient.start_open(8, in_flight=8, timeout_ms=3500)
        until(lambda: _tracked_connections(greeting, source) == 15, "all fifteen have been sent", within=10)
        extra = eager.open(1) if sixteenth else []
        hanging = tally(pending())

    assert [attempt.outcome for attempt in extra] == [Outcome.REFUSED] * sixteenth
    repeated = hanging[Outcome.REFUSED]
    assert hanging[Outcome.TIMED_OUT] == 8 - repeated
    assert diff.refused == repeated + sixteenth
    assert (repeated > 0) == sixteenth
    verdict(
        Verdict.REFUTED if sixteenth else Verdict.HOLDS,
        f"{'one further dial refused meanwhile' if sixteenth else 'nothing else dialled'}: of 8 dials that hang in"
        f" SYN_SENT, {repeated} are refused when they repeat",
    )


def _story(lab: Lab, earlier: int = 0) -> list[Event]:
    """Return what the server has told of whole connections, but for so many events."""
    return server_events(lab, "accepted", "endless", "closed")[earlier:]


def _dials(lab: Lab, earlier: int) -> int:
    return sum(event.event == "accepted" for event in _story(lab, earlier))


def _unread_bytes(lab: Lab) -> int:
    """Return how many bytes wait unread in the server's kernel."""
    return sum(socket.receive_queue for socket in established(lab.server, lab.settings.port))


def _tracked_connections(lab: Lab, source: Host) -> int:
    """Return how many connections from this host conntrack has, answered or not: SYNs that the policy let through."""
    match = ["-p", "tcp", "--dport", str(lab.settings.port), "--src", source.address]
    return len(lab.server.run(["conntrack", "-L", *match]).splitlines())
