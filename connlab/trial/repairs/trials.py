"""Repairs tried: the same dials on fresh hosts, with the rules as they would be; told where it makes a difference."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.dialling import rates, scenarios
from connlab.trial.dialling.dial_words import letters, pattern
from connlab.trial.dialling.plan import BEYOND, Plan, request
from connlab.trial.dialling.tasks import do, kept
from connlab.trial.dialling.tried import Tried
from connlab.trial.findings.evidence import Evidence
from connlab.trial.hosts import addresses
from connlab.trial.hosts.conductor import Conductor
from connlab.trial.hosts.observations import Observation
from connlab.trial.repairs import judgements
from connlab.trial.repairs.job import Found, Job
from connlab.trial.repairs.jobs import MOST, jobs
from connlab.trial.rules.ruleset import Ruleset

Instead = Mapping[str, Any]
INSERTED = re.compile(r"^-I (\S+) \d+")


class Repairs(NamedTuple):
    """For each finding what would do what was probably meant; how many repairs were tried, and were not."""

    instead: Sequence[Instead | None]
    tried: int
    not_tried: int

    def entry(self) -> dict[str, Any]:
        """Return `repairs` of the answer."""
        why = f"at most {MOST} are tried, those of different rules first" if self.not_tried else None
        return {"tried": self.tried, "not_tried": self.not_tried, "why": why}


NONE = Repairs([], 0, 0)


def repairs(conductor: Conductor, evidence: Evidence, found: Sequence[Found]) -> Repairs:
    """Try for each finding what would do what was probably meant; None where nothing is known.

    A repair whose text does not load, or that leaves something of what the finding shows, is none.
    """
    result: list[Instead | None] = [None] * len(found)
    wanted, left = jobs(evidence, found)
    todo = _loading(conductor, evidence.plan, wanted)
    seen: dict[int, dict[str, Observation]] = {id(job): {} for job in todo}
    do(conductor, [
        kept(seen[id(job)], name, one) for job in todo for name, one in _requests(evidence, job).items()
    ])  # fmt: skip
    for job in todo:
        for number, scene in job.about.items():
            if judgements.is_one(evidence, found[number][0], scene, job.tried, seen[id(job)]):
                result[number] = result[number] or _told(job, seen[id(job)], scene)
    return Repairs(result, len(wanted), len(left))


def _loading(conductor: Conductor, plan: Plan, wanted: Sequence[Job]) -> list[Job]:
    """Keep the jobs whose texts their tools take."""
    requests = [
        {"do": "load", "texts": [*plan.texts, *job.texts], "interfaces": plan.interfaces} for job in wanted
    ]
    answers = conductor.ask(requests)
    return [
        job
        for job, answer in zip(wanted, answers, strict=True)
        if not any(result["status"] for result in answer["results"])
    ]


def _requests(evidence: Evidence, job: Job) -> dict[str, dict[str, Any]]:
    """Return the scenarios of a job by their names: `dials`, and those beside it that show the difference."""
    plan, ruleset = evidence.plan, evidence.loaded.ruleset
    changed, scenes = plan._replace(texts=[*plan.texts, *job.texts]), set(job.about.values())
    row, limit = job.tried.row, job.tried.limit
    made = {"dials": _dials(changed, job.tried, scenes)}
    if "live" in scenes:
        made["live_untracked"] = scenarios.live(changed, row, limit, tracked=False)
        made["live_tracked"] = scenarios.live(changed, row, limit, tracked=True)
    if "held" in scenes and (port := judgements.other(job.tried)):
        made["held"] = scenarios.held(changed, row, port, len(job.tried.held[port].of("held")))
    if {"freed", "banned"} & scenes:
        made["freeing"] = scenarios.freeing(changed, row, limit or 1)
        made["rate"] = scenarios.rate(changed, row)
    if "banned" in scenes and _may_turn(job, ruleset):
        made["all_closed"] = scenarios.all_closed(changed, row, limit or 1)
    return made


def _may_turn(job: Job, ruleset: Ruleset) -> bool:
    """Tell whether who is let in right after all is closed may be refused some seconds later."""
    lines = (line for text in job.texts for line in text["text"].splitlines())
    return rates.may_turn(ruleset) or rates.any_turns(INSERTED.sub(r"-A \1", line) for line in lines)


def _dials(plan: Plan, tried: Tried, scenes: Collection[str]) -> dict[str, Any]:
    """Dial from the first source; let those in say something, or a neighbour dial, if that is what shows it."""
    row, other = tried.row, _neighbour(tried)
    dial: dict[str, Any] = {"do": "dial", "count": plan.cap, "beyond": BEYOND}
    steps: list[dict[str, Any]] = [
        {"do": "load", "texts": plan.texts},
        {**dial, "routes": [[row.source, row.target, row.port]], "group": "in"},
    ]
    if {"said", "live"}.intersection(scenes):
        segments = "live" in scenes and set(tried.seen["limit"].step("say")["segments"]) - {"e"}
        steps.append({"do": "say", "group": "in", "segments": bool(segments)})
    if "neighbour" in scenes:
        route = [other, row.target, row.port]
        steps.append(
            {"do": "dial", "routes": [route], "count": plan.cap, "beyond": BEYOND, "name": "neighbour"}
        )
    return request(plan, row, steps, [row.source, other])


def _told(job: Job, seen: Mapping[str, Observation], scene: str) -> Instead:
    """Say what the repair does: the dials of the first source; where ports shared a count, those after another's."""
    dials = seen["held" if scene == "held" else "dials"].of("dial")
    return {"text": f"with {job.words}", "pattern": pattern(letters(dials))}


def _neighbour(tried: Tried) -> str:
    """Choose a neighbour: one who shared the count, else one who may have."""
    inside, outside = tried.sources
    return inside or outside or addresses.neighbour(tried.row.source, 24) or tried.row.source
