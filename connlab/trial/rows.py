"""A row of the answer, `ports[]`: what one source, its neighbours and its connections met."""

from __future__ import annotations

from collections import Counter
from typing import Any

from connlab.trial.battery import Tried
from connlab.trial.lines import Lines
from connlab.trial.observations import Dial, Judge, Observation, letters, pattern, refusal
from connlab.trial.plan import Plan
from connlab.trial.ruleset import Ruleset

LIMIT_STEP, SAY_STEP = 3, 4  # of scenarios.limit, after `listen` and `own` and `load`


def row(tried: Tried, plan: Plan, ruleset: Ruleset, lines: Lines) -> dict[str, Any]:
    """Put a row together."""
    seen = tried.seen["limit"]
    dials = seen.of(LIMIT_STEP)
    refused = [dial for dial in dials if dial.letter != "E"]
    judge = (refused or dials)[0].judge
    alive = live(seen)
    return {
        "port": tried.row.port, "family": tried.row.family, "from": tried.row.net, "via": tried.row.via,
        "limit": tried.limit, "cap": plan.cap, "shared_by": shared_by(tried), "ports": shared_ports(tried),
        "refusal": refusal(dials, dead=alive == "dead" and not refused),
        "decided_by": decided_by(judge, ruleset, lines), "pattern": pattern(letters(dials)),
        "late": late(dials), "burst": burst(tried), "live": alive,
        "live_untracked": older(tried, "live_untracked"), "live_tracked": older(tried, "live_tracked"),
        "frees": frees(tried), "again": again(tried), "witnesses_agree": agree(tried),
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
    """Say who shares the count: `address`, `/24`, `everybody`; None where there is no limit to share."""
    if not tried.limit:
        return None
    if tried.shared_prefix is None:
        outside = outside_dials(tried)
        return "everybody" if outside and letters(outside).count("E") < tried.limit else "address"
    return "everybody" if tried.shared_prefix == 0 else f"/{tried.shared_prefix}"


def outside_dials(tried: Tried) -> list[Dial]:
    """Return the dials of the neighbour outside of the net that shares."""
    if not tried.sources or not tried.sources[1]:
        return []
    return list(tried.seen["two_more"].of(-1))


def shared_ports(tried: Tried) -> list[int]:
    """Return the ports that share the count, its own included: those that let fewer in while this one is full."""
    if not tried.limit:
        return [tried.row.port]
    sharing = [port for port, seen in tried.others.items() if letters(seen.of(-1))[:1] != ["E"]]
    return sorted([tried.row.port, *sharing])


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


def live(seen: Observation) -> str | None:
    """Say what became of connections that got in: unharmed, reset, frozen, or dead from their first byte on."""
    said = seen.results[SAY_STEP]
    one, many = said["one"], said["segments"]
    if not one:
        return None
    if "r" in one + many:
        return "reset"
    if "t" in one:
        return "dead"
    return "frozen" if "t" in many else "unharmed"


def older(tried: Tried, name: str) -> str | None:
    """Give the letters of connections that are older than the rules."""
    return str(tried.seen[name].results[-1]["one"]) if name in tried.seen else None


def frees(tried: Tried) -> str | float | None:
    """Say when a closed connection's place was free: at once, after seconds, or not within the patience."""
    if "freeing" not in tried.seen:
        return None
    seconds = tried.seen["freeing"].results[-3]["seconds"]
    return "at once" if seconds == 0 else seconds


def again(tried: Tried) -> str | None:
    """Write the letters of all dials once more, after all was closed."""
    return pattern(letters(tried.seen["freeing"].of(-1))) if "freeing" in tried.seen else None


def agree(tried: Tried) -> bool | None:
    """Compare the trace with the clients: who was let in is established, nobody else. None if the trace has holes."""
    verdicts = []
    for seen in tried.seen.values():
        if not seen.complete:
            return None
        verdicts += [
            (dial.letter in "ED") == (dial.judge.verdict == "accept") for dial in seen.dials if dial.judge
        ]
    return all(verdicts)
