"""Findings, each of a trial that is written here by hand, beside one that is as near and has none."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from connlab.base.settings import HOME
from connlab.trial.answer.unmet import Unmet
from connlab.trial.answer.vocabulary import FINDINGS
from connlab.trial.dialling.dial_words import pattern
from connlab.trial.dialling.tried import Tried
from connlab.trial.files.lines import Line
from connlab.trial.findings import KINDS
from connlab.trial.findings.evidence import Evidence, Finding
from connlab.trial.hosts.observations import Judge
from connlab.trial.rules.ruleset import Ruleset
from tests.support.trials import FIRST_LINE, dials, evidence, place, row, ruleset, seen, tried

LIMIT = "tcp dport 443 ct count over 5 reject with tcp reset"
SILENT = "tcp dport 443 ct count over 5 drop"
LOG = 'ct count over 5 tcp dport 443 log prefix "many "'
RATE = "tcp dport 443 limit rate over 3/minute burst 5 packets drop"
GATE = "tcp flags syn limit rate 2/second burst 4 packets accept"
OPEN = "tcp dport 443 accept"
FILLED = "tcp dport 443 add @seen { ip saddr ct count over 6 } reject"
SET = "\tset seen { # handle 80\n\t\ttype ipv4_addr\n\t\tsize 1024\n\t\tflags dynamic\n\t}\n"
TURNED = "tcp dport 443 ct count 3 drop"


# a set is filled by a rule that leads to another chain, and ports are told apart by a map of verdicts
JUMPING = ruleset(
    "add @seen { ip saddr ct count over 6 } jump punish",
    more=f"{SET}\tchain punish {{ # handle 40\n\t\treject with tcp reset # handle 41\n\t}}\n",
)
MAPPED = ruleset(
    "tcp dport vmap { 22 : jump ssh, 443 : jump web }",
    more="\tchain ssh { # handle 50\n\t\taccept # handle 51\n\t}\n"
    "\tchain web { # handle 60\n\t\tct count over 8 reject # handle 61\n\t}\n",
)


def limited(pattern: str = "E5 R10", **scenarios: object) -> Tried:
    """Return a row on which rule 1 refused."""
    return tried(dials(pattern, {"R": 1, "T": 1}), reached=[1], **scenarios)  # type: ignore[arg-type]


def found(kind: str, of: Evidence) -> list[Finding]:
    """Return the findings of one kind."""
    return list(next(each for each in KINDS if each.id == kind).find(of))


def share(prefix: int, family: int = 4) -> Tried:
    """Return a limited row whose net of this prefix shares the count."""
    each = limited()
    each.row, each.shared_prefix = row(family=family), prefix
    return each


def full(port: int, then: str, held: int = 8090) -> Tried:
    """Return a row of a port that lets `then` in after connections to another one are held."""
    each = limited(held={held: seen(held=dials("E5"), dial=dials(then, {"R": 1}))})  # type: ignore[arg-type]
    each.row, each.ports = row(port), frozenset({held} if then.startswith("E0") else ())
    return each


def again(pattern: str, after: str = "E1", by: int = 1) -> dict[str, object]:
    """Return what a row of which all was closed got: at once, and after some seconds."""
    return {
        "freeing": seen(
            dial=dials("E5"),
            retry={"seconds": 0},
            beyond=dials("E0 R10", {"R": 1}),
            again=dials(pattern, {"R": by, "T": by}),
        ),
        "all_closed": seen(dial=dials("E5 R10"), after=dials(after, {"R": by, "T": by})),
    }


def own(out: str, back: str) -> dict[str, object]:
    """Return what the server's own dials got, and then those of its peer."""
    return {"outgoing": seen(out=dials(out, {"T": 1}), **{"in": dials(back, {"R": 1})})}


def bursts(third: str, alone: str = "E30", counted: int | None = None, first: str = "E5 R10") -> Tried:
    """Return a row with what three bursts got, and then dials one at a time, all closed in between."""
    each = limited(first)
    counters = {} if counted is None else {place(1): counted}
    each.untraced["bursts"] = seen(
        counters, first=dials("E5 R25"), second=dials("E5 R25"), third=dials(third), alone=dials(alone)
    )
    return each


UPTO = "tcp dport 443 limit rate 3/minute burst 3 packets accept"
LET_IN = dials("E3", {"E": 1}) + dials("E61")


