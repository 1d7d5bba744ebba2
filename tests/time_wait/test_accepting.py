"""The accepting side: a SYN that meets a connection in TIME_WAIT, with every setting off that names TIME_WAIT.

client-1, spare-1 (no timestamps) ── the same four-tuple again ──> server (closes first)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from connlab.base import probes
from connlab.base.model import Verdict
from connlab.cluster import profiles
from connlab.cluster.host import Host
from connlab.cluster.one_off import ephemeral_host, run_in_netns
from connlab.kernel import snapshot
from tests.support import figures
from tests.support.laboratory import Lab, image
from tests.support.ports import LOWEST
from tests.support.recordings import Keep, Recordings, recording
from tests.time_wait.greeting import greeting_lab

EACH = 10
WITH, WITHOUT = "timestamps", "no timestamps"


class Redial(NamedTuple):
    """How a four-tuple is dialled again: its SYN's number, ahead of the one before, and ms after the close."""

    host: str
    ahead: int
    pause_ms: int

    def __str__(self) -> str:
        later = f" {self.pause_ms} ms later" if self.pause_ms else ""
        return f"{self.host}, sequence number {self.ahead:+,}{later}"


NEWER, NEWER_TIME = Redial(WITH, 100_000, 0), Redial(WITH, -100_000, 10)
SAME_TIME = Redial(WITH, -100_000, 0)
NEWER_ALONE, OLDER_ALONE = Redial(WITHOUT, 100_000, 0), Redial(WITHOUT, -100_000, 0)
KINDS = (NEWER, NEWER_TIME, SAME_TIME, NEWER_ALONE, OLDER_ALONE)


@dataclass(frozen=True)
class RedialResult:
    """The outcomes of second dials of one kind, and how far the dialling host's own counters moved meanwhile."""

    dials: list[dict[str, Any]]
    repeated: int  # SYNs that had to be sent again: TcpExtTCPSynRetrans
    resets: int  # RSTs sent: TcpOutRsts

    @property
    def duration(self) -> str:
        """Say how long the dials took."""
        return figures.spread((dial["us"] / 1000 for dial in self.dials), "ms")


@dataclass(frozen=True)
class Redials:
    by_kind: dict[Redial, RedialResult]
    # Sockets of the server in the end: one for each four-tuple, the second in place of the first.
    in_time_wait: int


@recording(lab=greeting_lab("tw-reuse-0"))  # in which `lingering` has waited until nothing is left of it
def redials(lab: Lab, keep: Keep) -> Redials:
    without = profiles.sysctls("no-timestamps")
    with ephemeral_host(lab.settings.project, image("client"), 1, without, seconds=120) as other:
        hosts = {WITH: lab.clients[0], WITHOUT: other}
        by_kind = {
            kind: dial_again(hosts[kind.host], lab, kind, LOWEST + number * EACH)
            for number, kind in enumerate(KINDS)
        }
    sockets = snapshot.read_sockets(lab.server.run)
    record = Redials(by_kind, sum(socket.state == "TIME-WAIT" for socket in sockets))
    keep("redials", [[kind._asdict(), result] for kind, result in by_kind.items()])
    return record


def dial_again(host: Host, lab: Lab, kind: Redial, first_port: int) -> RedialResult:
    """Dial each of `EACH` four-tuples twice (probes/redial.py)."""
    requests = [[first_port + number, kind.ahead, kind.pause_ms] for number in range(EACH)]
    argv = probes.argv("redial", lab.server.address, lab.settings.port, json.dumps(requests))
    before = snapshot.read_counters(host.run)
    output = run_in_netns(host, argv)
    after = snapshot.read_counters(host.run)
    repeated, resets = (after[name] - before[name] for name in ("TcpExtTCPSynRetrans", "TcpOutRsts"))
    return RedialResult(json.loads(output), repeated, resets)


@pytest.mark.claim("syn-onto-time-wait")
@pytest.mark.parametrize("kind", [NEWER, NEWER_TIME, NEWER_ALONE], ids=Redial.__str__)
def test_a_syn_onto_time_wait_is_a_new_connection(redials: Recordings, verdict, kind: Redial) -> None:
    """Accepted with its first SYN, for a newer sequence number or a newer timestamp; nothing is reset (T11)."""
    result = redials["lab"].by_kind[kind]

    assert [dial["errno"] for dial in result.dials] == [None] * EACH
    assert (result.repeated, result.resets) == (0, 0)
    verdict(Verdict.REFUTED, f"{kind}: {EACH} of {EACH} accepted, {result.duration}")


@pytest.mark.claim("timestamps-server")
def test_without_timestamps_an_old_number_takes_a_second_try(redials: Recordings, verdict) -> None:
    """TIME_WAIT answers with an ACK, the client with an RST, and its repeated SYN finds nothing left (T12).

    It is repeated after two jiffies, because the ACK told the client that something is wrong, not after a second.
    """
    new, old = redials["lab"].by_kind[NEWER_ALONE], redials["lab"].by_kind[OLDER_ALONE]

    assert [dial["errno"] for dial in old.dials] == [None] * EACH
    assert (new.repeated, new.resets) == (0, 0)
    assert (old.repeated, old.resets) == (EACH, EACH)
    verdict(
        Verdict.DEPENDS,
        f"a newer sequence number at once, {new.duration}; an older one with the second SYN of each, {old.duration}",
    )


def test_a_timestamp_of_the_same_millisecond_is_not_newer(redials: Recordings) -> None:
    """With timestamps, an old number and no pause: each is accepted, and for each RST there is a second SYN (T12).

    How many need one is chance: the clock of timestamps ticks once a millisecond, and a dial takes a tenth of one.
    """
    result = redials["lab"].by_kind[SAME_TIME]

    assert [dial["errno"] for dial in result.dials] == [None] * EACH
    assert result.repeated == result.resets <= EACH


def test_one_socket_in_time_wait_for_each_four_tuple(redials: Recordings) -> None:
    """The second witness: the new connection took the place of the old one, whose minute was far from over."""
    assert redials["lab"].in_time_wait == len(KINDS) * EACH
