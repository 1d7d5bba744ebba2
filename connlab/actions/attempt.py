"""An experiment that a person runs by hand: dial from one client, and tell what becomes of it as it comes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from connlab.actions import blocks_of_sources, holding, repeated_syns, witness
from connlab.actions.running_client import running_client
from connlab.actions.witness import ServerSample
from connlab.agent.channel import AgentFailed
from connlab.agent.session import Agent
from connlab.base.errors import GaveUp, LabError
from connlab.base.model import Attempt, Outcome
from connlab.base.settings import Settings
from connlab.base.wait import until
from connlab.cluster import block_routes, dense, hosts
from connlab.cluster.host import Host
from connlab.cluster.stream import StreamClosed
from connlab.kernel import policy

# Dials that hang run together, so that sixteen of them take as long as one; those that end at once never do.
IN_FLIGHT = 256
NOTICED = 2.0  # seconds for the engine to know that a host has ended
LATE = "interrupted before the server was asked"


def _nobody(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Reporter:
    """Who is told: of each attempt as it ends, of the sums, of each second of a hold."""

    dial: Callable[[Attempt], None] = _nobody
    sums: Callable[[Mapping[str, Any]], None] = _nobody
    hold: Callable[[holding.HoldSample], None] = _nobody


def attempt(
    settings: Settings,
    number: int,
    count: int,
    hold: int,
    reporter: Reporter | None = None,
    *,
    source_text: str | None = None,
) -> dict[str, Any]:
    """Dial `count` times from client `number`, keep what was established for `hold` seconds, or as long as the server.

    `source_text` is the number or the address of a source of its block, in a dense lab; else its own address.

    A dial starts PACE_MS after the start and after the end of any other, so that the boundary is exact; one that
    hangs does not keep the next one waiting. Each attempt goes to `reporter` and is not kept. The answer has the
    sums, the second witness, each refusing rule's own count, and whether the policy is in force. Cut short it has
    what there was by then: `interrupted` by Ctrl-C, `error` if the client or its agent went away. Raises `Usage` if
    there is no such client, `LabError` if there is no server, or if a start took the client's block away.
    """
    progress = reporter or Reporter()
    lab_hosts = hosts.find(settings.project)
    server = hosts.server(settings.project, lab_hosts)
    dialler = running_client(lab_hosts, number)
    for host in (server, dialler):
        if host.trouble:  # it runs, and nothing that it dials, or that dials it, has a way
            raise LabError(f"{host.name} is {host.trouble}", next_step="make up, which brings it back")
    asked_source = source_text and _source(settings.project, source_text, server, dialler)
    outcomes: Counter[Outcome] = Counter()
    result: dict[str, Any] = {"schema": 1, "client": dialler.name, "asked": count, "repeated_syns": None}
    result |= {"interrupted": False, "error": None, **dataclasses.asdict(holding.HoldOutcome())}
    source, after = asked_source or dialler.address, ServerSample(None, LATE)
    with Agent(dialler) as agent, witness.repeated_command(server) as asked:
        before = witness.sample_server(asked)

        def note(dials: Iterable[Attempt]) -> None:
            nonlocal source
            for dial in dials:
                outcomes[dial.outcome] += 1
                source = dial.source or source
                progress.dial(dial)

        try:
            in_flight = min(count, IN_FLIGHT)
            repeated_before = repeated_syns.count(agent)
            note(agent.dials(count, port=settings.port, in_flight=in_flight, source=asked_source))
            result["repeated_syns"] = repeated_syns.since(agent, repeated_before)
        except KeyboardInterrupt:
            result["interrupted"] = True
            note(agent.ended_dials())
        except (StreamClosed, GaveUp, AgentFailed) as error:
            result["error"] = _why(dialler, error)
        if result["interrupted"] or result["error"]:
            agent.end()  # which stops it, and releases what it holds
        try:
            after = witness.sample_server(asked)
        except KeyboardInterrupt:
            result["interrupted"] = True
        seen = witness.compare_samples(before, after, source, outcomes, result["repeated_syns"])
        result |= _sums(outcomes, seen)
        progress.sums(result)
        if not (result["interrupted"] or result["error"]):
            result |= _held(dialler, agent, outcomes[Outcome.ESTABLISHED], hold, progress)
    return result


def _source(project: str, text: str, server: Host, dialler: Host) -> str:
    """Return the address that is meant, from which the client can dial. Raises `Usage` or `LabError`."""
    found = dense.of_lab(project)
    source = blocks_of_sources.source(text, dialler, found)
    if found and (lacks := block_routes.lacks(found, server, [dialler])):
        what = f"{dialler.name} cannot dial from {source}: {lacks[dialler.id]}"
        raise LabError(what, next_step="make up, which sets its block again")
    return source


def _sums(outcomes: Mapping[Outcome, int], second_witness: witness.Witness) -> dict[str, Any]:
    return {
        "outcomes": {str(outcome): n for outcome, n in outcomes.items()},
        "rule_packets": second_witness.rule_packets,
        "refused_by_policy": second_witness.refused,
        "complete": second_witness.complete,
        "witness": second_witness.words,
        "rules": [
            {"table": rule.table, "text": rule.text, "packets": n} for rule, n in second_witness.change.rules
        ],
        "judged": policy.describe_packets(second_witness.change),
        "policy": second_witness.policy,
    }


def _held(dialler: Host, agent: Agent, established: int, seconds: int, reporter: Reporter) -> dict[str, Any]:
    """Hold the connections, then close them with FIN; what became of them (connlab/actions/holding.py)."""
    outcome = holding.HoldOutcome()
    result: dict[str, Any] = {}
    try:
        holding.hold(agent, established, seconds, outcome, reporter.hold)
    except KeyboardInterrupt:
        result["interrupted"] = True
    except (StreamClosed, GaveUp, AgentFailed) as error:
        result["error"] = _why(dialler, error)
    return result | dataclasses.asdict(outcome)


def _why(host: Host, error: LabError) -> LabError:
    """Say why a conversation with a host ended: its state, if it does not run; else the error's own words."""
    if not isinstance(error, StreamClosed):
        return error
    with suppress(GaveUp):  # the stream ends a moment before the engine knows why
        until(lambda: witness.container_state(host) != "running", f"{host.name} has ended", NOTICED)
    if (state := witness.container_state(host)) != "running":
        return LabError(
            f"{host.name} is {state}", "it went away in the middle", next_step="make up, which brings it back"
        )
    return LabError(error.what, error.why, next_step="try again; the host itself runs")