def part(outside: str, by_rate: int) -> Tried:
    """Return a row of which a /24 shares the count, and one outside gets so many, of those so many by a rate."""
    first = dials("E4", {"E": 2}) + dials("E5") + dials("E0 R10", {"R": 1})
    whole = dials(f"E{by_rate}", {"E": 2}) + dials(outside, {"R": 1})
    each = tried(first, reached=[1, 2], two_more=seen(dial=first[:9], inside=dials("R19"), outside=whole))
    each.exact, each.shared_prefix, each.sources = False, 24, ("198.18.85.9", "198.18.9.9")
    return each


SHOWN: Sequence[tuple[str, Ruleset, Tried | Sequence[Tried]]] = [
    ("unlimited", ruleset(OPEN, LIMIT), tried(dials("E64", {"E": 1}))),
    ("unlimited", ruleset(LOG), tried(dials("E64"), reached=[1])),
    # above a limit that lets in, a policy does; of those that are held, none is refused
    ("unlimited", ruleset(UPTO), tried(LET_IN, reached=[1], came=[[1]] * 64)),
    ("unlimited", ruleset(LIMIT), tried(dials("E64"), reached=[1], came=[[1]] * 64,
                                        burst=seen(burst=dials("E5 R59", {"R": 1})))),
    ("ipv6-open", ruleset(LIMIT), [limited(), tried(dials("E64"), of=row(family=6))]),
    ("shut-port-opened", ruleset(GATE, policy="drop"), tried(dials("E4 T10", {"E": 1}), reached=[1])),
    ("set-full-opens", ruleset(FILLED, more=SET), limited("E6 R10", crowd=seen(crowd=dials("E1024"),
                                                                              newcomer=dials("E16")))),
    ("set-full-opens", JUMPING, tried(dials("E6 R10", {"R": 41}, matched=frozenset({place(1), place(41)})),
     reached=[1], crowd=seen(crowd=dials("E1024"), newcomer=dials("E16")))),
    ("shared-by-net", ruleset(LIMIT), share(24)),
    ("shared-by-all", ruleset(LIMIT), share(0)),
    ("shared-by-all", ruleset(LIMIT, UPTO), part("E5 R10", by_rate=0)),
    ("ports-share", ruleset(LIMIT), [full(443, "E0 R10"), full(8090, "E0 R10", held=443)]),
    ("counts-elsewhere", ruleset(LIMIT), full(443, "E0 R10")),
    ("mask-means-another-thing", ruleset(LIMIT), share(32, family=6)),
    ("live-reset", ruleset(LIMIT), limited(live_untracked=seen(say={"one": "eeeeerrr"}))),
    ("live-frozen", ruleset(LIMIT), limited(live_tracked=seen(say={"one": "eeet"}))),
    ("connected-but-dead", ruleset(OPEN), tried(dials("E3", {"E": 1}), said=("ttt", ""))),
    ("burst-locks-out", ruleset(LIMIT), bursts("E0 R30")),
    ("burst-locks-out", ruleset(LIMIT), bursts("E5 R25", alone="E0 R2 E28", counted=77)),
    ("rate-not-count", ruleset(RATE), limited("E5 T10", **again("T15"))),
    ("rate-not-count", ruleset(RATE), limited("E5 T10", rate=seen(rate=dials("E5 T9", {"T": 1})))),
    ("bans", ruleset(RATE), limited("E5 T10", **again("T15", after="T1"))),
    ("bans", ruleset(LIMIT, "ip saddr @bad drop"), limited(**again("T15", by=2))),
    ("refusal-rationed", ruleset(LIMIT), tried(dials("E5 R6 T4", {"R": 1, "T": 1}, "icmp"), reached=[1])),
    ("refusal-silent", ruleset(SILENT), limited("E5 T10")),
    ("upside-down", ruleset(TURNED), limited("T10", burst=seen(burst=dials("T3 E17", {"T": 1})))),
    ("outgoing-counted", ruleset(LIMIT), limited(**own("E5 T12", "E5 R10"))),
    ("outgoing-counted", ruleset(LIMIT), limited(**own("E17", "R15"))),
    ("loopback-limited", ruleset(LIMIT), limited(loopback=seen(dial=dials("E5 R10", {"R": 1})))),
    ("log-only", ruleset(LOG), tried(dials("E4") + dials("E4", {"E": 1}), reached=[1])),
    ("log-silent", ruleset('log prefix "x"'), tried(dials("E4", {"E": 1}))),
]  # fmt: skip
# A count leads to a chain that refuses; a list of who came lately does too, and refused this one.
LISTED = ruleset(
    "ct count over 15 jump no",
    "update @came { ip saddr limit rate over 20/minute } jump no",
    more="\tchain no { # handle 40\n\t\tdrop # handle 41\n\t}\n",
)


