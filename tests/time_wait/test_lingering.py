"""What stays of a connection after close(2), on both hosts, how long, and what the sysctls change about it.

client-1 ── dials and closes ──> server (greets, reads once, closes; in the end it is kept waiting, and closes nothing)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

import pytest

from lab import observe, predict
from lab.census import SECOND, Change, Life, Pair, census, levels, lives
from lab.chart import Chart, Mark, Series
from lab.hosts import Host
from lab.model import Attempt, Verdict
from lab.traffic import Agent, attempts
from tests.laboratory import Lab
from tests.recording import Keep, Tapes, recorded

MANY, FEW = 40, 10
LOOK_MS = 250
TICK = 0.01  # seconds: what /proc counts timers in
FIN_TIMEOUT = {"fin-timeout-5": 5, "article": 15, "stock": 60, "fin-timeout-61": 61, "fin-timeout-70": 70}
REUSE = {"tw-reuse-0": 0, "article": 1, "stock": 2}
PROFILES = tuple(dict.fromkeys([*FIN_TIMEOUT, *REUSE]))
SIDES = ("server", "client")
OTHER = {"server": "client", "client": "server"}


@dataclass(frozen=True)
class Lingering:
    """What was seen on each side (`server`, `client`) of what that side closed first."""

    began_ns: int
    changes: dict[str, list[Change]]
    closed: dict[str, set[Pair]]  # the other side closed too: TIME_WAIT
    orphans: dict[str, set[Pair]]  # it did not: FIN_WAIT_2
    late: set[Pair]  # of the server: the client's FIN came a second later
    idle: dict[str, str | None]  # the state, in the end, of a connection that was never used
    resets: dict[str, int]  # RSTs that each side sent
    counted: dict[str, int]  # sockets that were reduced to what TIME_WAIT, or an orphan, needs
    settings: dict[str, dict[str, str | None]]

    def lives(self, side: str, state: str, pairs: set[Pair]) -> list[Life]:
        return [life for life in lives(self.changes[side], state) if life.pair in pairs]

    def time_wait(self, side: str) -> list[Life]:
        """Whole lives in TIME_WAIT of what this side closed first and the other side closed too.

        All of them, but for those that an RST of the other side ended early (T23): one RST each. And the server
        sent one to each client's FIN that came when its orphan was gone already.
        """
        late = self.late if side == "server" else set()
        too_late = self.late - {life.pair for life in lives(self.changes["server"], "TIME-WAIT")}
        resets = self.resets[OTHER[side]] - (len(too_late) if side == "client" else 0)
        pairs = (self.closed[side] | late) - too_late
        whole = [life for life in self.lives(side, "TIME-WAIT", pairs) if lasted(life, predict.TIME_WAIT)]
        assert len({life.pair for life in whole}) + resets == len(pairs)
        return [life for life in whole if life.pair in self.closed[side]]

    def fin_wait_2(self, side: str) -> list[Life]:
        return self.lives(side, "FIN-WAIT-2", self.orphans[side])


def profile(name: str, clients: str = "") -> dict[str, object]:
    """A lab whose hosts all have this profile: a server that closes first once it has read, no limit in reach."""
    profiles = {"SYSCTL": name, "CLIENT_SYSCTL": clients or name}
    return {**profiles, "SERVER_MODE": "greeting", "CONNLIMIT": 1000, "BACKLOG": 2 * FEW}


LABS: dict[str, Any] = {name: profile(name) for name in PROFILES}


@recorded(**LABS, server_with_ten_ports=profile("ten-ports-reuse-1-after-200ms", "stock"))
def lingering(lab: Lab, keep: Keep) -> Lingering:
    (dialler,) = lab.clients
    with (
        census(lab.server, LOOK_MS) as server,
        census(dialler, LOOK_MS) as client,
        Agent(dialler) as agent,
    ):
        began = int(agent.ask("facts")["monotonic_ns"])
        hosts = {"server": lab.server, "client": dialler}
        before = {side: observe.counters(host.run) for side, host in hosts.items()}
        closed = {"server": flipped(churn(agent, message="bye")), "client": straight(churn(agent))}
        unanswered, late = [goodbye(agent) for _ in range(FEW)], [goodbye(agent) for _ in range(FEW)]
        (idle,) = agent.open(1, gap_ms=0)  # the server waits for its message, and accepts nobody else
        own = agent.open(FEW, gap_ms=1)
        agent.close([attempt.conn for attempt in own], "drop")
        orphans = {"server": flipped(unanswered), "client": straight(own)}

        def a_second_ago(now: Any) -> bool:
            since = [c.by_ns for c in server.changes if c.pair in flipped(late) and c.state == "FIN-WAIT-2"]
            return len(since) == FEW and server.ns - max(since) >= SECOND

        server.until(a_second_ago, "the server has been in FIN_WAIT_2 for a second", within=10)
        agent.close([attempt.conn for attempt in late])
        ours = closed["server"] | orphans["server"] | flipped(late), closed["client"] | orphans["client"]
        for seen, pairs in zip((server, client), ours, strict=True):
            seen.up_to(idle.start_ns)
            seen.until(
                lambda now, pairs=pairs: not (now.keys() & pairs), "every closed socket is gone", within=90
            )
        after = {side: observe.counters(host.run) for side, host in hosts.items()}
        seen = Lingering(
            began_ns=began,
            changes={"server": server.changes, "client": client.changes},
            closed=closed,
            orphans=orphans,
            late=flipped(late),
            idle={"server": server.now.get(*flipped([idle])), "client": client.now.get(*straight([idle]))},
            resets={side: after[side]["TcpOutRsts"] - before[side]["TcpOutRsts"] for side in SIDES},
            counted={side: small(after[side]) - small(before[side]) for side in SIDES},
            settings={side: effective(host) for side, host in hosts.items()},
        )
    keep("lingering", seen)
    return seen


def churn(agent: Agent, **options: Any) -> list[Attempt]:
    """Open and close, one after another: the client first, or with a message the server."""
    return attempts(agent.ask("churn", count=MANY, detail=True, **options))


def goodbye(agent: Agent) -> Attempt:
    """A connection that the server closes, for it has read what it wanted; the client keeps it open."""
    (made,) = agent.open(1, gap_ms=0)
    agent.ask("send", conns=[made.conn], text="bye")
    return made


def straight(made: Iterable[Attempt]) -> set[Pair]:
    """The connections as the client has them."""
    return {Pair(a.source or "", a.source_port or 0, a.target, a.target_port) for a in made}


def flipped(made: Iterable[Attempt]) -> set[Pair]:
    """The connections as the server has them."""
    return {Pair(pair.peer, pair.peer_port, pair.local, pair.local_port) for pair in straight(made)}


def small(counters: dict[str, int]) -> int:
    """How many sockets were ever reduced to a small one; those of 4 s and less have another counter (T21)."""
    return counters["TcpExtTW"] + counters["TcpExtTWKilled"]


KEYS = ("net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_fin_timeout", "net.ipv4.ip_local_port_range")


def effective(host: Host) -> dict[str, str | None]:
    """What this host's kernel is set to, read back from it."""
    values = host.run(["sysctl", "-n", *KEYS]).splitlines()
    return dict(zip(KEYS, (" ".join(value.split()) for value in values), strict=True))


