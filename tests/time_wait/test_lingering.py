"""How long TIME_WAIT and FIN_WAIT_2 last, on both hosts, and what the sysctls change about it."""

from __future__ import annotations

import pytest

from connlab.base.model import Verdict
from connlab.kernel import reference_model
from connlab.kernel.socket_monitor import SECOND, Lifetime, counts_over_time
from tests.support import figures
from tests.support.laboratory import require_keys
from tests.support.recordings import Recordings
from tests.time_wait import charts
from tests.time_wait.lingering import FEW, FIN_TIMEOUT, MANY, PROFILES, REUSE, REUSE_DELAY, SIDES, has_length
from tests.time_wait.ports import DELAYED

TICK = 0.01  # seconds: what /proc counts timers in, rounded down
JIFFY = 0.01  # seconds, at HZ=100: what the kernel counts them in, from a tick up to so much ago (T28)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", [*PROFILES, "server_with_ten_ports"])
def test_time_wait_lasts_a_minute_and_nothing_shortens_it(
    lingering: Recordings, name: str, side: str
) -> None:
    """Every connection leaves one TIME_WAIT socket on the side that closed first; its timer is set to 60 s."""
    lives = lingering[name].time_wait(side)
    assert lives, "and each has the length that a timer of a minute gives it"
    assert [life for life in lives if not was_set_to(life, reference_model.TIME_WAIT)] == []


@pytest.mark.parametrize("name", PROFILES)
def test_the_settings_were_in_force(lingering: Recordings, name: str) -> None:
    """The control: the profiles that change nothing were really set, on both hosts."""
    for settings in lingering[name].settings.values():
        if name in FIN_TIMEOUT:
            assert settings["net.ipv4.tcp_fin_timeout"] == str(FIN_TIMEOUT[name])
        if name in REUSE:
            assert settings["net.ipv4.tcp_tw_reuse"] == str(REUSE[name])


@pytest.mark.parametrize("name", PROFILES)
def test_the_kernel_counted_as_many(lingering: Recordings, name: str) -> None:
    """The second witness: every socket that was closed first became a small one, for a minute or as an orphan.

    Once each, although those that the client's FIN found as orphans were both: their timer was set anew.
    """
    assert lingering[name].small_sockets == {"server": MANY + FEW + FEW, "client": MANY + FEW}


@pytest.mark.claim("article-server-time-wait")
def test_the_article_does_not_limit_time_wait_on_the_server(lingering: Recordings, keep, verdict) -> None:
    """The same 40 sockets for the same minute, with its three lines and without."""
    stock, article = (lingering[name].time_wait("server") for name in ("stock", "article"))
    keep("chart-states", charts.states(lingering))
    assert stock and article
    verdict(Verdict.REFUTED, f"with the article's settings {describe(article)}; without {describe(stock)}")


@pytest.mark.claim("article-client-time-wait")
def test_the_article_does_not_limit_time_wait_on_the_client(lingering: Recordings, verdict) -> None:
    """Nor where tcp_tw_reuse acts at all."""
    stock, article = (lingering[name].time_wait("client") for name in ("stock", "article"))
    assert stock and article
    verdict(Verdict.REFUTED, f"with the article's settings {describe(article)}; without {describe(stock)}")


@pytest.mark.claim("reuse-server")
def test_tw_reuse_does_nothing_for_connections_that_come_in(lingering: Recordings, verdict) -> None:
    """0, 1 or 2 on the server: as many TIME_WAIT sockets, for as long (T07)."""
    lives = {value: lingering[name].time_wait("server") for name, value in REUSE.items()}
    assert lives.keys() == {0, 1, 2}
    assert all(lives.values())
    figures_by_value = "; ".join(f"{value}: {describe(each)}" for value, each in lives.items())
    verdict(Verdict.REFUTED, f"no effect: {figures_by_value}")


@pytest.mark.claim("reuse-delay-server")
def test_the_reuse_delay_does_nothing_for_connections_that_come_in(lingering: Recordings, verdict) -> None:
    """tcp_tw_reuse_delay=200 on the server: still a minute."""
    require_keys(DELAYED)
    assert lingering["server_with_ten_ports"].settings["server"][REUSE_DELAY] == "200"
    lives = lingering["server_with_ten_ports"].time_wait("server")
    assert lives
    verdict(Verdict.REFUTED, f"no effect: {describe(lives)}")


