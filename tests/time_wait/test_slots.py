"""TIME_WAIT and the limit: which endings give a slot back, which keep it, and what it costs to hurry them.

client-1 ... client-4, one for each story ──> server   limit 15; conntrack forgets in seconds
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from lab import observe, predict
from lab.census import SECOND
from lab.chart import Chart, Series
from lab.model import Outcome, Verdict, tally
from lab.observe import Snapshot
from lab.throwaway import administer
from lab.traffic import Agent
from lab.wait import until
from tests.laboratory import Lab
from tests.recording import Keep, Tapes, recorded

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT = 15
CHATTY = 5
FULL = {ESTABLISHED: LIMIT, REFUSED: 1}  # of sixteen dials, by one who has no slot yet
# sysctl/short-conntrack.yaml, in seconds.
TIME_WAIT, CLOSE_WAIT, IDLE = 2, 3, 4


@dataclass(frozen=True)
class Level:
    """One look at the server: what it has of one source."""

    seconds: float
    slots: int  # conntrack entries that the limit counts
    sockets: Counter[str]  # by state


@dataclass
class Story:
    """What one client lived through: each time it dialled sixteen times or fewer, and the server's looks."""

    lab: Lab
    agent: Agent
    dialled: dict[str, Counter[Outcome]] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    client: Counter[str] = field(default_factory=Counter)  # its own sockets in the end
    began_ns: int = 0

    def dial(self, when: str, count: int = LIMIT + 1) -> list[int]:
        made = self.agent.open(count)
        self.dialled[when] = tally(made)
        self.look()
        return [one.conn for one in made if one.conn is not None]

    def look(self) -> Level:
        now = self.agent.ask("facts")["monotonic_ns"]
        self.began_ns = self.began_ns or now
        level = of(
            observe.snapshot(self.lab.server.run), self.agent.host.address, (now - self.began_ns) / SECOND
        )
        self.levels.append(level)
        return level

    def wait(self, condition: Callable[[Level], bool], why: str) -> Level:
        return until(lambda: level if condition(level := self.look()) else None, why, within=30, every=0.4)

    def server_closes(self) -> None:
        """The server closes all of this source's connections; the client notices and keeps them."""
        self.lab.server.run(["python3", "-S", "-E", "-m", "server.status", "close", self.agent.host.address])
        self.agent.ask("recv")


def of(seen: Snapshot, source: str, seconds: float) -> Level:
    slots = sum(flow.source == source and flow.state in predict.COUNTED for flow in seen.flows)
    return Level(seconds, slots, Counter(socket.state for socket in seen.sockets if socket.peer == source))


def time_wait(story: Story) -> None:
    """The client closes first and fills the limit again; then the server closes first, and so again."""
    story.dial("at first")
    story.agent.close()
    story.dial("with its own TIME_WAIT")
    story.server_closes()
    story.agent.close()
    story.dial("with the server's TIME_WAIT")
    story.wait(lambda level: not conntrack(story)["TIME_WAIT"], "conntrack has forgotten every TIME_WAIT")


def half_closed(story: Story) -> None:
    """The server closes all fifteen, and the client does not: it dials at once, and when conntrack has forgotten."""
    story.dial("at first")
    story.server_closes()
    story.dial("half closed", 1)
    story.wait(lambda level: level.slots == 0, "conntrack has forgotten the half-closed")
    story.dial("forgotten")


def vanished(story: Story) -> None:
    """The cable is pulled, the client loses everything, and comes back under the same address."""
    story.dial("at first")
    administer(story.agent.host, ["ip", "link", "set", "eth0", "down"])
    story.agent.close(how="rst")
    administer(story.agent.host, ["ip", "link", "set", "eth0", "up"])
    story.dial("come back", 1)
    story.wait(lambda level: level.slots == 0, "conntrack has forgotten the vanished")
    story.dial("forgotten")


def idle(story: Story) -> None:
    """Ten connections say nothing, five talk once in each look; none is ever closed."""
    held = story.dial("at first")

    def silence(level: Level) -> bool:
        echo(story.agent, held[:CHATTY])
        return level.slots == CHATTY

    story.wait(silence, "conntrack has forgotten those that say nothing")
    held += story.dial("forgotten")
    assert echo(story.agent, held) == len(held), "every one of them still works"


STORIES = (time_wait, half_closed, vanished, idle)


@recorded(lab={"SYSCTL": "short-conntrack", "CLIENT_SYSCTL": "rfc1337", "CLIENTS": len(STORIES)})
def slots(lab: Lab, keep: Keep) -> dict[str, Story]:
    found = {}
    for tell, client in zip(STORIES, lab.clients, strict=True):
        with Agent(client) as agent:
            story = found[tell.__name__] = Story(lab, agent)
            tell(story)
            sockets = observe.connections(client.run)
            story.client = Counter(socket.state for socket in sockets if socket.peer == lab.server.address)
            story.look()
    keep("slots", {name: [story.dialled, story.levels, story.client] for name, story in found.items()})
    return found


def conntrack(story: Story) -> Counter[str]:
    """The server's conntrack entries of this source, by state."""
    flows = observe.conntrack(story.lab.server.run(observe.CONNTRACK))
    return Counter(flow.state for flow in flows if flow.source == story.agent.host.address)


