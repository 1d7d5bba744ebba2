"""TIME_WAIT and the limit: which endings give a slot back, which keep it, and what it costs to hurry them.

client-1 ... client-4, one for each scenario ──> server   limit 15; conntrack forgets in seconds
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
from connlab.kernel.socket_monitor import SECOND
from tests.support.laboratory import Lab, close_on_server
from tests.support.ports import PortSequence
from tests.support.recordings import Keep, recording

ESTABLISHED, REFUSED = Outcome.ESTABLISHED, Outcome.REFUSED
LIMIT = 15
CHATTY = 5
FULL = {ESTABLISHED: LIMIT, REFUSED: 1}  # of sixteen dials, by one who has no slot yet
# sysctl/short-conntrack.yaml, in seconds: short enough to wait for, long enough for what must come before they are
# over, on a busy machine too (the cable out and in again).
CLOSE_WAIT, IDLE = 8, 12


@dataclass(frozen=True)
class Sample:
    """What the server has of one source at a moment."""

    seconds: float
    slots: int  # conntrack entries that the limit counts
    sockets: Counter[str]  # by state


@dataclass
class Scenario:
    """One client's dials, each time sixteen or fewer, and what the server had of it."""

    lab: Lab
    agent: Agent
    ports: PortSequence = field(default_factory=PortSequence)
    tallies: dict[str, Counter[Outcome]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    client: Counter[str] = field(default_factory=Counter)  # its own sockets in the end
    began_ns: int = 0

    def dial(self, when: str, count: int = LIMIT + 1) -> list[int]:
        """Dial, take a sample, and return the connections."""
        attempts = self.agent.open(count, source_port=self.ports.take(count))
        self.tallies[when] = tally(attempts)
        self.take_sample()
        return [attempt.conn for attempt in attempts if attempt.conn is not None]

    def take_sample(self) -> Sample:
        """Look at the server's sockets and conntrack entries, and keep what it has of this client."""
        now, source = self.agent.facts().monotonic_ns, self.agent.host.address
        self.began_ns = self.began_ns or now
        sockets = Counter(s.state for s in snapshot.read_sockets(self.lab.server.run) if s.peer == source)
        states = conntrack(self)
        slots = sum(states[state] for state in reference_model.COUNTED)
        sample = Sample((now - self.began_ns) / SECOND, slots, sockets)
        self.samples.append(sample)
        return sample

    def wait(self, condition: Callable[[Sample], bool], why: str) -> Sample:
        return until(
            lambda: sample if condition(sample := self.take_sample()) else None, why, within=30, every=0.4
        )

    def server_closes(self) -> None:
        """Have the server close all of this source's connections; the client reads the end and keeps them."""
        close_on_server(self.lab.server, self.agent.host.address)
        self.agent.recv()


def time_wait(scenario: Scenario) -> None:
    """Have the client close first and fill the limit again; then the server close first, and so again."""
    scenario.dial("at first")
    scenario.agent.close()
    scenario.dial("with its own TIME_WAIT")
    scenario.server_closes()
    scenario.agent.close()
    scenario.dial("with the server's TIME_WAIT")
    scenario.wait(
        lambda sample: not conntrack(scenario)["TIME_WAIT"], "conntrack has forgotten every TIME_WAIT"
    )


def half_closed(scenario: Scenario) -> None:
    """Have the server alone close all fifteen; the client dials at once, and when conntrack has forgotten."""
    scenario.dial("at first")
    scenario.server_closes()
    scenario.dial("half closed", 1)
    scenario.wait(lambda sample: sample.slots == 0, "conntrack has forgotten the half-closed")
    scenario.dial("forgotten")


def vanished(scenario: Scenario) -> None:
    """Pull the cable; the client loses everything, and comes back under the same address."""
    scenario.dial("at first")
    run_in_netns(scenario.agent.host, ["ip", "link", "set", "eth0", "down"])
    scenario.agent.close(how="rst")
    run_in_netns(scenario.agent.host, ["ip", "link", "set", "eth0", "up"])
    scenario.dial("come back", 1)
    scenario.wait(lambda sample: sample.slots == 0, "conntrack has forgotten the vanished")
    scenario.dial("forgotten")


def idle(scenario: Scenario) -> None:
    """Keep ten connections silent while five talk before each sample; none is ever closed."""
    conns = scenario.dial("at first")

    def only_talkers_left(sample: Sample) -> bool:
        echo(scenario.agent, conns[:CHATTY])
        return sample.slots == CHATTY

    scenario.wait(only_talkers_left, "conntrack has forgotten those that say nothing")
    conns += scenario.dial("forgotten")
    assert echo(scenario.agent, conns) == len(conns), "every one of them still works"


SCENARIOS = (time_wait, half_closed, vanished, idle)


@recording(lab={"SYSCTL": "short-conntrack", "CLIENT_SYSCTL": "rfc1337", "CLIENTS": len(SCENARIOS)})
def slots(lab: Lab, keep: Keep) -> dict[str, Scenario]:
    scenarios = {}
    for act, client in zip(SCENARIOS, lab.clients, strict=True):
        with Agent(client) as agent:
            scenario = scenarios[act.__name__] = Scenario(lab, agent)
            act(scenario)
            sockets = snapshot.read_sockets(client.run)
            scenario.client = Counter(socket.state for socket in sockets if socket.peer == lab.server.address)
            scenario.take_sample()
    keep(
        "slots",
        {name: [scenario.tallies, scenario.samples, scenario.client] for name, scenario in scenarios.items()},
    )
    return scenarios


def conntrack(scenario: Scenario) -> Counter[str]:
    """Count the server's conntrack entries of this source, by state."""
    flows = tables.parse_conntrack(scenario.lab.server.run(snapshot.CONNTRACK))
    return Counter(flow.state for flow in flows if flow.source == scenario.agent.host.address)


def echo(agent: Agent, conns: list[int]) -> int:
    """Send over these connections, and return how many sent it back."""
    agent.send("still there?", conns=conns)
    return sum(answer.bytes > 0 for answer in agent.recv(conns=conns))
