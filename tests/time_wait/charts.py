"""The charts of the family, made of its recordings (docs/report.md is what a chart may hold)."""

from __future__ import annotations

from connlab.base.model import Outcome
from connlab.evidence.chart import Chart, Mark, Series
from connlab.kernel import reference_model
from connlab.kernel.socket_monitor import FourTuple, counts_over_time
from tests.support.recordings import Recordings
from tests.time_wait.lingering import FIN_TIMEOUT, Lingering
from tests.time_wait.ports import DEFAULT, DELAYED, OFF, Exhaustion
from tests.time_wait.slots import CLOSE_WAIT, IDLE, Story


def states(lingering: Recordings) -> Chart:
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


def orphans(lingering: Recordings) -> Chart:
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


def over_time(seen: Lingering, state: str, pairs: set[FourTuple] | None = None) -> list[tuple[float, int]]:
    """How many of the server's sockets were in a state; of all, or of these."""
    changes = [change for change in seen.changes["server"] if pairs is None or change.four_tuple in pairs]
    return counts_over_time(changes, state, seen.began_ns)


def connections(seen: Exhaustion) -> Chart:
    """Connections made over time, by what brings ports back."""
    named = {
        OFF: "tcp_tw_reuse=0", "ten-ports-reuse-1": "tcp_tw_reuse=1",
        DELAYED: "tcp_tw_reuse=1, delay 200 ms", "reset": "closed with RST",
    }  # fmt: skip
    shown = 3.0
    made = {
        name: [x for x in map(seen.rows[kind].seconds, seen.rows[kind].made) if x <= shown]
        for kind, name in named.items()
        if kind in seen.rows
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


def ports(seen: Exhaustion) -> Chart:
    """Ports in TIME_WAIT over time, and the dials that found none."""
    row = seen.rows[DEFAULT]
    failed = [row.seconds(dial) for dial in row.dials if dial.outcome == Outcome.NO_PORT]
    return Chart(
        family="time-wait",
        title="Ten local ports until they are used up, and a minute later",
        note="A dial every 50 ms with the default settings. Each connection leaves its port in TIME_WAIT; the dials"
        " that find none fail with EADDRNOTAVAIL, here drawn in hundreds.",
        shape="steps",
        x="seconds since the first close",
        y="ports",
        marks=(Mark(float(reference_model.TIME_WAIT), "TIME_WAIT: 60 s"),),
        series=(
            Series("ports in TIME_WAIT", tuple(seen.in_time_wait)),
            Series("dials without a port, in hundreds", tuple((x, n / 100) for n, x in enumerate(failed, 1))),
        ),
    )


def slots(stories: dict[str, Story]) -> Chart:
    """Slots taken and sockets held, of one source each."""
    shown = {"vanished": "vanished", "half_closed": "half closed"}
    return Chart(
        family="time-wait",
        title="Slots of a source with a limit of 15, and connections that the server has",
        note="A client vanishes, another leaves its connections half closed. Both are refused while conntrack remembers"
        f" (here {IDLE} and {CLOSE_WAIT} s; by default five days and 60 s), then admitted fifteen times more.",
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