def refused_by(count: int) -> Tried:
    """Return a row of which one that came and went was refused in the chain to which rule `count` led."""
    first = dials("E15 T10", {"T": 41}, matched=frozenset({place(1)}))
    judge = Judge(("inet", "guard", "no", 41), "drop")
    came = dials("T1", judge=judge, matched=frozenset({place(count), judge.place}))
    return tried(first, reached=[1, 2], rate=seen(rate=came))


def test_who_was_refused_behind_a_count_and_a_rate_was_refused_by_that_which_he_matched():
    """A count takes in what was closed within its jiffy; a rate does not ask what is open."""
    assert found("rate-not-count", of(LISTED, refused_by(1))) == []
    assert len(found("rate-not-count", of(LISTED, refused_by(2)))) == 1


def test_who_was_refused_only_when_he_came_fast_was_refused_by_that_rule():
    """Its line is told, not that of a rule that let the first ones in."""
    rules = ruleset(OPEN, RATE)
    fast = tried(dials("E64", {"E": 1}), reached=[2], rate=seen(rate=dials("E50 T5", {"T": 2})))
    (finding,) = found("rate-not-count", of(rules, fast))
    assert finding.line is not None and finding.line.line == FIRST_LINE + 1
    rules = ruleset(LIMIT, RATE)  # or of another that refused the first ones
    fast = tried(dials("E5 R10", {"R": 1}), reached=[1, 2], rate=seen(rate=dials("E50 T5", {"T": 2})))
    (finding,) = found("rate-not-count", of(rules, fast))
    assert finding.line is not None and finding.line.line == FIRST_LINE + 1


