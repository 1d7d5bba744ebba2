"""The plan of the big run: how many sources on how many clients, what the server must hold, and whether it fits."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass

from connlab.base.errors import NotFit, Usage
from connlab.base.knob_values import OF_MODES
from connlab.base.settings import Settings
from connlab.cluster import blocks, engine_machine, plan

DIALS, LIMIT = 20, 15  # of each source; the article's limit
EACH = 256  # sources of a client: with 20 dials 5,120 sockets
LEAST, MOST = 16, 16_384  # sources
# Memory of a connection that is held, both ends and what tracks it, user space too; and of a client host.
CONNECTION_BYTES, CLIENT_BYTES, SERVER_BYTES = 16 << 10, 48 << 20, 256 << 20
OTHERS = 16  # tracked connections of the server beside: who asks for a name (a refused dial leaves none)
# What the lab of a run is, whatever the user's own is.
KNOBS = {
    "FIREWALL": "connlimit", "CONNLIMIT": str(LIMIT), "PORT": "12345", "SYSCTL": "article", "CLIENT_SYSCTL": "stock",
    "HANDLER": "echo", "GREETING": "", "LISTEN": "", "REUSE_ADDRESS": "1", "BACKLOG": "4096", "WORKLOAD": "idle",
    "LOG_FORMAT": "json", "EVENTS": "summary",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """So many `sources`, on `clients` that have `each` of them and dial `in_flight` at once."""

    sources: int
    in_flight: int = 1

    @property
    def each(self) -> int:
        """Source addresses of a client."""
        return min(EACH, self.sources)

    @property
    def clients(self) -> int:
        """Client hosts."""
        return self.sources // self.each

    @property
    def held(self) -> int:
        """Connections that the limit admits."""
        return self.sources * LIMIT

    @property
    def refused(self) -> int:
        """Dials that it refuses."""
        return self.sources * (DIALS - LIMIT)


def plan_of(sources: int, in_flight: int = 1) -> Plan:
    """Return the plan for so many sources. Raises `Usage` if they are not whole clients."""
    if sources in [2**n for n in range(LEAST.bit_length() - 1, MOST.bit_length())]:
        return Plan(sources, in_flight)
    raise Usage(
        f"SOURCES={sources} is no power of two from {LEAST} to {MOST}",
        f"{EACH} are on one client, and the blocks of more than {MOST} sources do not fit",
        next_step="SOURCES=1024",
    )


def settings_for(menu: Settings, run: Plan) -> Settings:
    """Return the settings of the run's own lab: one server process where that has descriptors enough."""
    knobs = {
        **KNOBS,
        "COMPOSE_PROJECT_NAME": project(menu),
        "CLIENTS": run.clients,
        "SOURCES_PER_CLIENT": run.each,
    }
    if "BACKLOG" in menu.explicit:  # given for this run, to see what a short accept queue does
        knobs["BACKLOG"] = menu.values["BACKLOG"]
    process = plan.SERVER_DESCRIPTORS - plan.SPARE
    if run.held <= process:
        knobs |= {"SERVER_MODE": "selectors"}
    else:  # one more than are needed: whoever is woken for a newcomer takes it, so they do not fill evenly
        knobs |= {"SERVER_MODE": "prefork", "WORKERS": -(-run.held // process) + 1}
    of_menu = {name: menu.menu[name] for name in OF_MODES}  # what is left of another mode
    return dataclasses.replace(menu, values={**menu.values, **of_menu}).changed(**knobs)


def check(settings: Settings, run: Plan) -> None:
    """Compare the plan with the engine's machine. Raises `NotFit` with what is short, the number, and what fits."""
    need = run.held * CONNECTION_BYTES + run.clients * CLIENT_BYTES + SERVER_BYTES
    free = engine_machine.available_bytes(settings)
    tracked = engine_machine.conntrack_entries(settings)
    addresses = blocks.most_clients(run.each)
    limits = (
        (need, free, "bytes of memory"),
        (run.held + OTHERS, tracked, "tracked connections (net.netfilter.nf_conntrack_max)"),
        (run.clients, addresses, f"clients with {run.each} addresses each in {blocks.POOL}"),
    )
    for wanted, most, what in limits:
        if most is not None and wanted > most:
            raise NotFit(
                f"SOURCES={run.sources} needs {wanted:,} {what}, and there are {most:,}",
                next_step=_advice(run, wanted, most),
            )


def project(menu: Settings) -> str:
    """Return the Compose project of the lab that this process brings up."""
    return f"{prefix(menu.project)}{os.getpid()}"


def prefix(project: str) -> str:
    """Return how the projects of such labs begin."""
    return f"{project}-scale-"


def _advice(run: Plan, wanted: int, most: int) -> str:
    """Name the next smaller number of sources that fits; none may."""
    fits = run.sources * most // wanted
    return f"SOURCES={2 ** (fits.bit_length() - 1)}" if fits >= LEAST else "a larger machine"
