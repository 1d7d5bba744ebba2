"""Rules that drop what neighbours ask each other, so that no SYN comes, or no answer leaves."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.dialling.neighbours import Discovery
from connlab.trial.findings.evidence import Evidence, Finding, Kind
from connlab.trial.rules.ruleset import Place

ASKED = {4: "ARP requests", 6: "neighbour solicitations"}


def neighbour_silent(evidence: Evidence) -> Iterator[Finding]:
    """Find families over which strangers do not find the server, or it does not find them; of open ports only."""
    told: dict[tuple[int, bool, tuple[Place, ...]], list[str]] = {}
    for each in evidence.neighbours:
        if not (each.server and each.client) and _lets_in(evidence, each):
            told.setdefault((each.family, each.server, tuple(each.dropped)), []).append(each.via)
    several = len({each.via for each in evidence.neighbours}) > 1
    for (family, found, dropped), ways in told.items():
        where = f" via {', '.join(ways)}" if several else ""
        what = f"the server's own {ASKED[family]} get no answer{where}: it answers those alone who asked for it before"
        if not found:
            what = (
                f"the server answers no {ASKED[family]}{where}: over IPv{family} no SYN comes to it, but from those"
                f" who know it already, and the rows over IPv{family} are about those alone"
            )
        by = " and ".join(dict.fromkeys(evidence.where(place) for place in dropped))
        line = evidence.line(dropped[0]) if dropped else None
        yield Finding(what, None, line, f"dropped by {by}" if by else "")


def _lets_in(evidence: Evidence, discovery: Discovery) -> bool:
    """Tell whether anybody gets in there: what is shut on purpose need not be found."""
    return any(
        tried.limit != 0 and (tried.row.family, tried.row.via) == discovery[:2] for tried in evidence.tried
    )


KINDS = (
    Kind(
        "neighbour-silent",
        "over a family over which somebody gets in, the server does not answer who asks for its link address"
        " (neighbour discovery, ARP), or is not answered itself",
        neighbour_silent,
    ),
)
