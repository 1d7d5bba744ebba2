"""A row of the answer, `ports[]`: what one source, its neighbours and its connections met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from connlab.kernel.measured_kernels import is_burst
from connlab.trial.answer import witnesses
from connlab.trial.dialling.dial_words import letters, pattern, refusal
from connlab.trial.dialling.plan import Plan
from connlab.trial.dialling.rates import by_seconds
from connlab.trial.dialling.scenarios import BURSTS
from connlab.trial.dialling.tried import Tried
from connlab.trial.files.lines import Lines
from connlab.trial.hosts.observations import Dial, Judge, Observation
from connlab.trial.rules.rule_verdicts import answers
from connlab.trial.rules.ruleset import Ruleset


def row(tried: Tried, plan: Plan, ruleset: Ruleset, lines: Lines) -> dict[str, Any]:
    """Put a row together."""
    alive = live(tried.seen["limit"])
    answering = {rule.place for rule in ruleset.rules if answers(rule.text)}
    several: dict[str, Any] = {} if tried.row.to == "any" else {"to": tried.row.to}
    agree = witnesses.agree(tried, answering)
    if agree is False:
        several["disagreements"] = witnesses.disagreements(tried, answering)
    if by_seconds(tried, ruleset):
        several["by_seconds"] = True
    return {
        "port": tried.row.port, "family": tried.row.family, "from": tried.row.net, "via": tried.row.via,
        "limit": tried.limit, "cap": plan.cap, "shared_by": shared_by(tried), "ports": shared_ports(tried),
        "refusal": refusal(tried.dials, dead=alive == "dead" and not tried.refused),
        "decided_by": decided_by(tried.judge, ruleset, lines), "pattern": pattern(letters(tried.dials)),
        "late": late(tried.dials), "burst": burst(tried),
        "bursts": bursts(tried), "loopback": loopback(tried), "live": alive,
        "live_untracked": older(tried, "live_untracked"), "live_tracked": older(tried, "live_tracked"),
        "frees": frees(tried), "again": again(tried), "witnesses_agree": agree, **several,
    }  # fmt: skip


def decided_by(judge: Judge | None, ruleset: Ruleset, lines: Lines) -> dict[str, Any]:
    """Name the file, line and text of who decided: a rule, `policy DROP`, or `no rule` where nothing looked."""
    if judge is None:
        return {"file": None, "line": None, "rule": "no rule"}
    if judge.place[3] == 0:
        line = lines.policies.get(judge.place[:3])
        rule = f"policy {judge.verdict.upper()}"
    else:
        line = lines.rules.get(judge.place)
        rule = next(
            (rule.text for rule in ruleset.rules if rule.place == judge.place), "a rule that is not listed"
        )
    return {"file": line.file if line else None, "line": line.line if line else None, "rule": rule}


def shared_by(tried: Tried) -> str | None:
    """Say who shares the count: `address`, `/24`, `everybody`; None where there is none to share."""
    if not tried.limit or not tried.reached:
        return None
    if tried.shared_prefix is None:
        return "address"
    return "everybody" if tried.shared_prefix == 0 else f"/{tried.shared_prefix}"


def shared_ports(tried: Tried) -> list[int]:
    """Return the ports that share the count, its own included."""
    return sorted({tried.row.port, *tried.ports})


def late(dials: list[Dial] | Any) -> str | None:
    """Write what repeated SYNs got, of dials whose first got nothing."""
    silent = [dial.late or "T" for dial in dials if dial.letter == "T"]
    return pattern(silent) if silent else None


def burst(tried: Tried) -> dict[str, int] | None:
    """Count what became of dials that started back to back."""
    if "burst" not in tried.seen:
        return None
    counts = Counter(letters(tried.seen["burst"].dials))
    return {
        "dials": counts.total(), "established": counts["E"], "refused": counts["R"] + counts["D"],
        "silent": counts["T"],
    }  # fmt: skip


def bursts(tried: Tried) -> dict[str, Any] | None:
    """Count who got in of three bursts, all closed in between, and then of dials alone, each closed before the next.

    None where there is no limit to leave a trace of.
    """
    seen = tried.untraced.get("bursts")
    if seen is None:
        return None
    got = [letters(seen.of(step)).count("E") for step in BURSTS]
    alone = letters(seen.of("alone"))
    return {
        "dials": len(seen.of(BURSTS[0])), "established": got,
        "took_ms": [seen.step(step)["took_ms"] for step in BURSTS],
        "alone": len(alone), "alone_established": alone.count("E"),
    }  # fmt: skip


def kept_out(bursts: Mapping[str, Any]) -> bool:
    """Tell whether a later burst got less than the first, or a dial alone was refused after them."""
    first, *later = bursts["established"]
    return bool(min(later) < first or bursts["alone_established"] < bursts["alone"])


def drawn_out(bursts: Mapping[str, Any]) -> bool:
    """Tell whether none of the later bursts was one: then a kernel that locks sources out lets in as others do."""
    return not is_burst(bursts["dials"], min(bursts["took_ms"][1:]))


def loopback(tried: Tried) -> list[str] | None:
    """Write the letters of the server's dials of itself; with a limit also of as many once all was closed."""
    if "loopback" not in tried.seen:
        return None
    steps = ("dial", "again") if "again" in tried.seen["loopback"].names else ("dial",)
    return [pattern(tried.letters_of("loopback", step)) for step in steps]


def live(seen: Observation) -> str | None:
    """Say what became of connections that got in: unharmed, reset, frozen, or dead from their first byte on."""
    said = seen.step("say")
    one, many = said["one"], said["segments"]
    if not one:
        return None
    if "r" in one + many:
        return "reset"
    if set(one) == {"t"}:
        return "dead"
    return "frozen" if "t" in one + many else "unharmed"


def older(tried: Tried, name: str) -> str | None:
    """Give the letters of connections that are older than the rules."""
    return str(tried.seen[name].step("say")["one"]) if name in tried.seen else None


def frees(tried: Tried) -> str | float | None:
    """Say when a closed connection's place was free: at once, after seconds, or not within the patience."""
    if "freeing" not in tried.seen:
        return None
    seconds = tried.seen["freeing"].step("retry")["seconds"]
    return "at once" if seconds == 0 else seconds


def again(tried: Tried) -> str | None:
    """Write the letters of all dials once more, after all was closed."""
    return pattern(tried.letters_of("freeing", "again")) or None
