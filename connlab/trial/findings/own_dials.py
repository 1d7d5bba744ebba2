"""What rules do to the server's own connections: outgoing ones, and those to itself."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.dialling.dial_words import letters, pattern
from connlab.trial.findings.evidence import Evidence, Finding, Kind, port_words
from connlab.trial.hosts.observations import Dial
from connlab.trial.rules.jumps import INWARD


def outgoing_counted(evidence: Evidence) -> Iterator[Finding]:
    """Find counts that take in connections that the server itself opened to its clients."""
    told = set()
    for tried in evidence.tried:
        out = tried.seen["outgoing"].of("out") if "outgoing" in tried.seen else []
        refused = [dial for dial in out if dial.letter != "E" and _counted(evidence, dial)]
        back = tried.seen["outgoing"].of("in") if out and tried.limit else []
        fewer = bool(tried.reached) and bool(back) and tried.fewer(back) and out[0].letter == "E"
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
            _counted(evidence, refused[0]) or (dials[0].letter == "E" and bool(tried.reached))
        )
        key = tried.row.port, tried.row.family
        if limited and key not in told:
            told.add(key)
            yield Finding(
                f"{port_words(tried)}: connections of the server to itself are limited too",
                tried, evidence.line(refused[0].judge.place if refused[0].judge else None), pattern(letters(dials)),
            )  # fmt: skip


def _counted(evidence: Evidence, dial: Dial) -> bool:
    """Tell whether a rule that counts, and that sees what comes in, decided over a dial of the server's own."""
    rule = evidence.judging(dial)
    inward = rule is not None and bool(evidence.jumps.hooks(rule.place[:3]) & INWARD)
    return inward and evidence.limited(dial)


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