NOT_SHOWN: Sequence[tuple[str, Ruleset, Tried | Sequence[Tried]]] = [
    # as many get in as of the first burst; a rate gives back by time; the rule's own counter has not refused as many
    ("burst-locks-out", ruleset(LIMIT), bursts("E5 R25")),
    ("burst-locks-out", ruleset(RATE), bursts("E0 R30", alone="E0 R30", first="E5 T10")),
    ("burst-locks-out", ruleset(LIMIT), bursts("E0 R30", counted=75)),
    # rules about another port, or that ration their log, are no limit of this one; nor does one that is not met
    ("unlimited", ruleset(OPEN, LIMIT.replace("443", "80")), tried(dials("E64", {"E": 1}))),
    ("unlimited", ruleset('limit rate 3/minute log prefix "x"'), tried(dials("E64"))),
    ("unlimited", ruleset(LIMIT), tried(dials("E64"), reached=[1])),
    ("ipv6-open", ruleset(LIMIT), [limited(), tried(dials("E64"), reached=[1], of=row(family=6))]),
    # the others did not come to it
    ("unlimited", ruleset(UPTO), tried(LET_IN, reached=[1], came=[[1]] * 3 + [[]] * 61)),
    # one that is for more than came
    ("unlimited", ruleset(LIMIT), tried(dials("E5"), reached=[1], came=[[1]] * 5,
                                        burst=seen(burst=dials("E5 R59", {"R": 1})))),
    # other clients than those who are limited: by another interface
    ("ipv6-open", ruleset(LIMIT), [limited(), tried(dials("E64"), of=row(family=6, via="lan0"))]),
    # it is said already that IPv6 is open
    ("unlimited", ruleset(LIMIT), [limited(), tried(dials("E64", {"E": 1}), of=row(family=6))]),
    ("unlimited", MAPPED, [tried(dials("E64"), of=row(22, 6))]),
    # opened by name, or not shut otherwise
    ("shut-port-opened", ruleset("tcp dport 443 jump web", GATE, policy="drop"),
     tried(dials("E4 T10", {"E": 2}, matched=frozenset({place(1), place(2)})), reached=[2])),
    ("shut-port-opened", ruleset(GATE), tried(dials("E64", {"E": 1}), reached=[1])),
    ("set-full-opens", ruleset(FILLED, more=SET), limited("E6 R10", crowd=seen(crowd=dials("E1024"),
                                                                              newcomer=dials("E6 R10")))),
    ("shared-by-net", ruleset(LIMIT), limited()),
    ("shared-by-all", ruleset(LIMIT), share(24)),
    ("shared-by-all", ruleset(LIMIT, UPTO), part("E5 R10", by_rate=3)),
    ("ports-share", ruleset(LIMIT), [full(443, "E5 R10"), full(8090, "E5 R10", held=443)]),
    ("counts-elsewhere", ruleset(LIMIT), full(443, "E5 R10")),
    ("counts-elsewhere", ruleset("ct count over 5 drop"), full(443, "E0 R10")),
    ("mask-means-another-thing", ruleset(LIMIT), share(64, family=6)),
    ("mask-means-another-thing", ruleset(LIMIT), share(32)),
    ("live-reset", ruleset(LIMIT), limited(live_untracked=seen(say={"one": "eeee"}))),
    # of a port that the rules shut
    ("live-frozen", ruleset(policy="drop"), tried(dials("T10"), live_untracked=seen(say={"one": "tttt"}))),
    ("connected-but-dead", ruleset(OPEN), tried(dials("E3", {"E": 1}), said=("ttr", ""))),
    ("rate-not-count", ruleset(LIMIT), limited(**again("E5 R10"))),
    # another rule than the one that counted bans who was refused
    ("rate-not-count", ruleset(LIMIT, "ip saddr @bad drop"), limited(**again("T15", by=2))),
    # a count of connections takes in what was closed within its jiffy
    ("rate-not-count", ruleset(LIMIT), limited(rate=seen(rate=dials("E5 R9", {"R": 1})))),
    ("rate-not-count", ruleset(RATE), limited("T10", rate=seen(rate=dials("T9", {"T": 1})))),
    ("bans", ruleset(RATE), limited("E5 T10", **again("T15"))),
    ("refusal-rationed", ruleset(LIMIT, SILENT),
     tried(dials("E5 R6 T4", {"R": 1, "T": 2}, "icmp"), reached=[1])),
    ("refusal-silent", ruleset(policy="drop"), tried(dials("T10"))),
    ("refusal-silent", ruleset(LIMIT), limited()),
    ("upside-down", ruleset(LIMIT), limited(burst=seen(burst=dials("E5 R15", {"R": 1})))),
    ("upside-down", ruleset("tcp dport 443 drop"), tried(dials("T1 E9", {"T": 1}))),
    ("upside-down", ruleset(GATE, policy="drop"), tried(dials("E4 T10", {"E": 1}), reached=[1])),
    ("outgoing-counted", ruleset(LIMIT), limited(**own("E17", "E5 R10"))),
    ("loopback-limited", ruleset(LIMIT), limited(loopback=seen(dial=dials("E15")))),
    ("log-only", ruleset(LOG, SILENT),
     tried(dials("E5") + dials("T5", {"T": 2}, matched=frozenset({place(1), place(2)})), reached=[1])),
    ("log-silent", ruleset('log prefix "x" group 3'), tried(dials("E4", {"E": 1}))),
]  # fmt: skip


def of(rules: Ruleset, those: Tried | Sequence[Tried]) -> Evidence:
    """Return the evidence of one row or of several."""
    return evidence(rules, *([those] if isinstance(those, Tried) else those))


@pytest.mark.parametrize(("kind", "rules", "those"), SHOWN, ids=[each[0] for each in SHOWN])
def test_it_is_found_where_it_was_observed(kind, rules, those):
    """Once, with a sentence."""
    (finding,) = found(kind, of(rules, those))
    assert re.match(r"\S.*\S$", finding.text)


@pytest.mark.parametrize(("kind", "rules", "those"), NOT_SHOWN, ids=[each[0] for each in NOT_SHOWN])
def test_it_is_not_found_where_something_near_was(kind, rules, those):
    """A person who knows the network would call it wrong."""
    assert found(kind, of(rules, those)) == []