def lasted(life: Life, seconds: float) -> bool:
    """Whether a life is that of a timer of `seconds`: not certainly shorter, not certainly longer."""
    earliest, latest = predict.fires(seconds)
    return life.most >= earliest and life.least <= latest


def set_to(life: Life, seconds: float) -> bool:
    """Whether the kernel's own timer, read when the socket was first seen, had been set to `seconds` just before."""
    gap = (life.began.by_ns - life.began.after_ns) / SECOND
    return seconds - gap - TICK <= life.began.timer <= seconds


def spread(found: list[Life]) -> str:
    """`40 sockets, 60.9 s (60.6 to 61.1)`: how many, the median, the extremes."""
    seconds = sorted(life.seconds for life in found)
    return f"{len(found)} sockets, {median(seconds):.1f} s ({seconds[0]:.1f} to {seconds[-1]:.1f})"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", [*PROFILES, "server_with_ten_ports"])
def test_time_wait_lasts_a_minute_and_nothing_shortens_it(lingering: Tapes, name: str, side: str) -> None:
    """Every connection leaves one TIME_WAIT socket on the side that closed first; its timer is set to 60 s."""
    found = lingering[name].time_wait(side)
    assert found, "and each has the length that a timer of a minute gives it"
    assert [life for life in found if not set_to(life, predict.TIME_WAIT)] == []


