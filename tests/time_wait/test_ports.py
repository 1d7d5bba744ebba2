"""A client that runs out of ports: ten of them, one server address and port, and what brings a port back.

client-1, spare-1 ... spare-7, each with a profile ── dial, close first, dial again ──> server (echo)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from lab import observe, predict, profile
from lab.census import SECOND, census, levels
from lab.chart import Chart, Mark, Series
from lab.hosts import Host
from lab.model import Attempt, Outcome, Verdict, tally
from lab.throwaway import administer, spare
from lab.traffic import Agent, attempts
from tests.laboratory import Lab
from tests.recording import Keep, Tapes, recorded

ESTABLISHED, NO_PORT = Outcome.ESTABLISHED, Outcome.NO_PORT
PORTS = 10
DEFAULT, OFF, NO_TIMESTAMPS = "ten-ports", "ten-ports-reuse-0", "ten-ports-reuse-1-no-timestamps"
WAITING = (DEFAULT, OFF, NO_TIMESTAMPS)
REUSING = {"ten-ports-reuse-1": 1.0, "ten-ports-reuse-1-after-200ms": 0.2}  # seconds: tcp_tw_reuse_delay
SLOW, FAST = 0.05, 0.005  # seconds between two dials
SOURCES = 3
RESETS = 30 * PORTS
# A peer on a client's own loopback that closes when its client has.
LOCAL = 23456
ECHO = f"""import socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self): self.rfile.read()
server = socketserver.TCPServer(("127.0.0.1", {LOCAL}), Handler)
print("listening", flush=True)
server.serve_forever()"""


@dataclass(frozen=True)
class Again:
    """A port that was used again: the dial before, and the one that took it.

    TIME_WAIT began between the dial and the end of its close; the port was taken between the next dial's start
    and its end. So how long it had waited is known to within these.
    """

    before: Attempt
    now: Attempt

    @property
    def least(self) -> float:
        """What it had waited for certain, in seconds."""
        return (self.now.start_ns - (self.before.closed_ns or 0)) / SECOND

    @property
    def most(self) -> float:
        """What it can have waited at most, in seconds."""
        return (ended(self.now) - self.before.start_ns) / SECOND


@dataclass(frozen=True)
class Row:
    """Dials in a row from one host, each closed before the next; how often its kernel reused a port meanwhile."""

    dials: list[Attempt]
    recycled: int  # TcpExtTWRecycled

    @property
    def made(self) -> list[Attempt]:
        return [dial for dial in self.dials if dial.outcome == ESTABLISHED]

    def seconds(self, dial: Attempt) -> float:
        """When it was dialled, since the first."""
        return (dial.start_ns - self.dials[0].start_ns) / SECOND

    def again(self) -> list[Again]:
        """Each time that a port was used again."""
        last: dict[int | None, Attempt] = {}
        found = []
        for dial in self.made:
            if before := last.get(dial.source_port):
                found.append(Again(before, dial))
            last[dial.source_port] = dial
        return found


@dataclass(frozen=True)
class Exhaustion:
    rows: dict[str, Row]  # by profile; `loopback`, `reset` and `source N` with the default one
    left: dict[str, int]  # sockets in TIME_WAIT on each side after `reset`
    in_time_wait: list[tuple[float, int]]  # over time, on the client with the default profile


@recorded(lab={"SYSCTL": "stock", "CLIENT_SYSCTL": DEFAULT, "CLIENTS": 1, "CONNLIMIT": 1000})
def exhaustion(lab: Lab, keep: Keep) -> Exhaustion:
    kinds = [OFF, NO_TIMESTAMPS, *REUSING, "loopback", "reset", "sources"]
    image, project = lab.settings.image("client"), lab.settings.project
    with ExitStack() as stack:
        hosts = {DEFAULT: lab.clients[0]}
        for number, kind in enumerate(kinds, 1):
            sysctls = profile.sysctls(kind if kind.startswith(DEFAULT) else DEFAULT)
            hosts[kind] = stack.enter_context(spare(project, image, number, sysctls, seconds=150))
        agents = {kind: stack.enter_context(Agent(host)) for kind, host in hosts.items()}
        seen = stack.enter_context(census(hosts[DEFAULT], 200))
        before = {kind: recycled(host) for kind, host in hosts.items()}

        waiting = {kind: agents[kind] for kind in WAITING}
        dial_slowly(waiting, seconds=10)
        made = {kind: churn(agents[kind], 600) for kind in REUSING}
        made["reset"] = churn(agents["reset"], RESETS, how="rst")
        for number, source in enumerate(addresses(hosts["sources"], SOURCES), 1):
            made[f"source {number}"] = churn(agents["sources"], PORTS + 1, source=source)
        echo = stack.enter_context(hosts["loopback"].stream(["python3", "-S", "-E", "-c", ECHO]))
        echo.read_line(10)
        made["loopback"] = churn(agents["loopback"], 500, host="127.0.0.1", port=LOCAL)
        left = {
            "client": time_waits(hosts["reset"])[lab.server.address],
            "server": time_waits(lab.server)[hosts["reset"].address],
        }
        made |= heard(waiting)
        while not all(has_had_a_second_minute(made[kind]) for kind in WAITING):
            dial_slowly(waiting, seconds=1)
            for kind, more in heard(waiting).items():
                made[kind] += more

        seen.up_to(made[DEFAULT][-1].start_ns)
        began = min(change.by_ns for change in seen.changes if change.state == "TIME-WAIT")
        moved = {kind: recycled(host) - before[kind] for kind, host in hosts.items()}
        record = Exhaustion(
            {kind: Row(dials, moved.get(kind, moved["sources"])) for kind, dials in made.items()},
            left,
            levels(seen.changes, "TIME-WAIT", began),
        )
    keep("exhaustion", record)
    return record


def dial_slowly(agents: Mapping[str, Agent], seconds: int) -> None:
    """Have each of these dial for so long, at the same time."""
    for agent in agents.values():
        agent.tell("churn", count=round(seconds / SLOW), gap_ms=round(SLOW * 1000), detail=True)


def heard(agents: Mapping[str, Agent]) -> dict[str, list[Attempt]]:
    return {kind: attempts(agent.hear()) for kind, agent in agents.items()}


def has_had_a_second_minute(dials: list[Attempt]) -> bool:
    """Whether every port was used twice; or it is so late that none will be."""
    row, (_, latest) = Row(dials, 0), predict.fires(predict.TIME_WAIT)
    return len(row.made) >= 2 * PORTS or row.seconds(row.dials[-1]) > latest + 2


def ended(dial: Attempt) -> int:
    return dial.start_ns + dial.us * 1000


def churn(agent: Agent, count: int, **options: Any) -> list[Attempt]:
    return attempts(agent.ask("churn", count=count, gap_ms=round(FAST * 1000), detail=True, **options))


def recycled(host: Host) -> int:
    return observe.counters(host.run)["TcpExtTWRecycled"]


def time_waits(host: Host) -> Counter[str]:
    """TIME_WAIT sockets of a host, by the address of the other side."""
    return Counter(s.peer for s in observe.connections(host.run) if s.state == "TIME-WAIT")


def addresses(host: Host, count: int) -> list[str]:
    """Give a host further addresses of its subnet, from where Docker gives out none yet."""
    network = host.address.rpartition(".")[0]
    more = [f"{network}.{250 - number}" for number in range(count)]
    administer(host, ["sh", "-c", " && ".join(f"ip address add {one}/32 dev eth0" for one in more)])
    return more


@pytest.fixture
def rows(exhaustion: Tapes) -> dict[str, Row]:
    found: dict[str, Row] = exhaustion["lab"].rows
    return found


@pytest.mark.parametrize("name", WAITING)
def test_the_eleventh_dial_finds_no_port(rows: dict[str, Row], name: str) -> None:
    """Ten ports are ten connections, then EADDRNOTAVAIL, for a whole minute (T13)."""
    row = rows[name]
    minute = [dial for dial in row.dials if row.seconds(dial) < predict.TIME_WAIT]

    assert [dial.outcome for dial in row.dials[: PORTS + 1]] == [ESTABLISHED] * PORTS + [NO_PORT]
    assert tally(minute) == {ESTABLISHED: PORTS, NO_PORT: len(minute) - PORTS}
    assert {dial.errno for dial in row.dials} == {None, "EADDRNOTAVAIL"}
    assert len({dial.source_port for dial in minute if dial.source_port}) == PORTS
    assert row.recycled == 0


@pytest.mark.claim("ports-per-minute")
def test_the_rate_is_ports_divided_by_a_minute(exhaustion: Tapes, keep, verdict) -> None:
    """Ten in the first life of TIME_WAIT, ten in the second; a life is a minute, and a timer may be late."""
    row = exhaustion["lab"].rows[OFF]
    keep("chart-made", made_chart(exhaustion["lab"]))
    keep("chart-ports", ports_chart(exhaustion["lab"]))
    _, latest = predict.fires(predict.TIME_WAIT)

    assert len(row.made) == 2 * PORTS
    assert predict.sustained(PORTS, wait=latest + SLOW) < rate(row) <= predict.sustained(PORTS)
    verdict(
        Verdict.HOLDS,
        f"{PORTS} ports: {rate(row):.3f} a second; the formula's {predict.sustained(PORTS):.3f} is the most there is",
    )


@pytest.mark.claim("reuse-0-client")
def test_without_reuse_a_port_waits_out_its_minute(rows: dict[str, Row], verdict) -> None:
    """Each of the ten is used again, and none before TIME_WAIT is over."""
    again = rows[OFF].again()
    assert len(again) == PORTS
    assert soonest(again) >= predict.TIME_WAIT
    latest = max(one.most for one in again)
    verdict(
        Verdict.HOLDS, f"{len(again)} ports were used again, after {soonest(again):.1f} to {latest:.1f} s"
    )


@pytest.mark.claim("reuse-1-client")
def test_reuse_takes_a_port_after_a_second(rows: dict[str, Row], verdict) -> None:
    """tcp_tw_reuse=1, on the side that dials: ten ports are ten connections a second instead of ten a minute."""
    verdict(Verdict.HOLDS, reused(rows["ten-ports-reuse-1"], after=1.0))


@pytest.mark.claim("reuse-delay-client")
def test_the_delay_of_reuse_is_a_setting(rows: dict[str, Row], verdict) -> None:
    """tcp_tw_reuse_delay=200: five times as many."""
    verdict(Verdict.HOLDS, reused(rows["ten-ports-reuse-1-after-200ms"], after=0.2))


@pytest.mark.claim("reuse-2-client")
def test_the_default_reuses_ports_on_loopback_only(rows: dict[str, Row], verdict) -> None:
    """The same host, the same setting: its own loopback after a second, another host not for a minute (T09)."""
    between = rows[DEFAULT]
    on_loopback = reused(rows["loopback"], after=1.0)
    assert soonest(between.again()) >= predict.TIME_WAIT
    verdict(
        Verdict.DEPENDS, f"between hosts after {soonest(between.again()):.1f} s; on loopback {on_loopback}"
    )


@pytest.mark.claim("timestamps-client")
def test_reuse_needs_timestamps(rows: dict[str, Row], verdict) -> None:
    """tcp_tw_reuse=1 without TCP timestamps is tcp_tw_reuse=0 (T08)."""
    again = rows[NO_TIMESTAMPS].again()
    assert len(again) == PORTS
    assert soonest(again) >= predict.TIME_WAIT
    verdict(Verdict.REFUTED, f"no port is used again before {soonest(again):.1f} s")


@pytest.mark.claim("more-sources")
def test_each_address_has_ports_of_its_own(rows: dict[str, Row], verdict) -> None:
    """Three addresses of one host: the eleventh dial from each finds no port, and no other's is in its way."""
    found = [tally(rows[f"source {number}"].dials) for number in range(1, SOURCES + 1)]
    assert found == [{ESTABLISHED: PORTS, NO_PORT: 1}] * SOURCES
    total = sum(each[ESTABLISHED] for each in found)
    verdict(Verdict.HOLDS, f"{total} connections from {PORTS} ports and {SOURCES} addresses")