@pytest.mark.claim("port-range-server")
def test_a_server_needs_no_local_ports(lingering: Recordings, verdict) -> None:
    """Ten local ports, and more connections than that from one client, all in TIME_WAIT at once."""
    record = lingering["server_with_ten_ports"]
    first, last = map(int, record.settings["server"]["net.ipv4.ip_local_port_range"].split())
    peak = max(
        number for _, number in counts_over_time(record.changes["server"], "TIME-WAIT", record.began_ns)
    )
    assert last - first + 1 == FEW
    assert peak >= MANY
    verdict(Verdict.REFUTED, f"no effect: {peak} connections in TIME_WAIT on a server with {FEW} local ports")


@pytest.mark.claim("fin-timeout-orphan")
@pytest.mark.parametrize(("name", "seconds"), [item for item in FIN_TIMEOUT.items() if item[1] <= 60])
def test_fin_timeout_is_how_long_an_orphan_is_kept(
    lingering: Recordings, verdict, name: str, seconds: int
) -> None:
    """FIN_WAIT_2 without an owner: closed, acknowledged, and the other side says nothing (T03, T04)."""
    verdict(Verdict.HOLDS, orphan_lives(lingering, name, seconds))


@pytest.mark.claim("fin-timeout-over-60")
@pytest.mark.parametrize("seconds", [61, 70])
def test_more_than_a_minute_of_fin_timeout_is_less(
    lingering: Recordings, keep, verdict, seconds: int
) -> None:
    """61 keeps an orphan for 2 s, 70 for 20 (T06)."""
    if seconds == 70:
        keep("chart-orphans", charts.orphans(lingering))
    verdict(Verdict.REFUTED, orphan_lives(lingering, f"fin-timeout-{seconds}", seconds))


@pytest.mark.claim("fin-timeout-ends-all")
@pytest.mark.parametrize("name", ["fin-timeout-5", "article"])
def test_a_fin_that_comes_in_time_starts_a_full_minute(lingering: Recordings, verdict, name: str) -> None:
    """The client's FIN finds the orphan a second old: TIME_WAIT, for 60 s from then on (T05)."""
    record = lingering[name]
    waits = record.lifetimes("server", "FIN-WAIT-2", record.late)
    lives = record.lifetimes("server", "TIME-WAIT", record.late)

    assert len(waits) == FEW
    assert all(life.upper_bound >= 1 and life.lower_bound < FIN_TIMEOUT[name] for life in waits)
    assert record.time_wait("server"), "and as many of these as no RST has ended have a whole minute too"
    assert any(has_length(life, reference_model.TIME_WAIT) for life in lives)
    verdict(
        Verdict.REFUTED,
        f"{FIN_TIMEOUT[name]}: after {describe(waits)} in FIN_WAIT_2 the client's FIN came, then TIME_WAIT:"
        f" {describe(lives)}",
    )


@pytest.mark.claim("fin-timeout-idle")
def test_an_idle_connection_has_no_timeout(lingering: Recordings, verdict) -> None:
    """Not a byte for longer than the article's 15 s, four times over, and both sides are still connected."""
    record = lingering["article"]
    connected = max(change.by_ns for change in record.changes["server"] if change.state == "ESTAB")
    last = max(change.by_ns for change in record.changes["server"])
    assert record.idle == {"server": "ESTAB", "client": "ESTAB"}
    seconds = (last - connected) / SECOND
    assert seconds >= 4 * FIN_TIMEOUT["article"]
    verdict(Verdict.REFUTED, f"after {seconds:.0f} s without a byte both sides are ESTABLISHED")


def was_set_to(life: Lifetime, seconds: float) -> bool:
    """Return whether the kernel's timer, read when the socket was first seen, was set to `seconds` just before."""
    gap = (life.start.by_ns - life.start.after_ns) / SECOND
    return seconds - gap - TICK - JIFFY <= life.start.timer <= seconds


def orphan_lives(lingering: Recordings, name: str, seconds: int) -> str:
    """Check that both sides kept each orphan as long as the model says for this tcp_fin_timeout; returns how long."""
    lives = {side: lingering[name].fin_wait_2(side) for side in SIDES}
    for each in lives.values():
        assert len(each) == FEW
        assert [life for life in each if not has_length(life, reference_model.orphan_seconds(seconds))] == []
    return f"{seconds}: " + ", ".join(f"{side} {describe(each)}" for side, each in lives.items())


def describe(lives: list[Lifetime]) -> str:
    """Say how many, the median, and the extremes where they differ: `40 sockets, 60.9 s (60.6 to 61.1)`."""
    return f"{len(lives)} sockets, {figures.spread((life.seconds for life in lives), 's')}"
