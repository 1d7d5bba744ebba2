"""What each line of kernel settings comes to: verdicts of a closed set (docs/try.md), and a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.sysctls import facts
from connlab.trial.sysctls.lines import Setting

NOT_SET = {"absent", "not-in-container", "machine-wide", "privileged-only", "invalid"}
PORT_RANGE = "net.ipv4.ip_local_port_range"
FIN_TIMEOUT = "net.ipv4.tcp_fin_timeout"


class Look(NamedTuple):
    """A key as a new host has it: its value, None if it cannot be read, and whether its mode lets root write it."""

    value: str | None
    writable: bool


class Seen(NamedTuple):
    """What became of a line: its own exit status, the words of its tool or engine, the value afterwards."""

    setting: Setting
    before: Look | None  # None: no new host has the key
    machine: Look | None  # None: the machine does not have it either, or nobody looked
    status: int
    said: str
    after: str | None
    shared: bool = False  # the container has the machine's network
    was: str | None = None  # the value when the line came, where a tool set it
    own: str = ""  # the namespace of a key that is a container's own, and that no engine sets


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
        found = [verdict] if verdict else []
        if not verdict and last[seen.setting.written_path] > at:
            found.append("overridden")
        if not verdict and _cancelled_by(seen.setting, in_force):
            found.append("cancelled")
        changed = _changed_before(group[:at], basic, seen)
        found += _remarks(seen, verdict, changed)
        if not verdict and not {"overridden", "cancelled", "already-so"} & set(found):
            found.append("applied")
        overriding = group[last[seen.setting.written_path]].setting.line if "overridden" in found else 0
        sentences = [*_sentences(seen, found, overriding, in_force, changed), *_known(seen, found, ports)]
        if kubernetes and seen.setting.key not in facts.SAFE:
            sentences.append("a kubelet sets it only if --allowed-unsafe-sysctls names it")
        result.append({
            "file": seen.setting.file, "line": seen.setting.line or None,
            "key": seen.setting.key or seen.setting.written.strip(),
            "asked": seen.setting.asked, "before": seen.before.value if seen.before else None,
            "after": seen.after, "verdict": found, "text": "; ".join(sentences),
        })  # fmt: skip
    return result


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


def same(one: str, other: str | None) -> bool:
    """Compare two values as the kernel reads them: blanks, bases (docs/kernel.md T26)."""
    return other is not None and [_decimal(word) for word in one.split()] == other.split()


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
    taken = asked == after or (asked and all(map(str.__eq__, map(_decimal, asked), after)))
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


def _cancelled_by(setting: Setting, in_force: Mapping[str, str]) -> str:
    other, value, why = facts.CANCELS.get(setting.key, ("", "", ""))
    return f"{other}={value}: {why}" if same(value, in_force.get(other)) and setting.asked != "0" else ""


def _smaller(asked: str, default: str | None) -> bool:
    """Compare numbers in their places."""
    pairs = zip(map(_decimal, asked.split()), (default or "").split(), strict=False)
    return any(one.isdigit() and other.isdigit() and int(one) < int(other) for one, other in pairs)


def _decimal(word: str) -> str:
    """Write a number as /proc/sys does: it is read with base 0."""
    if re.fullmatch(r"-?0[xX][0-9a-fA-F]+", word):
        return str(int(word, 16))
    return str(int(word, 8)) if re.fullmatch(r"-?0[0-7]+", word) else word


def _sentences(
    seen: Seen, found: Sequence[str], overriding: int, in_force: Mapping[str, str], changed: str
) -> Iterator[str]:
    """Say what became of the line."""
    before = seen.before.value if seen.before else None
    if "absent" in found:
        yield "this kernel has no such key"
        if seen.setting.ignored:
            yield 'the hyphen means "ignore errors" to systemd-sysctl; procps says so all the same'
    if "not-in-container" in found:
        yield f"the machine has it ({_value(seen.machine)}), a container does not"
    if "machine-wide" in found:
        yield _whose(seen)
    if "privileged-only" in found:
        yield f"it belongs to the {seen.own} namespace, a container's own, and only a privileged one can set it"
    if "invalid" in found and not seen.setting.assigns:
        yield f"there is no `=` in it, so nothing is set{_said(seen)}"
    elif "invalid" in found and not seen.setting.key:
        yield f"that is no name of a key{_said(seen)}"
    elif "invalid" in found and seen.setting.written:
        yield f"{seen.setting.written!r} has a blank, which an engine takes for a part of the key: {_why(seen)}"
    elif "invalid" in found:
        yield f"the kernel does not take {seen.setting.asked!r}: {_why(seen)}"
    if "overridden" in found:
        yield f"line {overriding} sets it again"
    if "cancelled" in found:
        yield f"it has no effect beside {_cancelled_by(seen.setting, in_force)}"
    if "already-so" in found:
        yield "it is so without this line"
    if changed and not NOT_SET & set(found) and same(seen.setting.asked, before):
        yield f"it takes back what {changed} changed: a new container has it so"
    if "lower-than-default" in found:
        yield f"it is less than the default here, {before}"
    if not NOT_SET & set(found) and seen.after is not None and not same(seen.setting.asked, seen.after):
        yield f"the kernel has {seen.after!r} then"
    if seen.setting.interface:
        yield f"tried on `default`, where new interfaces have it from: there is no {seen.setting.interface} here"


def _known(seen: Seen, found: Sequence[str], ports: Sequence[int]) -> Iterator[str]:
    """Say which side it acts on, and what was measured of it."""
    fact = facts.fact(seen.setting.key)
    if fact is not facts.NOTHING or (seen.setting.key and "absent" not in found):
        yield fact.text
    words = seen.setting.asked.split()
    if not all(word.isdigit() for word in words) or NOT_SET & set(found):
        return
    numbers = [int(word) for word in words]
    if seen.setting.key == PORT_RANGE and len(numbers) == 2:
        inside = [str(port) for port in ports if numbers[0] <= port <= numbers[1]]
        which = f"it holds {', '.join(inside)}" if inside else "where it holds a service's port"
        if inside or not ports:
            yield f"{which}: an outgoing connection can sit on it, and the service then cannot listen again (T27)"
    if seen.setting.key == FIN_TIMEOUT and numbers[0] > 60:
        yield f"above 60 it is twice the difference to 60: {2 * (numbers[0] - 60)} s (T06)"


def _why(seen: Seen) -> str:
    """Return the words of a tool, or the end of an engine's."""
    words = seen.said.removesuffix(": unknown")
    for before in ("runc create failed: ", "container init: "):
        words = words.rpartition(before)[2]
    return words or (f"exit status {seen.status}" if seen.status else "nothing of it")


def _said(seen: Seen) -> str:
    return f": {seen.said}" if seen.said else ""


def _whose(seen: Seen) -> str:
    """Say why a key that is there is no container's to set."""
    if seen.shared:
        return seen.said
    if seen.machine and not seen.machine.writable:
        return "it can only be read, on the machine too"
    if seen.setting.key.startswith("user."):
        return (
            "it belongs to the user namespace, which a container shares with the machine, and cannot change"
        )
    return "it belongs to the whole machine, and a container cannot change it"


def _value(look: Look | None) -> str:
    return look.value if look and look.value is not None else "it cannot be read"
