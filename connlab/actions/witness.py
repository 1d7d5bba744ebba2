"""The second witness of a dial: what the server reported as refused of one source, and what its rules counted of all.

The client's outcome is the first. The rules count SYNs, whoever sent them; only the reports of an NFLOG rule
name the source (docs/kernel.md C30), and the server process counts those per source.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connlab.actions import repeated_syns
from connlab.base.errors import GaveUp, LabError
from connlab.base.model import Outcome
from connlab.base.wait import until
from connlab.cluster.engine import NotFound, Refused
from connlab.cluster.host import Host
from connlab.cluster.repeated_command import RepeatedCommand
from connlab.kernel import policy, snapshot
from connlab.kernel.snapshot import Snapshot

SETTLED = 5.0  # seconds for the server process to catch up with its kernel


@dataclass(frozen=True)
class ServerSample:
    """The server host at a moment, or why it could not be looked at."""

    snapshot: Snapshot | None
    problem: str = ""


@dataclass(frozen=True)
class Witness:
    """What the server side says of the refusals between two samples.

    `rule_packets`: packets that its refusing rules matched, of all sources; `refused`: refusals that it reported
    of the one source, null if nothing is known. `complete` false: it may have refused more. `words` say all of it.
    `change` has the rules one by one, `policy` whether they are those that were loaded (connlab/kernel/policy.py).
    """

    rule_packets: int | None
    refused: int | None
    complete: bool
    words: str
    change: policy.RulePackets
    policy: Mapping[str, Any]


@contextlib.contextmanager
def repeated_command(server: Host | None) -> Iterator[RepeatedCommand | None]:
    """Keep one command on the server for all samples of the block; None without a server."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(RepeatedCommand(server)) if server else None


def sample_server(server: RepeatedCommand | None) -> ServerSample:
    """Look at the server host once its process has read every report of its kernel, or after some seconds.

    A host that is missing, or does not answer, is a reason and no error.
    """
    if server is None:
        return ServerSample(None, "no server runs to be asked")
    sample = ServerSample(None)

    def caught_up() -> bool:
        nonlocal sample
        sample = ServerSample(snapshot.take_snapshot(server.run))
        return not _behind(sample)

    try:
        with contextlib.suppress(GaveUp):
            until(caught_up, "the server has read its kernel's reports", SETTLED)
    except (NotFound, Refused):
        return ServerSample(None, f"{server.name} could not be asked: it is {container_state(server.host)}")
    except LabError as error:
        return ServerSample(None, f"{server.name} could not be asked: {str(error).splitlines()[-1]}")
    return sample


def container_state(host: Host) -> str:
    """Ask the engine for the state of a host: `running`, `paused`, `exited`; `gone` if there is none."""
    try:
        return str(host.inspect()["State"]["Status"])
    except NotFound:
        return "gone"


def compare_samples(
    before: ServerSample,
    after: ServerSample,
    source: str,
    outcomes: Mapping[Outcome, int],
    repeated: int | None,
) -> Witness:
    """Compare two samples: what was refused between them, of `source` and of all.

    `outcomes` are what the client saw of its dials, `repeated` the SYNs that it sent again, None if nobody knows.
    """
    if before.snapshot is None or after.snapshot is None:
        why = before.problem or after.problem
        policy_report = (
            policy.unknown_policy(why)
            if after.snapshot is None
            else policy.policy_state(after.snapshot.ruleset)
        )
        return Witness(None, None, False, why, policy.RulePackets((), why), policy_report)
    change = policy.packets_between(before.snapshot.ruleset, after.snapshot.ruleset)
    packets = change.total
    rule_words = change.problem or f"its rules counted {packets} of all sources"
    refused, established = (outcomes.get(outcome, 0) for outcome in (Outcome.REFUSED, Outcome.ESTABLISHED))
    rule_words += repeated_syns.explain(packets, sum(outcomes.values()) - established, repeated)
    reported, words, complete = _of_one(before.snapshot, after.snapshot, source, refused, packets)
    return Witness(
        packets,
        reported,
        complete,
        f"{words}, and {rule_words}",
        change,
        policy.policy_state(after.snapshot.ruleset),
    )


def _of_one(
    before: Snapshot, after: Snapshot, source: str, refused: int, packets: int | None
) -> tuple[int | None, str, bool]:
    """Return what was reported of a source, the same in words, and whether that is all of it.

    A client can see more refusals than were reported, because nobody listens there; but then the rules have not
    counted them either. If they have, an NFLOG rule does not see what they refuse (with ICMP, or silence).
    """
    reports = after.status["refusals"]
    if not reports["reported"]:
        return None, "the policy reports no refusals (NFLOG), so of this source alone nothing is known", False
    reported = after.reported("refused", source) - before.reported("refused", source)
    lost = reports["lost"] - before.status["refusals"]["lost"]
    if reported < 0 or lost < 0:
        return None, "the server was started anew meanwhile, so of this source nothing is known", False
    why = ""
    if lost:
        why = f" ({lost} reports were lost)"
    elif _behind(ServerSample(before)) or _behind(ServerSample(after)):
        why = " (it is behind with its reports)"
    elif reported < refused and (
        packets is None or packets > after.reported("refused") - before.reported("refused")
    ):
        why = " (not every refusal is reported)"
    least = "at least " if why else ""
    return (
        reported,
        f"the server reported {least}{reported} refusal{'s' * (reported != 1)} of this source{why}",
        not why,
    )


def _behind(sample: ServerSample) -> bool:
    return sample.snapshot is not None and bool(sample.snapshot.status["refusals"]["behind"])
