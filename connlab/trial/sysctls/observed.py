"""What becomes of each line of kernel settings: set by its own tool, or by the engine for a container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.files.forms import Input
from connlab.trial.hosts.machine import Machine
from connlab.trial.sysctls import containers, facts
from connlab.trial.sysctls.containers import Started
from connlab.trial.sysctls.lines import Brought, Group, Setting
from connlab.trial.sysctls.seen import Look, Seen

File = tuple[Input, Brought]
Result = Mapping[str, Any]  # status, said, after; of a tool's also what was there when the line came
STDIN_LINE = "sysctl: -(1):"  # each line is a text of its own, on sysctl's standard input
NOT_PERMITTED = "Operation not permitted"


class Observed(NamedTuple):
    """What the containers said."""

    new: Mapping[str, Look | None]  # keys of a new host
    machine: Mapping[str, Look | None]  # the machine's, of keys that a new host has not
    by_tool: Mapping[Setting, Result]
    started: Mapping[tuple[Setting, ...], Started]  # of what an engine sets together
    release: str = ""  # of the kernel

    def of_tool(self, setting: Setting) -> Seen:
        """Return what became of a line that a tool set."""
        new, machine = self.new.get(setting.path), self.machine.get(setting.path)
        result = dict(self.by_tool[setting])
        result["said"] = result["said"].replace(STDIN_LINE, f"sysctl: {setting.file}({setting.line}):")
        return Seen(setting, new, machine, **result, own=self._own(setting))

    def of_engine(self, group: Group, setting: Setting) -> Seen:
        """Return what became of a line of a container."""
        new, machine = self.new[setting.path], self.machine.get(setting.path)
        if group.machine:
            said = f"{group.name} has the machine's network, where an engine sets no key of it"
            return Seen(setting, new, None, 1, said, new.value if new else None, shared=True)
        result = _result(setting, self.started[group.settings])
        return Seen(setting, new, machine, **result, own=self._own(setting))

    def _own(self, setting: Setting) -> str:
        return facts.privileged(setting.key, self.release)


def groups(files: Sequence[File], *, engine: bool) -> list[Group]:
    """Return what tools set, or what an engine sets."""
    return [group for _, brought in files for group in brought.groups if group.engine == engine]


def observe(machine: Machine, files: Sequence[File]) -> Observed:
    """Set each line, in containers of its own kind. Raises `LabError`, `NotFit`."""
    lines = [each for group in groups(files, engine=False) for each in group.settings]
    engines = groups(files, engine=True)
    every = [*lines, *(each for group in engines for each in group.settings)]
    paths = list(dict.fromkeys(each.path for each in every if each.key))
    engines_own = [each for each in lines if facts.is_own(each.key) and each.assigns]
    by_tool = [each for each in lines if each not in engines_own]
    new, results, release = containers.set_lines(machine.run, paths, by_tool)
    found: dict[Setting, Result] = dict(zip(by_tool, results, strict=True))
    # What nobody without a capability can set, and an engine can.
    engines_own += [each for each in by_tool if _forbidden(new.get(each.path), found[each])]
    for together in _each_key_once(engines_own):
        started = containers.start(machine.run, together)
        found |= {each: _result(each, started) for each in together}
    of_machine = containers.machine_keys(machine.run, [path for path in paths if not _writable(new[path])])
    services = {group.settings: None for group in engines if not group.machine}
    started_together = {each: containers.start(machine.run, each) for each in services}
    return Observed(new, of_machine, found, started_together, release)


def _each_key_once(settings: Sequence[Setting]) -> list[list[Setting]]:
    """Part settings, in their order, so that no part has a key twice: an engine takes one value of each."""
    parts: list[list[Setting]] = []
    seen: dict[str, int] = {}
    for each in settings:
        at = seen[each.path] = seen.get(each.path, -1) + 1
        parts += [[]] if at == len(parts) else []
        parts[at].append(each)
    return parts


def _writable(look: Look | None) -> bool:
    return look is not None and look.writable


def _forbidden(look: Look | None, result: Result) -> bool:
    """Tell whether a key is a network namespace's own, and yet root without a capability may not set it."""
    return _writable(look) and NOT_PERMITTED in result["said"]


def _result(setting: Setting, started: Started) -> Result:
    look, words = started.values.get(setting.path), started.blamed.get(setting.path, "")
    return {"status": int(bool(words)), "said": words, "after": look.value if look else None}
