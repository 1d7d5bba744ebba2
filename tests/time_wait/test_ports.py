"""A client that runs out of ports: when the next dial finds one again, by setting, by address and by close."""

from __future__ import annotations

import json

import pytest

from connlab.base import probes
from connlab.base.model import Outcome, Verdict, tally
from connlab.cluster.one_off import run_once
from connlab.kernel import reference_model
from connlab.kernel.socket_monitor import SECOND
from tests.support.laboratory import image, require_keys
from tests.support.ports import LOWEST
from tests.support.recordings import Recordings
from tests.time_wait import charts
from tests.time_wait.ports import (
    DEFAULT,
    DELAYED,
    FAST,
    NO_TIMESTAMPS,
    OFF,
    PORTS,
    RESETS,
    SLOW,
    SOURCES,
    WAITING,
    DialSeries,
    Reuse,
    end_ns,
)

ESTABLISHED, NO_PORT = Outcome.ESTABLISHED, Outcome.NO_PORT


@pytest.fixture
def rows(exhaustion: Recordings) -> dict[str, DialSeries]:
    """Return the dials of each host, by its profile."""
    return exhaustion["lab"].rows


@pytest.mark.parametrize("name", WAITING)
def test_the_eleventh_dial_finds_no_port(rows: dict[str, DialSeries], name: str) -> None:
    """Ten ports are ten connections, then EADDRNOTAVAIL, for a whole minute (T13)."""
    row = rows[name]
    minute = [dial for dial in row.dials if row.seconds(dial) < reference_model.TIME_WAIT]

    assert [dial.outcome for dial in row.dials[: PORTS + 1]] == [ESTABLISHED] * PORTS + [NO_PORT]
    assert tally(minute) == {ESTABLISHED: PORTS, NO_PORT: len(minute) - PORTS}
    assert {dial.errno for dial in row.dials} == {None, "EADDRNOTAVAIL"}
    assert len({dial.source_port for dial in minute if dial.source_port}) == PORTS
    assert row.recycled == 0


@pytest.mark.claim("ports-per-minute")
def test_the_rate_is_ports_divided_by_a_minute(exhaustion: Recordings, keep, verdict) -> None:
    """Ten in the first life of TIME_WAIT, ten in the second; a life is a minute, and a timer may be late."""
    row = exhaustion["lab"].rows[OFF]
    keep("chart-made", charts.connections(exhaustion["lab"]))
    keep("chart-ports", charts.ports(exhaustion["lab"]))
    _, latest = reference_model.timer_bounds(reference_model.TIME_WAIT)

    assert len(row.established) == 2 * PORTS
    assert (
        reference_model.sustained_rate(PORTS, wait=latest + SLOW)
        < rate(row)
        <= reference_model.sustained_rate(PORTS)
    )
    verdict(
        Verdict.HOLDS,
        f"{PORTS} ports: {rate(row):.3f} a second;"
        f" the formula's {reference_model.sustained_rate(PORTS):.3f} is the most there is",
    )


@pytest.mark.claim("reuse-0-client")
def test_without_reuse_a_port_waits_out_its_minute(rows: dict[str, DialSeries], verdict) -> None:
    """Each of the ten is used again, and none before TIME_WAIT is over."""
    reuses = rows[OFF].reuses()
    assert len(reuses) == PORTS
    assert shortest_wait(reuses) >= reference_model.TIME_WAIT
    latest = max(reuse.upper_bound for reuse in reuses)
    verdict(
        Verdict.HOLDS,
        f"{len(reuses)} ports were used again, after {shortest_wait(reuses):.1f} to {latest:.1f} s",
    )


@pytest.mark.claim("reuse-1-client")
def test_reuse_takes_a_port_after_a_second(rows: dict[str, DialSeries], verdict) -> None:
    """tcp_tw_reuse=1, on the side that dials: ten ports are ten connections a second instead of ten a minute."""
    verdict(Verdict.HOLDS, judge_reuse(rows["ten-ports-reuse-1"], after=1.0))


@pytest.mark.claim("reuse-delay-client")
def test_the_delay_of_reuse_is_a_setting(rows: dict[str, DialSeries], verdict) -> None:
    """tcp_tw_reuse_delay=200: five times as many."""
    require_keys(DELAYED)
    verdict(Verdict.HOLDS, judge_reuse(rows[DELAYED], after=0.2))