@pytest.mark.claim("rst-close")
def test_a_reset_leaves_nothing_behind(exhaustion: Tapes, verdict) -> None:
    """Ten ports, three hundred connections one after another, no TIME_WAIT on either side (T15)."""
    row = exhaustion["lab"].rows["reset"]
    assert tally(row.dials) == {ESTABLISHED: RESETS}
    assert len({dial.source_port for dial in row.dials}) <= PORTS
    assert exhaustion["lab"].left == {"client": 0, "server": 0}
    verdict(
        Verdict.HOLDS, f"{RESETS} connections in a row from {PORTS} ports, 0 TIME_WAIT sockets on either side"
    )


def reused(row: Row, after: float) -> str:
    """Judge a row that reuses ports: none certainly sooner than the delay, and one certainly soon after it.

    The second witness counts each reuse. Returns what was measured.
    """
    again = row.again()
    assert {dial.outcome for dial in row.dials} == {ESTABLISHED, NO_PORT}
    assert after <= soonest(again)
    assert min(one.least for one in again) <= after + FAST
    assert row.recycled == len(again) == len(row.made) - PORTS
    assert rate(row) <= predict.sustained(PORTS, wait=after)
    return (
        f"{len(again)} times, the soonest after {soonest(again):.3f} s: {rate(row):.1f} connections a second"
    )