@pytest.mark.parametrize("name", PROFILES)
def test_the_settings_were_in_force(lingering: Tapes, name: str) -> None:
    """The control: the profiles that change nothing were really set, on both hosts."""
    for settings in lingering[name].settings.values():
        if name in FIN_TIMEOUT:
            assert settings["net.ipv4.tcp_fin_timeout"] == str(FIN_TIMEOUT[name])
        if name in REUSE:
            assert settings["net.ipv4.tcp_tw_reuse"] == str(REUSE[name])


@pytest.mark.parametrize("name", PROFILES)
def test_the_kernel_counted_as_many(lingering: Tapes, name: str) -> None:
    """The second witness: every socket that was closed first became a small one, for a minute or as an orphan.

    Once each, although those that the client's FIN found as orphans were both: their timer was set anew.
    """
    assert lingering[name].counted == {"server": MANY + FEW + FEW, "client": MANY + FEW}


@pytest.mark.claim("article-server-time-wait")
def test_the_article_does_not_limit_time_wait_on_the_server(lingering: Tapes, keep, verdict) -> None:
    """The same 40 sockets for the same minute, with its three lines and without."""
    stock, article = (lingering[name].time_wait("server") for name in ("stock", "article"))
    keep("chart-states", states_chart(lingering))
    assert stock and article
    verdict(Verdict.REFUTED, f"with the article's settings {spread(article)}; without {spread(stock)}")


@pytest.mark.claim("article-client-time-wait")
def test_the_article_does_not_limit_time_wait_on_the_client(lingering: Tapes, verdict) -> None:
    """Nor where tcp_tw_reuse acts at all."""
    stock, article = (lingering[name].time_wait("client") for name in ("stock", "article"))
    assert stock and article
    verdict(Verdict.REFUTED, f"with the article's settings {spread(article)}; without {spread(stock)}")


@pytest.mark.claim("reuse-server")
def test_tw_reuse_does_nothing_for_connections_that_come_in(lingering: Tapes, verdict) -> None:
    """0, 1 or 2 on the server: as many TIME_WAIT sockets, for as long (T07)."""
    found = {value: lingering[name].time_wait("server") for name, value in REUSE.items()}
    assert found.keys() == {0, 1, 2}
    assert all(found.values())
    verdict(
        Verdict.REFUTED,
        "no effect: " + "; ".join(f"{value}: {spread(each)}" for value, each in found.items()),
    )


@pytest.mark.claim("reuse-delay-server")
def test_the_reuse_delay_does_nothing_for_connections_that_come_in(lingering: Tapes, verdict) -> None:
    """tcp_tw_reuse_delay=200 on the server: still a minute."""
    found = lingering["server_with_ten_ports"].time_wait("server")
    assert found
    verdict(Verdict.REFUTED, f"no effect: {spread(found)}")


@pytest.mark.claim("port-range-server")
def test_a_server_needs_no_local_ports(lingering: Tapes, verdict) -> None:
    """Ten local ports, and more connections than that from one client, all in TIME_WAIT at once."""
    seen = lingering["server_with_ten_ports"]
    first, last = map(int, seen.settings["server"]["net.ipv4.ip_local_port_range"].split())
    most = max(number for _, number in levels(seen.changes["server"], "TIME-WAIT", seen.began_ns))
    assert last - first + 1 == FEW
    assert most >= MANY
    verdict(Verdict.REFUTED, f"no effect: {most} connections in TIME_WAIT on a server with {FEW} local ports")


@pytest.mark.claim("fin-timeout-orphan")
@pytest.mark.parametrize(("name", "seconds"), [item for item in FIN_TIMEOUT.items() if item[1] <= 60])
def test_fin_timeout_is_how_long_an_orphan_is_kept(
    lingering: Tapes, verdict, name: str, seconds: int
) -> None:
    """FIN_WAIT_2 without an owner: closed, acknowledged, and the other side says nothing (T03, T04)."""
    found = {side: lingering[name].fin_wait_2(side) for side in SIDES}
    for each in found.values():
        assert len(each) == FEW
        assert [life for life in each if not lasted(life, predict.orphan(seconds))] == []
    verdict(
        Verdict.HOLDS, f"{seconds}: " + ", ".join(f"{side} {spread(each)}" for side, each in found.items())
    )