def test_each_kind_is_shown_here():
    """But for those that another test has: rules that nobody met, and what went wrong while loading."""
    elsewhere = {"never-reached", "loads-partly", "wipes-table", "neighbour-silent"}
    assert {kind.id for kind in KINDS} == {each[0] for each in SHOWN} | elsewhere


def test_a_rule_that_saw_nothing_names_who_decided_before():
    """And its own line; one of a chain to which nothing jumps says so."""
    rules = ruleset(OPEN, LIMIT, more=f"\tchain orphan {{ # handle 70\n\t\t{SILENT} # handle 71\n\t}}\n")
    orphan = rules.of(("inet", "guard", "orphan"))[0]
    by_name = {rule.text: rule for rule in rules.rules}
    unmet = [
        Unmet(by_name[LIMIT], 443, [Judge(place(1), "accept")]),
        Unmet(orphan, None, []),
    ]
    first, second = found("never-reached", evidence(rules, unmet=unmet))
    assert f"line {FIRST_LINE} decided before" in first.text
    assert first.line is not None and first.line.line == FIRST_LINE + 1
    assert "nothing jumps to orphan" in second.text


@pytest.mark.parametrize(
    ("judges", "more", "said"),
    [
        ([Judge(place(1), "accept"), Judge(place(0), "accept")], {}, f"; line {FIRST_LINE} decided before"),
        ([Judge(place(0), "accept")], {}, "; what it asks did not match, and the policy of input let them in"),
        ([Judge(place(0), "accept")], {"diverted": [place(1)]},
         f"; line {FIRST_LINE} sent them on otherwise, and the policy of input let them in"),
        ([Judge(place(0), "drop")], {}, "; what it asks did not match"),
    ],
)  # fmt: skip
def test_a_policy_decides_after_the_rules_and_is_no_reason(judges, more, said):
    """What is told is the rule that decided, or that what a rule asks did not match."""
    rules = ruleset(OPEN, LIMIT)
    (finding,) = found("never-reached", evidence(rules, unmet=[Unmet(rules.rules[1], 443, judges, **more)]))
    assert finding.text.endswith(f"that it is about{said}")


def test_a_count_that_too_few_were_dialled_for_was_not_tried():
    """It is not said that nothing came to it."""
    rules = ruleset(LIMIT)
    (finding,) = found("never-reached", evidence(rules, unmet=[Unmet(rules.rules[0], 0, [], made=2)]))
    assert finding.text.startswith("this rule was not tried up to its number: no more than 2 connections")


def test_a_count_that_matched_only_where_others_refused_says_so():
    """It was not reached by its own count."""
    rules = ruleset(LIMIT)
    unmet = [Unmet(rules.rules[0], 443, [Judge(place(1), "drop")], at_once=True)]
    (finding,) = found("never-reached", evidence(rules, unmet=unmet))
    assert finding.text.endswith("(it matched where all dial at once: there it counts what others refused)")


def test_a_ban_is_told_as_one_scenario():
    """Each number of its evidence is of that."""
    (first,) = found("bans", of(ruleset(RATE), limited("E5 T10", **again("E5 R10", after="T1"))))
    assert first.evidence == "E5 R10, all closed, after 5 s T1"
    (second,) = found("bans", of(ruleset(LIMIT, "ip saddr @bad drop"), limited(**again("T15", by=2))))
    beyond = pattern("R" * 10)
    assert second.evidence == f"E5, one closed and one more in its place, then {beyond}, all closed, then T15"


TABLE_CHAIN = place(0)[:3]
RESETS, DROPS = "ct count over 8 reject with tcp reset", "ct state new drop"


@pytest.mark.parametrize(
    ("letter", "counted", "line"),
    [
        ("r", {1: 9, 2: 4, 3: 7}, FIRST_LINE),  # a drop sends no reset, however often it matched
        ("t", {1: 9, 2: 4, 3: 7}, FIRST_LINE + 1),  # that refused the SYNs, and what they said too
        ("t", {2: 0, 3: 7}, FIRST_LINE + 2),
        ("t", {0: 8}, 3),  # what no rule matched a policy dropped
        ("r", {0: 8, 1: 2}, FIRST_LINE),
        ("r", {2: 4}, None),  # a reset of nobody knows whose
    ],
)
def test_who_harms_a_connection_is_a_rule_that_can_and_matched_what_was_said(letter, counted, line):
    """Not who refused the SYNs."""
    said = seen({place(number): packets for number, packets in counted.items()}, say={"one": f"eee{letter}"})
    those = tried(dials("E5 T10", {"T": 2}), reached=[2], live_untracked=said)
    given = of(ruleset(RESETS, DROPS, "ip ttl 9 drop"), those)
    given.loaded.lines.policies[TABLE_CHAIN] = Line("a.nft", 3)
    (finding,) = found("live-reset" if letter == "r" else "live-frozen", given)
    assert (finding.line.line if finding.line else None) == line


