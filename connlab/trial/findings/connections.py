"""What becomes of connections that are in."""

from __future__ import annotations

from collections.abc import Iterator

from connlab.trial.dialling.dial_words import pattern
from connlab.trial.findings.evidence import Evidence, Finding, Kind, harming_line, refusing_line

BEFORE = {
    "live_untracked": "older than the rules, nothing tracked before",
    "live_tracked": "older than the rules, tracked before",
}


def live_reset(evidence: Evidence) -> Iterator[Finding]:
    """Find connections that were in and are reset when they say something."""
    yield from _harmed(evidence, "r", "reset on their next bytes")


def live_frozen(evidence: Evidence) -> Iterator[Finding]:
    """Find connections that were in and get no answer any more."""
    yield from _harmed(evidence, "t", "no longer answered")


def connected_but_dead(evidence: Evidence) -> Iterator[Finding]:
    """Find ports where connections are established and no byte arrives on any."""
    for tried, row in evidence.with_rows():
        if row["live"] == "dead":
            said = str(tried.seen["limit"].step("say")["one"])
            whose = evidence.about(tried)
            yield Finding(
                f"{whose}: connections are established, and no byte comes back on any of them",
                tried, refusing_line(evidence, tried), pattern(said),
            )  # fmt: skip


def _harmed(evidence: Evidence, letter: str, words: str) -> Iterator[Finding]:
    """Find rows some of whose connections come to that; not of ports that the rules shut."""
    for tried, row in evidence.with_rows():
        if tried.limit == 0:
            continue
        said = tried.seen["limit"].step("say")
        groups = {"that got in": said["one"]} if row["live"] != "dead" else {}
        groups |= {BEFORE[name]: row[name] or "" for name in BEFORE}
        parts = [
            f"{of.count(letter)} of {len(of)} connections {who}" for who, of in groups.items() if letter in of
        ]
        scenarios = [name for name in BEFORE if letter in (row[name] or "")]
        if letter in said["one"] + said["segments"]:
            scenarios = ["limit", *scenarios]
        if letter in said["segments"]:
            parts.append(
                f"{said['segments'].count(letter)} of {len(said['segments'])} that say 200 segments in a second"
            )
        if parts:
            shown = {"in": said["one"], "of 200 segments": said["segments"]}
            shown |= {words: row[name] for name, words in BEFORE.items()}
            yield Finding(
                f"{evidence.about(tried)}: {', and '.join(parts)}: {words}", tried,
                harming_line(evidence, tried, scenarios, by_reset=letter == "r"),
                "; ".join(f"{name}: {pattern(of)}" for name, of in shown.items() if of),
            )  # fmt: skip


KINDS = (
    Kind("live-reset", "a connection that was in is reset when it says something", live_reset),
    Kind("live-frozen", "a connection that was in is no longer answered", live_frozen),
    Kind("connected-but-dead", "connections are established, and no byte arrives on any", connected_but_dead),
)
