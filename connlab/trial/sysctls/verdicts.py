"""What each line of kernel settings comes to: verdicts of a closed set (docs/try.md), and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connlab.trial.sysctls import facts
from connlab.trial.sysctls.seen import NOT_SET, Seen, decimal, same
from connlab.trial.sysctls.sentences import cancelled_by, known, sentences


def entries(group: Sequence[Seen], ports: Sequence[int], *, kubernetes: bool = False) -> list[dict[str, Any]]:
    """Judge the lines of what is set together, in their order: `sysctls[]`."""
    basic = [_basic(seen) for seen in group]
    last = {
        seen.setting.written_path: at
        for at, (seen, verdict) in enumerate(zip(group, basic, strict=True))
        if not verdict
    }
    in_force = {group[at].setting.key: group[at].setting.asked for at in last.values()}
    result = []
    for at, (seen, verdict) in enumerate(zip(group, basic, strict=True)):
        if seen.setting.excludes:
            result.append(_excluded(seen))
            continue
        found = [verdict] if verdict else []
        if not verdict and last[seen.setting.written_path] > at:
            found.append("overridden")
        if not verdict and cancelled_by(seen.setting, in_force):
            found.append("cancelled")
        changed = _changed_before(group[:at], basic, seen)
        found += _remarks(seen, verdict, changed)
        if not verdict and not {"overridden", "cancelled", "already-so"} & set(found):
            found.append("applied")
        overriding = group[last[seen.setting.written_path]].setting.line if "overridden" in found else 0
        words = [*sentences(seen, found, overriding, in_force, changed), *known(seen, found, ports)]
        if kubernetes and seen.setting.key not in facts.SAFE:
            words.append("a kubelet sets it only if --allowed-unsafe-sysctls names it")
        result.append({
            "file": seen.setting.file, "line": seen.setting.line or None,
            "key": seen.setting.key or seen.setting.written.strip(),
            "asked": seen.setting.asked, "before": seen.before.value if seen.before else None,
            "after": seen.after, "verdict": found, "text": "; ".join(words),
        })  # fmt: skip
    return result


def _excluded(seen: Seen) -> dict[str, Any]:
    return {
        "file": seen.setting.file, "line": seen.setting.line or None, "key": seen.setting.key, "asked": "",
        "before": None, "after": None, "verdict": [],
        "text": "it sets nothing: it takes its key out of what patterns set (sysctl.d(5))",
    }  # fmt: skip


def finding(entry: Mapping[str, Any], verdict: str) -> dict[str, Any]:
    """Write a verdict as one of `findings[]`."""
    shown = ", ".join(
        f"{name} {entry[name]}" for name in ("asked", "before", "after") if entry[name] is not None
    )
    return {
        "id": verdict, "file": entry["file"], "line": entry["line"], "port": None, "family": None,
        "text": f"{entry['key']}: {entry['text']}", "evidence": shown, "instead": None,
    }  # fmt: skip


def was_set(entry: Mapping[str, Any]) -> bool:
    """Tell whether a line set its key, whatever came after."""
    return not NOT_SET & set(entry["verdict"])


def _basic(seen: Seen) -> str:
    """Say why a line does not set its key; empty if it does."""
    key = seen.setting.key
    if not key or not seen.setting.assigns:
        return "invalid"
    if seen.shared and key.startswith("net."):
        return "machine-wide"
    if seen.before is None:
        return "not-in-container" if seen.machine else "absent"
    if seen.own:
        return "privileged-only"
    if not key.startswith("net.") and not facts.is_own(key):
        return "machine-wide"
    if not seen.before.writable:
        return "machine-wide"
    refused = seen.status or (seen.said and not same(seen.setting.asked, seen.after))
    return "invalid" if refused or _ignored(seen) else ""


def _ignored(seen: Seen) -> bool:
    """Tell whether the kernel took nothing of a value, and said nothing; it may take the first words of one."""
    asked, after = seen.setting.asked.split(), (seen.after or "").split()
    taken = asked == after or (asked and all(map(str.__eq__, map(decimal, asked), after)))
    return (
        seen.before is not None and seen.after is not None and seen.after == seen.before.value and not taken
    )


def _changed_before(earlier: Sequence[Seen], basic: Sequence[str], seen: Seen) -> str:
    """Say who gave a key another value than a new container's, before the line came; empty if it had that."""
    if seen.before is None:
        return ""
    path = seen.setting.written_path
    mine = [one for one, verdict in zip(earlier, basic, strict=False)
            if not verdict and one.setting.written_path == path]  # fmt: skip
    now = seen.was if seen.was is not None else mine[-1].setting.asked if mine else seen.before.value
    if now is None or same(now, seen.before.value):
        return ""
    return f"line {mine[-1].setting.line}" if mine else "a line before"


def _remarks(seen: Seen, verdict: str, changed: str) -> Iterator[str]:
    """Yield what is true of a line beside: only where there is a key to compare with."""
    fact, before = facts.fact(seen.setting.key), seen.before
    settable = verdict in ("", "machine-wide", "privileged-only")
    if before and settable and not changed and same(seen.setting.asked, before.value):
        yield "already-so"
    if (
        before
        and not verdict
        and facts.is_size(seen.setting.key)
        and _smaller(seen.setting.asked, before.value)
    ):
        yield "lower-than-default"
    if fact.verdict and settable:
        yield fact.verdict


def _smaller(asked: str, default: str | None) -> bool:
    """Compare numbers in their places."""
    pairs = zip(map(decimal, asked.split()), (default or "").split(), strict=False)
    return any(one.isdigit() and other.isdigit() and int(one) < int(other) for one, other in pairs)
