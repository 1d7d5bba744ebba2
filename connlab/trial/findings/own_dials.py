"""What rules do to the server's own connections: outgoing ones, and those to itself."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.findings.evidence import INWARD, Evidence, Finding, Kind
from connlab.trial.observations import Dial, got_in, letters, pattern
from connlab.trial.tried import Tried


def outgoing_counted(evidence: Evidence) -> Iterator[Finding]:
    """Find counts that take in connections that the server itself opened to its clients."""
    told = set()
    for tried in evidence.tried:
        out = tried.seen["outgoing"].of("out") if "outgoing" in tried.seen else []
        refused = [dial for dial in out if _refused_coming_back(evidence, dial)]
        back = tried.seen["outgoing"].of("in") if out and tried.limit else []
        fewer = (
            tried.limit is not None
            and bool(back)
            and (got_in(back) or 0) < tried.limit
            and out[0].letter == "E"
        )
        key = tried.row.family, tried.judge
        if (refused or fewer) and key not in told:
            told.add(key)
            what = "are refused when the answer comes" if refused else "take places of its clients"
            rule = (
                refused[0].judge.place
                if refused and refused[0].judge
                else tried.judge.place
                if tried.judge
                else None
            )
            yield Finding(
                f"outgoing connections of the server itself are counted, and {what}",
                tried, evidence.line(rule), f"outgoing {pattern(letters(out))}, then incoming {pattern(letters(back))}",
            )  # fmt: skip


def loopback_limited(evidence: Evidence) -> Iterator[Finding]:
    """Find limits that hold for connections of the server to itself too."""
    told = set()
    for tried in evidence.tried:
        dials = tried.seen["loopback"].of("dial") if "loopback" in tried.seen else []
        refused = [
            dial for dial in dials if dial.letter != "E" and dial.judge and dial.judge.verdict == "drop"
        ]
        limited = refused and (
            evidence.limited(refused[0]) or (dials[0].letter == "E" and bool(tried.reached))
        )
        key = tried.row.port, tried.row.family
        if limited and key not in told:
            told.add(key)
            yield Finding(
                f"port {tried.row.port}{_over(tried)}: connections of the server to itself are limited too",
                tried, evidence.line(refused[0].judge.place if refused[0].judge else None), pattern(letters(dials)),
            )  # fmt: skip


def _refused_coming_back(evidence: Evidence, dial: Dial) -> bool:
    """Tell whether a rule that counts, and that sees what comes in, refused an outgoing dial."""
    rule = evidence.judging(dial)
    inward = rule is not None and bool(evidence.jumps.hooks(rule.place[:3]) & INWARD)
    return dial.letter != "E" and inward and evidence.limited(dial)


def _over(tried: Tried) -> str:
    return " over IPv6" if tried.row.family == 6 else ""


KINDS = (
    Kind(
        "outgoing-counted",
        "outgoing connections of the server are refused by a limit on what comes in, or take a client's places",
        outgoing_counted,
    ),
    Kind(
        "loopback-limited",
        "connections of the server to itself over loopback are refused by a limit",
        loopback_limited,
    ),
)