def echo(agent: Agent, conns: list[int]) -> int:
    """How many of these connections gave back what was said over them."""
    agent.ask("send", conns=conns, text="still there?")
    return sum(one["bytes"] > 0 for one in agent.ask("recv", conns=conns)["received"])


@pytest.mark.claim("time-wait-slots")
def test_time_wait_holds_no_slot(slots: Tapes, verdict) -> None:
    """Fifteen in TIME_WAIT, on whichever side, and fifteen more are admitted; never a sixteenth (C05)."""
    story = slots["lab"]["time_wait"]
    assert story.dialled == dict.fromkeys(
        ("at first", "with its own TIME_WAIT", "with the server's TIME_WAIT"), FULL
    )
    assert story.client["TIME-WAIT"] == story.levels[-1].sockets["TIME-WAIT"] == LIMIT
    verdict(
        Verdict.REFUTED,
        f"with {LIMIT} in TIME_WAIT on the client {LIMIT} of {LIMIT + 1} dials are admitted, with {LIMIT} more on the"
        f" server {LIMIT} of {LIMIT + 1}",
    )


@pytest.mark.claim("conntrack-time-wait")
def test_conntracks_time_wait_is_another_thing(slots: Tapes, verdict) -> None:
    """Conntrack's entries are gone, and the server's sockets are all still there (T18)."""
    last = slots["lab"]["time_wait"].levels[-1]
    assert last.sockets == {"TIME-WAIT": LIMIT, "ESTAB": LIMIT}
    verdict(
        Verdict.REFUTED,
        f"conntrack has forgotten them {last.seconds:.1f} s after the first dial, {last.sockets['TIME-WAIT']} sockets"
        " of the server are in TIME_WAIT as before",
    )


@pytest.mark.claim("half-closed-slots")
def test_a_half_closed_connection_keeps_its_slot_while_conntrack_remembers(slots: Tapes, verdict) -> None:
    """Refused at once; admitted after the time-out, though the fifteen half-closed connections still are (C06)."""
    story = slots["lab"]["half_closed"]
    assert story.dialled == {"at first": FULL, "half closed": {REFUSED: 1}, "forgotten": FULL}
    assert story.client == {"CLOSE-WAIT": LIMIT, "ESTAB": LIMIT}
    verdict(
        Verdict.DEPENDS,
        f"refused at once, and after {forgotten(story):.1f} s of silence {LIMIT} more are admitted: the client has"
        f" {story.client.total()} connections, {LIMIT} of them half closed (60 s is the default)",
    )


@pytest.mark.claim("vanished-slots")
def test_a_client_that_vanished_keeps_its_slots(slots: Tapes, keep, verdict) -> None:
    """It comes back with nothing and is refused, until conntrack forgets; the server still has its sockets (C13)."""
    story = slots["lab"]["vanished"]
    keep("chart-slots", slots_chart(slots["lab"]))
    assert story.dialled == {"at first": FULL, "come back": {REFUSED: 1}, "forgotten": FULL}
    assert story.client == {"ESTAB": LIMIT}
    assert story.levels[-1].sockets == {"ESTAB": 2 * LIMIT}
    verdict(
        Verdict.REFUTED,
        f"refused when it comes back, admitted {forgotten(story):.1f} s later (the default is five days); the server"
        f" still holds {story.levels[-1].sockets['ESTAB']} connections of {LIMIT}",
    )


@pytest.mark.claim("established-timeout")
def test_a_short_timeout_forgets_the_living(slots: Tapes, verdict) -> None:
    """What is idle for longer is no longer counted, though it works: more live connections than the limit (C14)."""
    story = slots["lab"]["idle"]
    more = LIMIT - CHATTY
    assert story.dialled == {"at first": FULL, "forgotten": {ESTABLISHED: more, REFUSED: LIMIT + 1 - more}}
    assert story.client == story.levels[-1].sockets == {"ESTAB": LIMIT + more}
    verdict(
        Verdict.REFUTED,
        f"{LIMIT + more} live connections of one source with a limit of {LIMIT}: the {more} that said nothing for"
        f" {IDLE} s are not counted, the {CHATTY} that talk are",
    )


def forgotten(story: Story) -> float:
    """Seconds from the last look that found every slot taken to the first that found none."""
    freed = next(level.seconds for level in story.levels if level.slots == 0)
    return freed - story.levels[0].seconds


def slots_chart(stories: dict[str, Story]) -> Chart:
    """Slots taken and sockets held, of one source each."""
    shown = {"vanished": "vanished", "half_closed": "half closed"}
    return Chart(
        family="time-wait",
        title="Slots of a source with a limit of 15, and connections that the server has",
        note="A client vanishes, another leaves its connections half closed. Both are refused while conntrack remembers"
        " (here 4 and 3 s; by default five days and 60 s), then admitted fifteen times more.",
        shape="steps",
        x="seconds since the first dials",
        y="connections",
        series=tuple(
            Series(f"{name}: {what}", tuple((level.seconds, value(level)) for level in stories[story].levels))
            for story, name in shown.items()
            for what, value in (
                ("slots", lambda level: level.slots),
                ("sockets", lambda level: level.sockets.total()),
            )
        ),
    )
