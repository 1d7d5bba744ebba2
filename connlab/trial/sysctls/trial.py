"""Kernel settings within a trial: tried beside the rules, and in force where those are dialled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connlab.trial.dialling.plan import Plan
from connlab.trial.files.forms import Input
from connlab.trial.files.loading import Loaded
from connlab.trial.hosts.conductor import Conductor
from connlab.trial.hosts.machine import Machine
from connlab.trial.sysctls import commands, lines, manifests, scripts
from connlab.trial.sysctls.judged import Entry, Tried, judge
from connlab.trial.sysctls.observed import File, observe
from connlab.trial.sysctls.verdicts import finding

READERS: Mapping[str, lines.Reader] = {
    "sysctl": lines.conf,
    "sysctl-commands": commands.commands,
    "docker-run": commands.docker_run,
    "compose": manifests.compose,
    "kubernetes": manifests.kubernetes,
}
SET_BY_ENGINE = frozenset({"docker-run", "compose", "kubernetes"})  # for a container, which it starts or not
Judge = Callable[[Sequence[int]], Tried]  # of the ports that services have


def read(inputs: Sequence[Input]) -> list[File]:
    """Read the files of kernel settings among these. Raises `Usage` for one that is too long, or that is no YAML."""
    files = [(each, READERS[each.form](each)) for each in inputs if each.form in READERS]
    for each, brought in files:
        lines.count(each.path, brought.groups)
    return files


@contextlib.contextmanager
def observing(machine: Machine, files: Sequence[File]) -> Iterator[Judge]:
    """Observe in a thread, beside what else is done; gives the function that waits for it and judges."""
    if not files:
        yield lambda ports: Tried()
        return
    with ThreadPoolExecutor(1) as pool:
        observed = pool.submit(observe, machine, files)
        yield lambda ports: judge(files, observed.result(), ports)


def with_scripts(machine: Machine, tried: Tried, loaded: Loaded, ports: Sequence[int]) -> Tried:
    """Add what scripts set, line by line; they have their entries in `files[]` already."""
    files = scripts.read(loaded.runs)
    more = judge(files, observe(machine, files), ports) if files else Tried()
    in_force = {**scripts.in_force(loaded.texts), **tried.in_force}
    return Tried(tried.files, [*tried.sysctls, *more.sysctls], in_force, more.files)


def usable(conductor: Conductor, plan: Plan, tried: Tried) -> tuple[Tried, Plan]:
    """Plan with the keys that the servers of scenarios can have, from before they listen; say which they cannot."""
    texts = [text for text in plan.texts if text["tool"] != "sysctl"]
    if not tried.in_force:
        return tried, plan
    request: dict[str, Any] = {"do": "sysctls", "interfaces": plan.interfaces, "via": plan.interfaces[0]}
    request |= {"targets": plan.targets, "sysctls": tried.in_force}
    refused = conductor.ask([request])[0]["refused"]
    sysctls = [_without(entry, refused.get(lines.path_of(entry["key"]), "")) for entry in tried.sysctls]
    in_force = {path: value for path, value in tried.in_force.items() if path not in refused}
    return tried._replace(sysctls=sysctls), plan._replace(texts=texts, sysctls=in_force)


def added(answer: Entry, tried: Tried, inputs: Sequence[Input]) -> Entry:
    """Add files and lines of kernel settings to an answer, in the order in which files were brought."""
    of_scripts = {each["path"]: each for each in tried.scripts}
    mine = iter(tried.files)
    others = iter(_with_settings(each, of_scripts.get(each["path"])) for each in answer["files"])
    files = [next(mine if each.form in READERS else others) for each in inputs]
    found = [
        finding(entry, verdict)
        for entry in tried.sysctls
        for verdict in entry["verdict"]
        if verdict != "applied"
    ]
    return {
        **answer,
        "files": files,
        "sysctls": list(tried.sysctls),
        "findings": [*answer["findings"], *found],
    }


def _with_settings(file: Entry, settings: Entry | None) -> Entry:
    """Tell of a script that loaded what became of its kernel settings: partly, if one could not be set."""
    if settings is None or settings["loaded"] is True:
        return file
    told = {each["line"] for each in file["messages"]}
    more = [each for each in settings["messages"] if each["line"] not in told]
    messages = sorted([*file["messages"], *more], key=lambda each: each["line"] or 1 << 30)
    return {**file, "loaded": file["loaded"] and "partly", "messages": messages}


def _without(entry: Entry, why: str) -> Entry:
    text = f"{entry['text']}; the hosts that were dialled do not have it: {why}"
    return {**entry, "text": text} if why else entry
