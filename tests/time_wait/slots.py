"""TIME_WAIT and the limit: which endings give a slot back, which keep it, and what it costs to hurry them.

client-1 ... client-4, one for each story ──> server   limit 15; conntrack forgets in seconds
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from connlab.agent.session import Agent
from connlab.base.model import Outcome, tally
from connlab.base.wait import until
from connlab.cluster.one_off import run_in_netns
from connlab.kernel import reference_model, snapshot, tables
from connlab.kernel.snapshot import Snapshot
from connlab.kernel.socket_monitor import SECOND
from tests.support.laboratory import Lab
from tests.support.ports import Unused
from tests.support.recordings import Keep, recording

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT = 15
CHATTY = 5
FULL = {ESTABLISHED: LIMIT, REFUSED: 1}  # of sixteen dials, by one who has no slot yet
# sysctl/short-conntrack.yaml, in seconds: short enough to wait for, long enough for what must come before they are
# over, on a busy machine too (the cable out and in again).
CLOSE_WAIT, IDLE = 8, 12


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
    ports: Unused = field(default_factory=Unused)
    dialled: dict[str, Counter[Outcome]] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    client: Counter[str] = field(default_factory=Counter)  # its own sockets in the end
    began_ns: int = 0

    def dial(self, when: str, count: int = LIMIT + 1) -> list[int]:
        made = self.agent.open(count, source_port=self.ports.take(count))
        self.dialled[when] = tally(made)
        self.look()
        return [one.conn for one in made if one.conn is not None]

    def look(self) -> Level:
        now = self.agent.facts().monotonic_ns
        self.began_ns = self.began_ns or now
        level = of(
            snapshot.take_snapshot(self.lab.server.run),
            self.agent.host.address,
            (now - self.began_ns) / SECOND,
        )
        self.levels.append(level)
        return level

    def wait(self, condition: Callable[[Level], bool], why: str) -> Level:
        return until(lambda: level if condition(level := self.look()) else None, why, within=30, every=0.4)

    def server_closes(self) -> None:
        """The server closes all of this source's connections; the client notices and keeps them."""
        self.lab.server.run(["python3", "-S", "-E", "-m", "server.control", "close", self.agent.host.address])
        self.agent.recv()


def of(seen: Snapshot, source: str, seconds: float) -> Level:
    slots = sum(flow.source == source and flow.state in reference_model.COUNTED for flow in seen.flows)
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
    run_in_netns(story.agent.host, ["ip", "link", "set", "eth0", "down"])
    story.agent.close(how="rst")
    run_in_netns(story.agent.host, ["ip", "link", "set", "eth0", "up"])
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


@recording(lab={"SYSCTL": "short-conntrack", "CLIENT_SYSCTL": "rfc1337", "CLIENTS": len(STORIES)})
def slots(lab: Lab, keep: Keep) -> dict[str, Story]:
    found = {}
    for tell, client in zip(STORIES, lab.clients, strict=True):
        with Agent(client) as agent:
            story = found[tell.__name__] = Story(lab, agent)
            tell(story)
            sockets = snapshot.read_sockets(client.run)
            story.client = Counter(socket.state for socket in sockets if socket.peer == lab.server.address)
            story.look()
    keep("slots", {name: [story.dialled, story.levels, story.client] for name, story in found.items()})
    return found


def conntrack(story: Story) -> Counter[str]:
    """The server's conntrack entries of this source, by state."""
    flows = tables.parse_conntrack(story.lab.server.run(snapshot.CONNTRACK))
    return Counter(flow.state for flow in flows if flow.source == story.agent.host.address)


def echo(agent: Agent, conns: list[int]) -> int:
    """How many of these connections gave back what was said over them."""
    agent.send("still there?", conns=conns)
    return sum(one.bytes > 0 for one in agent.recv(conns=conns))