@pytest.mark.claim("reuse-2-client")
def test_the_default_reuses_ports_on_loopback_only(rows: dict[str, DialSeries], verdict) -> None:
    """The same host, the same setting: its own loopback after a second, another host not for a minute (T09)."""
    between = rows[DEFAULT]
    on_loopback = judge_reuse(rows["loopback"], after=1.0)
    assert shortest_wait(between.reuses()) >= reference_model.TIME_WAIT
    verdict(
        Verdict.DEPENDS,
        f"between hosts after {shortest_wait(between.reuses()):.1f} s; on loopback {on_loopback}",
    )


@pytest.mark.claim("timestamps-client")
def test_reuse_needs_timestamps(rows: dict[str, DialSeries], verdict) -> None:
    """tcp_tw_reuse=1 without TCP timestamps is tcp_tw_reuse=0 (T08)."""
    reuses = rows[NO_TIMESTAMPS].reuses()
    assert len(reuses) == PORTS
    assert shortest_wait(reuses) >= reference_model.TIME_WAIT
    verdict(Verdict.REFUTED, f"no port is used again before {shortest_wait(reuses):.1f} s")


@pytest.mark.claim("more-sources")
def test_each_address_has_ports_of_its_own(rows: dict[str, DialSeries], verdict) -> None:
    """Three addresses of one host: the eleventh dial from each finds no port, and no other's is in its way."""
    tallies = [tally(rows[f"source {number}"].dials) for number in range(1, SOURCES + 1)]
    assert tallies == [{ESTABLISHED: PORTS, NO_PORT: 1}] * SOURCES
    total = sum(counts[ESTABLISHED] for counts in tallies)
    verdict(Verdict.HOLDS, f"{total} connections from {PORTS} ports and {SOURCES} addresses")


@pytest.mark.claim("rst-close")
def test_a_reset_leaves_nothing_behind(exhaustion: Recordings, verdict) -> None:
    """Ten ports, three hundred connections one after another, no TIME_WAIT on either side (T15)."""
    row = exhaustion["lab"].rows["reset"]
    assert tally(row.dials) == {ESTABLISHED: RESETS}
    assert len({dial.source_port for dial in row.dials}) <= PORTS
    assert exhaustion["lab"].time_wait_sockets == {"client": 0, "server": 0}
    verdict(
        Verdict.HOLDS, f"{RESETS} connections in a row from {PORTS} ports, 0 TIME_WAIT sockets on either side"
    )


def test_connect_takes_no_port_that_a_socket_is_bound_to() -> None:
    """One of ten ports is bound to 127.0.0.11, as Docker's resolver is: nine connections are left (T25)."""
    every = list(range(LOWEST, LOWEST + PORTS))
    sysctls = {"net.ipv4.ip_local_port_range": f"{every[0]} {every[-1]}"}
    python, *options = probes.argv("local_ports")
    status, output = run_once(image("client"), options, entrypoint=python, sysctls=sysctls)
    assert status == 0, output
    fewer = [port for port in every if port != every[4]]
    assert json.loads(output) == {
        "nothing": every,
        **dict.fromkeys(("bound", "bound, SO_REUSEADDR", "listener"), fewer),
        "nothing any more": every,
    }


def judge_reuse(row: DialSeries, after: float) -> str:
    """Judge a row that reuses ports: none certainly sooner than the delay, and one certainly soon after it.

    The second witness counts each reuse. Returns what was measured.
    """
    reuses = row.reuses()
    assert {dial.outcome for dial in row.dials} == {ESTABLISHED, NO_PORT}
    assert after <= shortest_wait(reuses)
    assert min(reuse.lower_bound for reuse in reuses) <= after + FAST
    assert row.recycled == len(reuses) == len(row.established) - PORTS
    assert rate(row) <= reference_model.sustained_rate(PORTS, wait=after)
    return f"{len(reuses)} times, the soonest after {shortest_wait(reuses):.3f} s: {rate(row):.1f} connections a second"


def shortest_wait(reuses: list[Reuse]) -> float:
    """Return the shortest wait of a port, in seconds, at most."""
    return min(reuse.upper_bound for reuse in reuses)


def rate(row: DialSeries) -> float:
    """Return connections a second, over as many whole rounds of all ports as there were."""
    rounds = (len(row.established) - 1) // PORTS
    first, last = row.established[0], row.established[rounds * PORTS]
    return rounds * PORTS * SECOND / (end_ns(last) - first.start_ns)