def soonest(again: list[Again]) -> float:
    """The shortest wait of a port, in seconds, at most."""
    return min(one.most for one in again)


def rate(row: Row) -> float:
    """Connections a second, over as many whole rounds of all ports as there were."""
    rounds = (len(row.made) - 1) // PORTS
    first, last = row.made[0], row.made[rounds * PORTS]
    return rounds * PORTS * SECOND / (ended(last) - first.start_ns)


def made_chart(seen: Exhaustion) -> Chart:
    """Connections made over time, by what brings ports back."""
    named = {
        OFF: "tcp_tw_reuse=0", "ten-ports-reuse-1": "tcp_tw_reuse=1",
        "ten-ports-reuse-1-after-200ms": "tcp_tw_reuse=1, delay 200 ms", "reset": "closed with RST",
    }  # fmt: skip
    shown = 3.0
    made = {
        name: [x for x in map(seen.rows[kind].seconds, seen.rows[kind].made) if x <= shown]
        for kind, name in named.items()
    }
    return Chart(
        family="time-wait",
        title="Connections that ten local ports can make, to one address and port, in three seconds",
        note="The client closes first. Without reuse the eleventh dial finds no port, for a minute.",
        shape="steps",
        x="seconds since the first dial",
        y="connections made",
        series=tuple(
            Series(name, ((0.0, 0), *((x, n) for n, x in enumerate(times, 1)), (shown, len(times))))
            for name, times in made.items()
        ),
    )  # fmt: skip


def ports_chart(seen: Exhaustion) -> Chart:
    """Ports in TIME_WAIT over time, and the dials that found none."""
    row = seen.rows[DEFAULT]
    failed = [row.seconds(dial) for dial in row.dials if dial.outcome == NO_PORT]
    return Chart(
        family="time-wait",
        title="Ten local ports until they are used up, and a minute later",
        note="A dial every 50 ms with the default settings. Each connection leaves its port in TIME_WAIT; the dials"
        " that find none fail with EADDRNOTAVAIL, here drawn in hundreds.",
        shape="steps",
        x="seconds since the first close",
        y="ports",
        marks=(Mark(float(predict.TIME_WAIT), "TIME_WAIT: 60 s"),),
        series=(
            Series("ports in TIME_WAIT", tuple(seen.in_time_wait)),
            Series("dials without a port, in hundreds", tuple((x, n / 100) for n, x in enumerate(failed, 1))),
        ),
    )
