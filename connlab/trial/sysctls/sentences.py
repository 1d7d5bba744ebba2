"""What is said of a line of kernel settings, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connlab.trial.sysctls import facts
from connlab.trial.sysctls.lines import Setting
from connlab.trial.sysctls.seen import NOT_SET, Look, Seen, same

PORT_RANGE = "net.ipv4.ip_local_port_range"
FIN_TIMEOUT = "net.ipv4.tcp_fin_timeout"


def sentences(
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
        yield f"it has no effect beside {cancelled_by(seen.setting, in_force)}"
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


def known(seen: Seen, found: Sequence[str], ports: Sequence[int]) -> Iterator[str]:
    """Say which side it acts on, and what was measured of it."""
    fact = facts.fact(seen.setting.key)
    if fact is not facts.NOTHING or (seen.setting.key and "absent" not in found):
        yield fact.text
    words = seen.setting.asked.split()
    if not all(word.isdigit() for word in words) or NOT_SET & set(found):
        return
    numbers = [int(word) for word in words]
    if seen.setting.key == PORT_RANGE and len(numbers) == 2:
        inside = [str(port) for port in dict.fromkeys(ports) if numbers[0] <= port <= numbers[1]]
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


def cancelled_by(setting: Setting, in_force: Mapping[str, str]) -> str:
    """Name the line that takes the effect of a setting, and why; empty if none does."""
    other, value, why = facts.CANCELS.get(setting.key, ("", "", ""))
    return f"{other}={value}: {why}" if same(value, in_force.get(other)) and setting.asked != "0" else ""
