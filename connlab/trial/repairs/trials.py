"""Repairs tried: the same dials on fresh hosts, with the rules as they would be; told where it makes a difference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from connlab.trial import addresses, scenarios
from connlab.trial.conductor import Conductor
from connlab.trial.findings.evidence import Evidence
from connlab.trial.observations import Observation, letters, observation, pattern
from connlab.trial.plan import BEYOND, Plan, request
from connlab.trial.repairs.job import Found, Job
from connlab.trial.repairs.jobs import jobs
from connlab.trial.tried import Tried

Instead = Mapping[str, Any]


def instead(conductor: Conductor, evidence: Evidence, found: Sequence[Found]) -> list[Instead | None]:
    """Return for each finding what would do what was probably meant, and its dials; None where nothing is known.

    A repair whose text does not load, or that changes nothing of what the finding shows, is none.
    """
    result: list[Instead | None] = [None] * len(found)
    todo = _loading(conductor, evidence.plan, jobs(evidence, found))
    requests = [(job, name, one) for job in todo for name, one in _requests(evidence.plan, job).items()]
    answers = conductor.ask([one for *_, one in requests])
    seen: dict[int, dict[str, Observation]] = {}
    for (job, name, one), answer in zip(requests, answers, strict=True):
        seen.setdefault(id(job), {})[name] = observation(answer, one)
    for job in todo:
        for number, scene in job.about.items():
            if SCENES[scene](job.tried, seen[id(job)]):
                result[number] = result[number] or _told(job, seen[id(job)])
    return result


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


def _requests(plan: Plan, job: Job) -> dict[str, dict[str, Any]]:
    """Return the scenarios of a job by their names: `dials`, and `live` and `held` where they show the difference."""
    changed, scenes = plan._replace(texts=[*plan.texts, *job.texts]), set(job.about.values())
    made = {"dials": _dials(changed, job.tried, scenes)}
    if "live" in scenes:
        made["live"] = scenarios.live(changed, job.tried.row, job.tried.limit, tracked=False)
    if "held" in scenes and (port := _other(job.tried)):
        made["held"] = scenarios.held(changed, job.tried.row, port, len(job.tried.held[port].of("held")))
    return made


def _dials(plan: Plan, tried: Tried, scenes: Collection[str]) -> dict[str, Any]:
    """Dial from the first source; let those in say something, or a neighbour dial, if that is what shows it."""
    row, other = tried.row, _neighbour(tried)
    dial: dict[str, Any] = {"do": "dial", "count": plan.cap, "beyond": BEYOND}
    steps: list[dict[str, Any]] = [
        {"do": "load", "texts": plan.texts},
        {**dial, "routes": [[row.source, row.target, row.port]], "group": "in"},
    ]
    if "said" in scenes:
        steps.append({"do": "say", "group": "in"})
    if "neighbour" in scenes:
        route = [other, row.target, row.port]
        steps.append(
            {"do": "dial", "routes": [route], "count": plan.cap, "beyond": BEYOND, "name": "neighbour"}
        )
    return request(plan, row, steps, [row.source, other])


def _told(job: Job, seen: Mapping[str, Observation]) -> Instead:
    """Say what the repair does: the dials of the first source, where ports shared a count those after another's."""
    dials = seen["held" if "held" in seen else "dials"].of("dial")
    return {"text": f"with {job.words}", "pattern": pattern(letters(dials))}


def _more_in_all(tried: Tried, seen: Mapping[str, Observation]) -> bool:
    return letters(seen["dials"].of("dial")) != letters(tried.dials)


def _neighbour_gets_more(tried: Tried, seen: Mapping[str, Observation]) -> bool:
    before = (
        tried.letters_of("two_more", "inside" if tried.sources[0] else "outside")
        if any(tried.sources)
        else []
    )
    return _first(letters(seen["dials"].of("neighbour"))) > _first(before)


def _fewer_dead(tried: Tried, seen: Mapping[str, Observation]) -> bool:
    return _harmed(seen["dials"]) < _harmed(tried.seen["limit"])


def _fewer_harmed(tried: Tried, seen: Mapping[str, Observation]) -> bool:
    return _harmed(seen["live"]) < _harmed(tried.seen["live_untracked"])


def _port_gets_more(tried: Tried, seen: Mapping[str, Observation]) -> bool:
    return "held" in seen and _first(letters(seen["held"].of("dial"))) > _first(
        letters(tried.held[_other(tried)].of("dial"))
    )


SCENES: Mapping[str, Callable[[Tried, Mapping[str, Observation]], bool]] = {
    "dials": _more_in_all, "neighbour": _neighbour_gets_more, "said": _fewer_dead, "live": _fewer_harmed,
    "held": _port_gets_more,
}  # fmt: skip


def _first(dialled: Sequence[str]) -> int:
    """Count those who got in before the first that did not."""
    return next((number for number, letter in enumerate(dialled) if letter != "E"), len(dialled))


def _harmed(seen: Observation) -> int:
    """Count the connections that said something and had no answer."""
    said = str(seen.step("say")["one"])
    return len(said) - said.count("e")


def _neighbour(tried: Tried) -> str:
    """Choose a neighbour: one who shared the count, else one who may have."""
    inside, outside = tried.sources
    return inside or outside or addresses.neighbour(tried.row.source, 24) or tried.row.source


def _other(tried: Tried) -> int:
    """Return another port whose connections took from this one's count; 0 if there is none."""
    return next(
        (port for port, seen in tried.held.items() if _first(letters(seen.of("dial"))) < (tried.limit or 0)),
        0,
    )
