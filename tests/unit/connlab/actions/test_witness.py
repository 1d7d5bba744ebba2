"""The second witness without hosts: what is said of each pair of looks, and which client is advised."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connlab.actions import witness
from connlab.actions.running_client import running_client
from connlab.actions.witness import ServerSample
from connlab.base.errors import LabError, Usage
from connlab.base.model import Outcome
from connlab.cluster.host import Host
from connlab.kernel.tables import Rule, Ruleset

REPORT = {"unknown": None, "file": "connlimit", "loaded": "", "difference": [], "went_back": [], "limit": 15,
          "limits": [], "uncounted": None}  # fmt: skip
ME, OTHER = "172.18.0.3", "172.18.0.4"


def sample(own: int = 0, others: int = 0, rules: int = 0, **refusals: object) -> ServerSample:
    """Return a sample of a server that has told of so many refusals, and whose rules have counted so many."""
    counts = {ME: own, OTHER: others}
    reports = {"reported": True, "lost": 0, "behind": False, **refusals}
    rule = Rule("filter", "INPUT", "2/4", "-A INPUT -j REJECT", rules, "REJECT", refuses=True)
    snapshot = SimpleNamespace(
        ruleset=Ruleset(5, [rule], REPORT),
        refused=rules,
        reported=lambda _, source=None: sum(counts.values()) if source is None else counts.get(source, 0),
        status={"refusals": reports},
    )
    return ServerSample(snapshot)


@pytest.mark.parametrize(
    ("before", "after", "refused", "expected"),
    [
        (
            sample(),
            sample(5, 0, 5),
            5,
            (5, 5, True, "reported 5 refusals of this source, and its rules counted 5 of all"),
        ),
        (
            sample(3, 9, 12),
            sample(8, 14, 22),
            5,
            (10, 5, True, "reported 5 refusals of this source, and its rules"),
        ),
        (sample(), sample(1, 0, 1), 1, (1, 1, True, "reported 1 refusal of this source")),
        (sample(), sample(), 2, (0, 0, True, "reported 0 refusals of this source")),
        (sample(), sample(0, 4, 4), 2, (4, 0, True, "reported 0 refusals of this source")),
        (
            sample(),
            sample(3, 0, 5),
            5,
            (5, 3, False, "at least 3 refusals of this source (not every refusal is reported)"),
        ),
        (
            sample(),
            sample(5, 0, 5, lost=2),
            5,
            (5, 5, False, "at least 5 refusals of this source (2 reports were lost)"),
        ),
        (sample(lost=7), sample(5, 0, 5, lost=7), 5, (5, 5, True, "reported 5 refusals of this source")),
        (
            sample(),
            sample(4, 0, 5, behind=True),
            5,
            (5, 4, False, "at least 4 refusals of this source (it is behind"),
        ),
        (
            sample(),
            sample(0, 0, 5, reported=False),
            5,
            (5, None, False, "the policy reports no refusals (NFLOG)"),
        ),
        (sample(9, 0, 9), sample(5, 0, 0), 5, (None, None, False, "the server was started anew meanwhile")),
        (
            sample(0, 0, 206),
            sample(5, 0, 5),
            5,
            (None, 5, True, "and the rules' counters went back meanwhile"),
        ),
        (ServerSample(None, "WHY"), sample(5, 0, 5), 5, (None, None, False, "WHY")),
        (sample(), ServerSample(None, "WHY"), 5, (None, None, False, "WHY")),
    ],
)
def test_what_is_said_of_two_looks(before, after, refused, expected) -> None:
    """The two numbers, whether the first is all of it, and the words."""
    comparison = witness.compare_samples(before, after, ME, {Outcome.REFUSED: refused}, 0)
    packets, refused_of_source, complete, words = expected
    assert (comparison.rule_packets, comparison.refused, comparison.complete) == (
        packets,
        refused_of_source,
        complete,
    )
    assert words in comparison.words


@pytest.mark.parametrize(
    ("packets", "repeated", "words"),
    [
        (10, 5, "10 of all sources (dials not established: 5; SYNs that the client repeated, each counted again: 5)"),
        (5, 0, "counted 5 of all sources"),
        (10, None, "counted 10 of all sources"),
        (12, 5, "counted 12 of all sources"),
        (5, 5, "counted 5 of all sources"),
    ],
    ids=["each repeat is counted again", "none was repeated", "nobody knows", "others were refused", "lost elsewhere"],
)  # fmt: skip
def test_why_the_rules_counted_more_than_there_were_dials(packets, repeated, words) -> None:
    """Fifteen established, five without an answer: said only where the repeated SYNs are just the difference."""
    silent = {Outcome.ESTABLISHED: 15, Outcome.TIMED_OUT: 4, Outcome.REFUSED: 1}
    before, after = sample(), sample(rules=packets, reported=False)
    assert witness.compare_samples(before, after, ME, silent, repeated).words.endswith(words)


def test_no_server_is_a_reason() -> None:
    assert witness.sample_server(None) == ServerSample(None, "no server runs to be asked")


def host(service: str, number: int, state: str = "running", uptime: str = "Up 2 minutes") -> Host:
    return Host(f"{service}{number}", service, number, "172.18.0.9", state, uptime)


SERVER, DEAD = host("server", 1), host("client", 2, "exited", "Exited (137) 3 seconds ago")


@pytest.mark.parametrize(
    ("lab_hosts", "number", "error", "words"),
    [
        ([], 1, LabError, "the lab is not up\n  next: make up"),
        ([SERVER], 1, Usage, "there is no client 1; running clients: none\n  next: make scale-clients N=1"),
        (
            [SERVER, host("client", 1), host("client", 2)],
            9,
            Usage,
            "there is no client 9; running clients: 1, 2\n  next: CLIENT=1 or make scale-clients N=9",
        ),
        ([SERVER, host("client", 3)], 1, Usage, "there is no client 1; running clients: 3\n  next: CLIENT=3"),
        ([host("client", 1)], 2, Usage, "there is no client 2; running clients: 1\n  next: make up"),
        (
            [SERVER, DEAD],
            2,
            LabError,
            "client-2 is not running: exited (137)\n  next: make up, which brings it back",
        ),
        ([SERVER, DEAD], 1, Usage, "there is no client 1; running clients: none\n  next: make up"),
    ],
)
def test_the_advice_works_for_the_lab_as_it_is(lab_hosts, number, error, words) -> None:
    """Only a client that is there is named, and scaling only where it makes the one that was asked for."""
    with pytest.raises(LabError) as refused:
        running_client(lab_hosts, number)
    assert (type(refused.value), str(refused.value)) == (error, words)


def test_a_client_that_runs() -> None:
    assert running_client([SERVER, host("client", 1), DEAD], 1).name == "client-1"
