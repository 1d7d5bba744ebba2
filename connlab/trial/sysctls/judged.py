"""What files of kernel settings come to: `files[]`, `sysctls[]`, and what they leave in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.files.forms import Input
from connlab.trial.sysctls.lines import Brought, Setting
from connlab.trial.sysctls.observed import File, Observed, groups
from connlab.trial.sysctls.verdicts import entries, was_set

Entry = dict[str, Any]


class Tried(NamedTuple):
    """`files[]` and `sysctls[]`, and what is in force where all is set: values by path below /proc/sys."""

    files: Sequence[Entry] = ()
    sysctls: Sequence[Entry] = ()
    in_force: Mapping[str, str] = {}
    scripts: Sequence[Entry] = ()  # of scripts that a shell ran: what became of the lines that set a key


def judge(files: Sequence[File], observed: Observed, ports: Sequence[int]) -> Tried:
    """Say what became of each file and each line; `ports` are those that services have."""
    lines = [each for group in groups(files, engine=False) for each in group.settings]
    sysctls = entries([observed.of_tool(each) for each in lines], ports)
    in_force = _in_force(lines, sysctls)
    ways: list[dict[str, str]] = []
    for brought, found in files:
        for group in (group for group in found.groups if group.engine):
            seen = [observed.of_engine(group, each) for each in group.settings]
            judged = entries(seen, ports, kubernetes=brought.form == "kubernetes")
            blamed = [each.setting for each in seen if each.status]
            sysctls += _with_blame(judged, blamed)
            ways.append({} if blamed else _in_force(group.settings, judged))
    if len(ways) == 1:  # of several containers, none is the host of the rules
        in_force |= ways[0]
    return Tried([_file(*each, observed, sysctls) for each in files], _once(sysctls), in_force)


def _with_blame(judged: Sequence[Entry], blamed: Sequence[Setting]) -> list[Entry]:
    """Add to each line of a container that does not start which lines are to blame."""
    if not blamed:
        return list(judged)
    numbers = [each.line for each in blamed]
    which = f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
    return [
        {**entry, "text": f"{entry['text']}; the container does not start, for {which}"} for entry in judged
    ]


def _in_force(settings: Sequence[Setting], judged: Sequence[Entry]) -> dict[str, str]:
    """Return what the lines leave in force in a network namespace."""
    return {
        each.written_path: each.asked
        for each, entry in zip(settings, judged, strict=True)
        if was_set(entry) and each.path.startswith("net/")
    }


def _file(brought: Input, found: Brought, observed: Observed, sysctls: Sequence[Entry]) -> Entry:
    """Tell what became of a file: whether all of it is in force, its tool's exit status, and what was said."""
    said = [(each.line, each.text) for each in found.remarks]
    statuses, parts = [], [False for each in found.remarks if each.left_out]
    for group in found.groups:
        if group.engine:
            seen = [observed.of_engine(group, each) for each in group.settings]
            statuses.append(max((each.status for each in seen), default=0))
            parts.append(not statuses[-1])
        else:
            seen = [observed.of_tool(each) for each in group.settings]
            statuses += [each.status for each in seen]
            parts += [was_set(entry) for entry in sysctls if entry["file"] == brought.path]
        said += [(each.setting.line, text) for each in seen for text in each.said.splitlines()]
    refused = any(each.refuses for each in found.remarks)
    # A script ends with the status of its last command; sysctl -p with 1 if any line failed, an engine too.
    status = statuses[-1:] if brought.form == "sysctl-commands" else statuses
    return {
        "path": brought.path, "form": brought.form,
        "loaded": not refused and (all(parts) or ("partly" if any(parts) else False)),
        "exit": max([int(refused), *status]),
        "messages": [{"line": line, "text": text} for line, text in sorted(said)],
    }  # fmt: skip


def _once(sysctls: Sequence[Entry]) -> list[Entry]:
    """Leave out a line that comes again, as one of a YAML anchor does for each service."""
    return list({(entry["file"], entry["line"], entry["key"]): entry for entry in sysctls}.values())