@pytest.mark.claim("fin-timeout-over-60")
@pytest.mark.parametrize("seconds", [61, 70])
def test_more_than_a_minute_of_fin_timeout_is_less(lingering: Tapes, keep, verdict, seconds: int) -> None:
    """61 keeps an orphan for 2 s, 70 for 20 (T06)."""
    found = {side: lingering[f"fin-timeout-{seconds}"].fin_wait_2(side) for side in SIDES}
    if seconds == 70:
        keep("chart-orphans", orphans_chart(lingering))
    for each in found.values():
        assert len(each) == FEW
        assert [life for life in each if not lasted(life, predict.orphan(seconds))] == []
    verdict(
        Verdict.REFUTED, f"{seconds}: " + ", ".join(f"{side} {spread(each)}" for side, each in found.items())
    )


@pytest.mark.claim("fin-timeout-ends-all")
@pytest.mark.parametrize("name", ["fin-timeout-5", "article"])
def test_a_fin_that_comes_in_time_starts_a_full_minute(lingering: Tapes, verdict, name: str) -> None:
    """The client's FIN finds the orphan a second old: TIME_WAIT, for 60 s from then on (T05)."""
    seen = lingering[name]
    waited = seen.lives("server", "FIN-WAIT-2", seen.late)
    found = seen.lives("server", "TIME-WAIT", seen.late)

    assert len(waited) == FEW
    assert all(life.most >= 1 and life.least < FIN_TIMEOUT[name] for life in waited)
    assert seen.time_wait("server"), "and as many of these as no RST has ended have a whole minute too"
    assert any(lasted(life, predict.TIME_WAIT) for life in found)
    verdict(
        Verdict.REFUTED,
        f"{FIN_TIMEOUT[name]}: after {spread(waited)} in FIN_WAIT_2 the client's FIN came, then TIME_WAIT:"
        f" {spread(found)}",
    )


@pytest.mark.claim("fin-timeout-idle")
def test_an_idle_connection_has_no_timeout(lingering: Tapes, verdict) -> None:
    """Not a byte for longer than the article's 15 s, four times over, and both sides are still connected."""
    seen = lingering["article"]
    connected = max(change.by_ns for change in seen.changes["server"] if change.state == "ESTAB")
    last = max(change.by_ns for change in seen.changes["server"])
    assert seen.idle == {"server": "ESTAB", "client": "ESTAB"}
    seconds = (last - connected) / SECOND
    assert seconds >= 4 * FIN_TIMEOUT["article"]
    verdict(Verdict.REFUTED, f"after {seconds:.0f} s without a byte both sides are ESTABLISHED")


def states_chart(lingering: Tapes) -> Chart:
    """The server's sockets over time, by state."""
    return Chart(
        family="time-wait",
        title="The server's sockets after close(2), with the article's settings and without",
        note="TIME_WAIT is the same minute for both. tcp_fin_timeout=15 takes away orphans in FIN_WAIT_2, to which the"
        " client never answered.",
        shape="steps",
        x="seconds",
        y="sockets",
        marks=(Mark(15.0, "tcp_fin_timeout=15"), Mark(60.0, "TIME_WAIT: 60 s")),
        series=tuple(
            Series(f"{state.replace('-', '_')}, {name}", tuple(over_time(lingering[name], state)))
            for state in ("TIME-WAIT", "FIN-WAIT-2")
            for name in ("stock", "article")
        ),
    )


def orphans_chart(lingering: Tapes) -> Chart:
    """Orphans on the server over time, by tcp_fin_timeout."""
    return Chart(
        family="time-wait",
        title="Ten orphaned FIN_WAIT_2 sockets on the server, by tcp_fin_timeout",
        note="Up to 60 the setting is the time they are kept. Above, it is twice the difference to 60: 61 is 2 s.",
        shape="steps",
        x="seconds",
        y="sockets in FIN_WAIT_2",
        series=tuple(
            Series(
                f"tcp_fin_timeout={seconds}",
                tuple(over_time(lingering[name], "FIN-WAIT-2", lingering[name].orphans["server"])),
            )
            for name, seconds in FIN_TIMEOUT.items()
        ),
    )


def over_time(seen: Lingering, state: str, pairs: set[Pair] | None = None) -> list[tuple[float, int]]:
    """How many of the server's sockets were in a state; of all, or of these."""
    changes = [change for change in seen.changes["server"] if pairs is None or change.pair in pairs]
    return levels(changes, state, seen.began_ns)