def test_what_connections_met_is_told_in_plain_words():
    """No names of fields."""
    (finding,) = found("live-reset", of(ruleset(LIMIT), limited(live_untracked=seen(say={"one": "eer"}))))
    assert finding.evidence == "in: e5; older than the rules, nothing tracked before: e2 r1"


def test_a_policy_is_named_by_its_line():
    """Where the server's own connections are refused by nobody else."""
    own_ = {"loopback": seen(dial=dials("E4 T10"))}
    given = of(ruleset(GATE, policy="drop"), tried(dials("E4 T10", {"E": 1}), reached=[1], **own_))
    given.loaded.lines.policies[TABLE_CHAIN] = Line("a.nft", 3)
    (finding,) = found("loopback-limited", given)
    assert finding.line == Line("a.nft", 3)


def test_a_finding_names_the_row_where_there_are_several():
    """Its family, its net, its interface."""
    those = [share(24), share(24)]
    those[0].row = row(family=6, net="2001:db8::/32")
    those[1].row = row(family=6, via="lan0")
    texts = [finding.text for finding in found("shared-by-net", of(ruleset(LIMIT), those))]
    assert texts[0].startswith("port 443 over IPv6 from 2001:db8::/32 via eth0:")
    assert texts[1].startswith("port 443 over IPv6 via lan0:")


def test_a_limit_that_refuses_nobody_says_who_let_in_the_others():
    """By the line of the limit; who decided over the port is who let in those above it."""
    given = of(ruleset(UPTO), tried(LET_IN, reached=[1], came=[[1]] * 64))
    (finding,) = found("unlimited", given)
    assert finding.text.endswith("line 101 let in 3 of 64, the policy of input 61 more")
    assert finding.line is not None and finding.line.line == FIRST_LINE
    assert given.rows[0]["decided_by"]["rule"] == "policy ACCEPT"


def test_a_part_that_all_share_is_that_of_the_line_that_has_it():
    """Not of the count of each net, which refuses in the end."""
    (finding,) = found("shared-by-all", of(ruleset(LIMIT, UPTO), part("E5 R10", by_rate=0)))
    assert finding.line is not None and finding.line.line == FIRST_LINE + 1
    assert finding.text.endswith("a part of the limit of 9: beside another one gets 5")


@pytest.mark.parametrize("other", ["E20 R10", "E64"])
def test_a_port_whose_limit_others_fill_is_told_by_its_own_number(other):
    """Also where those have a higher limit, or none; by the line of who refuses then."""
    mine = full(443, "E0 R10", held=8090)
    theirs = tried(dials(other, {"R": 2}), reached=[1], of=row(8090))
    for rows_ in ([mine, theirs], [theirs, mine]):
        (finding,) = found("ports-share", of(ruleset("ct count over 5 drop", SILENT), rows_))
        assert finding.text == "port 443: connections to port 8090 take places of its limit of 5"
        assert finding.tried is mine
        assert finding.line is not None and finding.line.line == FIRST_LINE
        assert finding.evidence.startswith("8090: E5, then 443: R")


def test_a_rate_tells_its_period():
    """In the rule's own words."""
    (finding,) = found("bans", of(ruleset(RATE), limited("E5 T10", **again("T15", after="T1"))))
    assert "(limit rate over 3/minute)" in finding.text


def test_the_page_has_the_definition_of_each_kind():
    """Word for word, in the order in which findings are told."""
    page = (HOME / "docs/try.md").read_text(encoding="utf-8")
    table = page.split("| id | it is said when |\n|---|---|\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", table, re.MULTILINE)
    assert rows == [(kind.id, kind.definition) for kind in KINDS]


def test_no_kind_is_there_that_an_expectation_cannot_name():
    """The set is closed."""
    ids = [kind.id for kind in KINDS]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(FINDINGS)
