"""The charts of the family, made of its recordings (docs/report.md is what a chart may hold)."""

from __future__ import annotations

from connlab.base.model import Outcome
from connlab.evidence.charts import chart, steps
from connlab.evidence.vega_lite import Spec
from connlab.kernel import reference_model
from connlab.kernel.socket_monitor import FourTuple, counts_over_time
from tests.support.recordings import Recordings
from tests.time_wait.lingering import FIN_TIMEOUT, Lingering
from tests.time_wait.ports import DEFAULT, DELAYED, OFF, Exhaustion
from tests.time_wait.slots import CLOSE_WAIT, IDLE, Scenario


def states(lingering: Recordings) -> Spec:
    """Draw the server's sockets over time, by state."""
    return chart(
        family="time-wait",
        title="The server's sockets after close(2), with the article's settings and without",
        note="TIME_WAIT is the same minute for both. tcp_fin_timeout=15 takes away orphans in FIN_WAIT_2, to which the"
        " client never answered.",
        x="seconds",
        moments={"tcp_fin_timeout=15": 15.0, "TIME_WAIT: 60 s": 60.0},
        panels=[
            steps(f"sockets in {state.replace('-', '_')}, {words}", over_time(lingering[name], state))
            for state in ("TIME-WAIT", "FIN-WAIT-2")
            for name, words in {"stock": "stock settings", "article": "the article's settings"}.items()
        ],
    )


def orphans(lingering: Recordings) -> Spec:
    """Draw orphans on the server over time, by tcp_fin_timeout."""
    return chart(
        family="time-wait",
        title="Ten orphaned FIN_WAIT_2 sockets on the server, by tcp_fin_timeout",
        note="Up to 60 the setting is the time they are kept. Above, it is twice the difference to 60: 61 is 2 s.",
        x="seconds",
        panels=[
            steps(
                f"sockets in FIN_WAIT_2, tcp_fin_timeout={seconds}",
                over_time(lingering[name], "FIN-WAIT-2", lingering[name].orphans["server"]),
            )
            for name, seconds in FIN_TIMEOUT.items()
        ],
    )


def over_time(
    record: Lingering, state: str, four_tuples: set[FourTuple] | None = None
) -> list[tuple[float, int]]:
    """Count the server's sockets in a state over time; of all, or of these."""
    changes = record.changes["server"]
    if four_tuples is not None:
        changes = [change for change in changes if change.four_tuple in four_tuples]
    return counts_over_time(changes, state, record.began_ns)


def connections(record: Exhaustion) -> Spec:
    """Draw connections made over time, by what brings ports back."""
    names = {
        OFF: "tcp_tw_reuse=0", "ten-ports-reuse-1": "tcp_tw_reuse=1",
        DELAYED: "tcp_tw_reuse_delay=200", "reset": "closed with RST",
    }  # fmt: skip
    until_s = 3.0
    established = {
        name: [x for x in map(record.rows[kind].seconds, record.rows[kind].established) if x <= until_s]
        for kind, name in names.items()
        if kind in record.rows
    }
    return chart(
        family="time-wait",
        title="Connections that ten local ports can make, to one address and port, in three seconds",
        note="The client closes first. Without reuse the eleventh dial finds no port, for a minute; with tcp_tw_reuse=1"
        " a port is used again after a second, or after tcp_tw_reuse_delay.",
        x="seconds since the first dial",
        panels=[
            steps(
                "connections made",
                {
                    name: ((0.0, 0), *((x, n) for n, x in enumerate(times, 1)), (until_s, len(times)))
                    for name, times in established.items()
                },
            )
        ],
    )


def ports(record: Exhaustion) -> Spec:
    """Draw ports in TIME_WAIT over time, and the dials that found none."""
    row = record.rows[DEFAULT]
    failed = [row.seconds(dial) for dial in row.dials if dial.outcome == Outcome.NO_PORT]
    end = row.seconds(row.dials[-1])
    return chart(
        family="time-wait",
        title="Ten local ports until they are used up, and a minute later",
        note="A dial every 50 ms, but for a pause, with the default settings. Each connection leaves its port in"
        " TIME_WAIT; the dials that find none fail with EADDRNOTAVAIL, until the first ports are free again.",
        x="seconds since the first dial",
        moments={"TIME_WAIT: 60 s": float(reference_model.TIME_WAIT)},
        panels=[
            steps("ports in TIME_WAIT", [*record.in_time_wait, (end, record.in_time_wait[-1][1])]),
            steps(
                "dials that found no port",
                [(0.0, 0), *((x, n) for n, x in enumerate(failed, 1)), (end, len(failed))],
            ),
        ],
    )


def slots(scenarios: dict[str, Scenario]) -> Spec:
    """Draw slots taken and sockets held, of one source each."""
    names = {"vanished": "a client that vanished", "half_closed": "a client that half closed"}
    return chart(
        family="time-wait",
        title="Slots of a source with a limit of 15, and connections that the server has",
        note="A client vanishes, another leaves its connections half closed. Both are refused while conntrack remembers"
        f" (here {IDLE} and {CLOSE_WAIT} s; by default five days and 60 s), then admitted fifteen times more.",
        x="seconds since the first dials",
        panels=[
            steps(
                f"{label} of {name}",
                [(sample.seconds, value(sample)) for sample in scenarios[scenario].samples],
            )
            for scenario, name in names.items()
            for label, value in (
                ("slots", lambda sample: sample.slots),
                ("the server's sockets", lambda sample: sample.sockets.total()),
            )
        ],
    )
