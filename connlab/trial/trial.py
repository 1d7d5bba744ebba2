"""A trial from beginning to end: files in, what they do to clients out."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from connlab.base.errors import NotFit
from connlab.base.output import notice
from connlab.trial import findings
from connlab.trial.answer import cannot_run, not_tried, rows, rules, unmet
from connlab.trial.answer.record import RULES, TrialRecord
from connlab.trial.answer.ways import places
from connlab.trial.dialling import battery, estimate, neighbours, offices, plan
from connlab.trial.dialling.doubts import doubtful
from connlab.trial.dialling.plan import Wishes
from connlab.trial.expected import judged as expectations
from connlab.trial.expected.words import Expectation
from connlab.trial.files import interfaces
from connlab.trial.files.forms import Input
from connlab.trial.files.loading import load
from connlab.trial.hosts.conductor import Conductor, Progress
from connlab.trial.hosts.machine import Machine
from connlab.trial.repairs.trials import NONE, Repairs, repairs
from connlab.trial.rules import facts
from connlab.trial.sysctls import trial as sysctls
from connlab.trial.sysctls.judged import Tried

WAITS = 3  # a trial may take so many times the patience of a step longer: one stage after another may wait that long
PROCESSES, SCRIPT_PROCESSES = 512, 128


def try_files(
    machine: Machine,
    inputs: Sequence[Input],
    wishes: Wishes,
    progress: Progress,
    *,
    expected: Sequence[Expectation],
    record: TrialRecord,
) -> dict[str, Any]:
    """Try files on hosts of their own. Raises `LabError`, `NotFit` without an engine, `GaveUp` at its deadline."""
    rules_files = [each for each in inputs if each.form not in sysctls.READERS]
    try:
        with sysctls.observing(machine, sysctls.read(inputs)) as judge:
            if rules_files or wishes.ports or wishes.offices:
                answer, kernel = _tried(machine, rules_files, wishes, progress, judge=judge, record=record)
            else:
                record.keep(RULES, {"texts": "", "rules": []})
                answer, kernel = _answer([], [], [], []), judge(())
    finally:
        record.close()
    answer = cannot_run.marked(answer, rules_files, facts.UNNAMED[0])
    answer = {**sysctls.added(answer, kernel, inputs), "kernel": machine.kernel.entry}
    return {**answer, "expectations": expectations.judge(expected, answer)}


def _tried(
    machine: Machine, inputs: Sequence[Input], wishes: Wishes, progress: Progress, *,
    judge: sysctls.Judge, record: TrialRecord,
) -> tuple[dict[str, Any], Tried]:  # fmt: skip
    """Try rules, with those kernel settings in force that a host can have."""
    within = machine.within + WAITS * wishes.patience
    with machine.sandbox(int(within) + 30, PROCESSES) as stream:
        conductor = Conductor(stream, within, progress, record.exchange, doubtful)
        loaded = load(conductor, inputs, functools.partial(_script_host, machine, record))
        record.keep(RULES, places(loaded))
        named = facts.facts(loaded.ruleset, loaded.missing)
        ports = [*named.ports, *wishes.ports]
        kernel = sysctls.with_scripts(machine, judge(ports), loaded, ports)
        if inputs and not any(file["loaded"] for file in loaded.files):
            return _answer(loaded.files, [], [], []), kernel
        laid_out = plan.also_with(plan.plan(named, loaded.texts, wishes), interfaces.by_index(loaded.ruleset))
        kernel, laid_out = sysctls.usable(conductor, laid_out, kernel)
        if machine.is_engines and (words := estimate.announcement(laid_out, loaded.ruleset)):
            notice(words)
        visits = offices.visits(laid_out, wishes)
        visited = conductor.begin([offices.scenario(laid_out, visit) for visit in visits])
        asked = neighbours.ask(conductor, laid_out, loaded.ruleset)
        tried = battery.run(conductor, laid_out, loaded.ruleset)
        idle = unmet.unmet(conductor, laid_out, loaded.ruleset, tried)
        strangers = neighbours.seen(conductor, asked)
        entries = [rows.row(each, laid_out, loaded.ruleset, loaded.lines) for each in tried]
        entries = [neighbours.noted(each, strangers) for each in entries]
        evidence = findings.Evidence(loaded, laid_out, tried, entries, idle, neighbours=strangers)
        found = findings.found(evidence)
        better = repairs(conductor, evidence, found)
        offices_seen = [
            offices.entry(*each) for each in zip(visits, conductor.observations(visited), strict=True)
        ]
    told = [findings.entry(*each, other) for each, other in zip(found, better.instead, strict=True)]
    quiet = rules.silent(loaded.ruleset.rules, tried)
    files = not_tried.added(loaded.files, loaded.ruleset, loaded.lines, quiet)
    files = not_tried.with_what_is_left(files, named, laid_out)
    answer = _answer(files, entries, rules.entries(loaded, tried), told, better)
    return {**answer, "offices": offices_seen}, kernel


@contextlib.contextmanager
def _script_host(machine: Machine, record: TrialRecord) -> Iterator[Conductor]:
    """Start a sandbox for a script alone, which can spoil nothing but that."""
    with machine.sandbox(int(machine.script_within) + 30, SCRIPT_PROCESSES) as stream:
        yield Conductor(stream, machine.script_within, keep=record.exchange)


def exit_status(answer: dict[str, Any]) -> int:
    """Return 1 if a file did not load, or not all of it, or an expectation does not hold; 0 whatever was found.

    3 if a rule uses what this kernel lacks, so that its port cannot be tried.
    """
    if any("cannot_run" in row for row in answer["ports"]):
        return NotFit.status
    loaded = all(file["loaded"] is True for file in answer["files"])
    return 0 if loaded and all(each["holds"] for each in answer["expectations"]) else 1


def _answer(
    files: Sequence[Any],
    ports: Sequence[Any],
    entries: Sequence[Any],
    found: Sequence[Any],
    better: Repairs = NONE,
) -> dict[str, Any]:
    return {
        "schema": 1, "files": list(files), "ports": list(ports), "rules": list(entries), "findings": list(found),
        "repairs": better.entry(), "sysctls": [], "offices": [], "expectations": [],
    }  # fmt: skip
