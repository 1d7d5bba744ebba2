"""A row of the answer, and the rules' own entries, of observations by hand."""

from __future__ import annotations

import pytest

from connlab.trial.answer import cannot_run, rows, rules, witnesses
from connlab.trial.dialling import crowd
from connlab.trial.dialling.pairs import counted_by, pairs, share
from connlab.trial.dialling.tried import Tried
from connlab.trial.files.forms import Input
from connlab.trial.files.lines import Line, Lines
from connlab.trial.rules import rule_verdicts
from tests.support.trials import TOOK_MS, dials, evidence, laid_out, place, row, ruleset, seen, tried

LIMIT = "tcp dport 443 ct count over 5 reject"
SET = "\tset seen {{ # handle 80\n\t\ttype ipv4_addr\n\t\tsize {size}\n\t\tflags dynamic\n\t}}\n"
FILLED = "add @seen { ip saddr ct count over 6 } reject"


@pytest.mark.parametrize(
    ("first", "limit", "line"),
    [
        (dials("E5 R10", {"E": 2, "R": 1}), 5, 1),
        # a rule let in, and only the policy refused
        (dials("E4 T10", {"E": 2}), 4, 2),
        (dials("T10"), 0, None),
        (dials("E64", {"E": 2}), None, 2),
        # the SYN of a connection that ended at once was let in: that rule refused nobody
        (dials("E4 D1 R5", {"E": 2, "D": 2, "R": 1}), 4, 1),
        # first a limit, then a ban
        (dials("E4", {"E": 2}) + dials("R1", {"R": 1}) + dials("R9", {"R": 3}), 4, 1),
    ],
)
def test_the_limit_and_who_decided(first, limit, line):
    """The rule that refused; where none did, the one that let in; else the policy."""
    those = tried(first)
    rules_ = ruleset(LIMIT, "tcp dport 443 accept", "ip saddr @bad drop")
    (entry,) = evidence(rules_, those).rows
    assert (entry["limit"], entry["decided_by"]["line"]) == (limit, line and 100 + line)
    assert line is not None or entry["decided_by"]["rule"] == "policy DROP"


def test_bursts_have_their_times():
    """Of each how many got in, and from its first dial to its last; then who was alone."""
    those = tried(dials("E5 R10"))
    those.untraced["bursts"] = seen(
        first=dials("E5 R25"), second=dials("R30"), third=dials("E1 R29"), alone=dials("E2 R1")
    )
    entry = {
        "dials": 30,
        "established": [5, 0, 1],
        "took_ms": [TOOK_MS] * 3,
        "alone": 3,
        "alone_established": 2,
    }
    assert rows.bursts(those) == entry


@pytest.mark.parametrize(
    ("one", "segments", "live"),
    [
        ("", "", None), ("eee", "eee", "unharmed"), ("eer", "ee", "reset"), ("eee", "er", "reset"),
        ("ttt", "", "dead"), ("eet", "ee", "frozen"), ("eee", "et", "frozen"),
    ],
)  # fmt: skip
def test_what_became_of_connections_that_are_in(one, segments, live):
    """Dead if no byte came back on any, frozen if some have no answer."""
    assert rows.live(seen(say={"one": one, "segments": segments})) == live


@pytest.mark.parametrize(
    ("prefix", "shared_by"), [(None, "address"), (24, "/24"), (0, "everybody"), (31, "/31")]
)
def test_who_shares_the_count(prefix, shared_by):
    """The shortest prefix whose neighbour found it used."""
    those = tried(dials("E5 R10", {"R": 1}), reached=[1])
    those.shared_prefix = prefix
    assert rows.shared_by(those) == shared_by


@pytest.mark.parametrize(("pattern", "reached"), [("E64", [1]), ("T10", [1]), ("E2 T1 E1 T2", [])])
def test_nobody_shares_what_is_no_limit(pattern, reached):
    """Nor where nobody gets in, or nothing counts: some are dropped at random."""
    assert rows.shared_by(tried(dials(pattern), reached=reached)) is None


@pytest.mark.parametrize(("seconds", "frees"), [(0, "at once"), (2.5, 2.5), (None, None)])
def test_when_a_place_is_free_again(seconds, frees):
    """At once, after seconds, or not within the patience."""
    those = tried(dials("E5 R10"), freeing=seen(retry={"seconds": seconds}, again=dials("E5 R10")))
    assert (rows.frees(those), rows.again(those)) == (frees, "E5 R10")


def test_what_was_not_tried_is_null():
    """Of a family that nobody looks at."""
    those = tried(dials("E64"))
    assert [rows.frees(those), rows.again(those), rows.burst(those), rows.older(those, "live_tracked")] == [
        None
    ] * 4


def test_an_address_of_ours_is_told_only_where_there_are_several():
    """Else the row has no such field."""
    those = [tried(dials("E1")), tried(dials("E1"), of=row()._replace(to="203.0.113.10"))]
    assert ["to" in entry for entry in evidence(ruleset(), *those).rows] == [False, True]


COUNTED = {place(1): 3}


@pytest.mark.parametrize(
    ("observed", "agree"),
    [
        (seen(COUNTED, dial=dials("T3", {"T": 1})), True),
        (seen(COUNTED, dial=dials("T4", {"T": 1})), False),  # the trace saw one that the rule did not count
        (seen(COUNTED, dial=dials("T3", {"T": 1}, agrees=False)), False),
        (seen(COUNTED, complete=False, dial=dials("T3", {"T": 1}, agrees=False)), None),
        (seen(dial=dials("E3", agrees=None)), True),
        # lost, or dropped before all rules: nobody knows
        (seen(dial=dials("E3 T1", agrees=None)), None),
        (seen(dial=dials("T1", agrees=None) + dials("T1", agrees=False)), False),
    ],
)
def test_the_witnesses(observed, agree):
    """Client, trace and counters; null where the trace has holes."""
    assert witnesses.agree(tried(dials("E1"), burst=observed)) is agree


def test_what_disagrees_is_named():
    """The dial and the counter, by scenario; a trace with holes contradicts nobody, and has no place in the row."""
    of_dial = seen({place(2): 9}, dial=dials("E1") + dials("T1", {"T": 1}, agrees=False))
    of_counter = seen(COUNTED, dial=dials("T4", {"T": 1}))
    several = tried(dials("E1"), burst=of_dial, held={8082: of_counter})
    named = [
        "burst: dial 2 of 2 is T, its first SYN was judged: drop by inet guard input handle 1",
        "held 8082: inet guard input handle 1 counted 3, the trace has 4",
    ]
    assert witnesses.disagreements(several) == named
    rows_ = evidence(ruleset("tcp dport 443 drop"), several, tried(dials("E1"))).rows
    assert [entry.get("disagreements") for entry in rows_] == [named, None]
    holes = seen(COUNTED, complete=False, dial=dials("T4", {"T": 1}, agrees=False))
    assert witnesses.disagreements(tried(dials("E1"), burst=holes)) == []


def test_who_is_answered_by_a_rule_itself_is_in_though_his_syn_came_no_further():
    """SYNPROXY drops a SYN and answers it; who is in although a rule dropped his SYN is a fault of the lab."""
    first = tried(dials("E2", {"E": 1}, agrees=False))
    assert witnesses.agree(first) is False
    assert witnesses.agree(first, {place(1)}) is True
    assert rule_verdicts.answers("-A INPUT -p tcp -j SYNPROXY --mss 1460")
    assert not rule_verdicts.answers('-A INPUT -p tcp -m comment --comment "-j SYNPROXY" -j DROP')
    assert rule_verdicts.answers("tcp dport 80 synproxy mss 1460 wscale 7")


def test_packets_of_a_rule_are_its_counters_or_the_traces():
    """Whichever saw more, in every scenario; the first SYNs that it decided are told apart."""
    rules_ = ruleset("counter packets 0 bytes 0 drop", "accept")
    those = tried(dials("E2 T3", {"E": 2, "T": 1}), burst=seen(COUNTED, dial=dials("T1", {"T": 1})))
    loaded = evidence(rules_, those).loaded
    first, second = rules.entries(loaded, [those])
    assert (first["packets"], first["decided"], first["line"]) == (3 + 3, 3 + 1, 101)
    assert (second["packets"], second["decided"], second["line"]) == (2, 2, 102)


def test_a_count_of_connections_has_no_part_of_a_burst():
    """Where another rule refused too: it would count those SYNs."""
    those = tried(dials("E2"), burst=seen(burst=dials("T3 R1", {"T": 1, "R": 2})))
    for text, packets in ((LIMIT, 0), ("tcp dport 443 drop", 3)):
        loaded = evidence(ruleset(text), those).loaded
        (entry,) = rules.entries(loaded, [those])
        assert (entry["packets"], entry["decided"]) == (packets, packets)


def idle(*texts: str, **scenarios: object) -> list[str]:
    """Return the rules that saw nothing."""
    those = tried(dials("E3"), **scenarios)  # type: ignore[arg-type]
    return [rule.text for rule in rules.idle(ruleset(*texts).rules, [those])]


def test_idle_rules_count_or_refuse_and_saw_no_packet():
    """Others have no part in who gets in."""
    assert idle(LIMIT, "tcp dport 80 drop", "tcp dport 80 accept", 'log prefix "x"') == [
        LIMIT,
        "tcp dport 80 drop",
    ]
    assert idle(LIMIT, freeing=seen(dial=dials("R1", {"R": 1}))) == []


@pytest.mark.parametrize("scenario", ["burst", "loopback"])
def test_a_rule_that_refused_in_any_scenario_is_not_idle(scenario):
    """But for a count of connections where another one refused too: it counts those (J01, C26)."""
    own = 'iifname "lo" ct count over 5 drop'
    met = {scenario: seen(dial=dials("R1", {"R": 1}))}
    both = {scenario: seen(dial=dials("R1 T1", {"R": 1, "T": 2}))}
    for text in (LIMIT, "limit rate over 3/minute drop", own):
        assert idle(text, **met) == []
        assert idle(text, **both) == ([LIMIT] if text == LIMIT else [])


def test_ports_are_tried_for_one_count_where_syns_come_as_far_as_one_rule():
    """As many are held as use it up: the limit, or where a rule that only logs first matches."""
    log = dials("E4") + dials("E9", {"E": 1})
    those = [
        tried(dials("E5 R10", {"R": 1}), reached=[1], of=row(443)), tried(dials("E64"), reached=[1], of=row(80)),
        tried(dials("E64"), reached=[2], of=row(25)), tried(dials("E5 R10", {"R": 1}), reached=[1], of=row(443, 6)),
        tried(dials("T10"), reached=[1], of=row(22)),
    ]  # fmt: skip
    rules_ = ruleset(LIMIT, LIMIT)
    assert [(each.row.port, port, count) for each, port, count in pairs(those, rules_, 64)] == [(443, 80, 5)]
    those = [tried(log, reached=[1], of=row(443)), tried(dials("E64"), reached=[1], of=row(80))]
    assert [(each.row.port, port, count) for each, port, count in pairs(those, rules_, 64)] == [(443, 80, 4)]


@pytest.mark.parametrize(
    ("rules_", "of_80", "held"),
    [
        # a limit of 12 for both ports, of 5 for one
        (ruleset("tcp dport 443 ct count over 5 drop", "tcp dport { 80, 443 } ct count over 12 drop"), "E12 R10", 12),
        (ruleset("tcp dport 443 ct count over 5 drop", "ct count over 12 drop"), "E64", 12),
        # more than the other port lets in
        (ruleset("tcp dport 443 ct count over 5 drop", "ct count over 12 drop"), "E3 R10", 3),
        # two rules, one set
        (ruleset("tcp dport 443 add @s { ip saddr ct count over 5 } drop",
                 "tcp dport 80 add @s { ip saddr ct count over 20 } drop"), "E20 R10", 20),
        (ruleset("tcp dport 443 add @s { ip saddr ct count over 5 } drop",
                 "tcp dport 80 add @t { ip saddr ct count over 20 } drop"), "E20 R10", None),
    ],
)  # fmt: skip
def test_a_count_that_another_port_may_fill_is_filled(rules_, of_80, held):
    """Up to the number of the rule that both come to, or of all that count in one set."""
    mine = [1] if "@" in rules_.rules[0].text else [1, 2]
    those = [
        tried(dials("E5 R10", {"R": 1}), reached=mine, of=row(443)),
        tried(dials(of_80, {"R": 2}), reached=[2], of=row(80)),
    ]
    found = [count for each, port, count in pairs(those, rules_, 64) if (each.row.port, port) == (443, 80)]
    assert found == ([] if held is None else [held])


def test_what_takes_from_a_limit_and_has_another_one_does_not_share_it():
    """Whose limit is another one, or that loses nothing itself."""
    first, more = dials("E5 R10", {"R": 1}), dials("E9 R10", {"R": 1})
    empty, whole = seen(dial=dials("R10", {"R": 1})), seen(dial=dials("E9 R10", {"R": 1}))
    one, other = tried(first, of=row(80), held={81: empty}), tried(more, of=row(81), held={80: whole})
    share([one, other])
    assert [sorted(each.ports) for each in (one, other)] == [[81], []]
    one = tried(first, of=row(80), held={81: empty})
    other = tried(first, of=row(81), held={80: seen(dial=dials("E5 R10", {"R": 1}))})
    share([one, other])
    assert [sorted(each.ports) for each in (one, other)] == [[81], []]


def test_of_many_ports_each_is_tried_with_the_one_before():
    """A chain shows all that share."""
    those = [tried(dials("E5 R10", {"R": 1}), reached=[1], of=row(port)) for port in range(80, 88)]
    found = [(each.row.port, port) for each, port, _ in pairs(those, ruleset(LIMIT), 64)]
    assert found == [(80, 87), *((port, port - 1) for port in range(81, 88))]


def full(port: int, held: int, then: str) -> Tried:
    """Return a row of which `then` gets in while another port is full."""
    first = dials("E5 R10", {"R": 1})
    return tried(first, reached=[1], of=row(port), held={held: seen(dial=dials(then, {"R": 1}))})


def test_ports_that_share_are_told_all_of_each_other():
    """Also over a third."""
    those = [full(80, 82, "E5 R10"), full(81, 80, "R10"), full(82, 81, "R10"), full(90, 82, "E5 R10")]
    share(those)
    assert [sorted(each.ports) for each in those] == [[81, 82], [80, 82], [80, 81], []]


def test_a_rate_shares_only_if_far_fewer_get_in():
    """A busy machine dials more slowly, and then more get in."""
    those = full(80, 81, "E4 R10")
    share([those])
    assert those.ports == {81}
    those.exact = False
    share([those])
    assert those.ports == frozenset()


def test_a_rule_that_matches_sooner_counted_the_other_port():
    """At which dial it first matched, alone and then."""
    assert counted_by(full(80, 81, "E2 R10"), 81) == [place(1)]
    assert counted_by(full(80, 81, "E5 R10"), 81) == []


def test_a_rule_that_others_let_fewer_pass_before_counts_no_other_port():
    """Alone rule 2 let in four, which did not come as far as the count of rule 1; then none."""
    first = dials("E4", {"E": 2}) + dials("E5") + dials("R10", {"R": 1})
    came = [[2]] * 4 + [[1, 2]] * 15
    for then, counted in (("E5 R10", []), ("E3 R10", [place(1)])):
        held = {81: seen(dial=dials(then, {"R": 1}))}
        assert counted_by(tried(first, reached=[1, 2], came=came, held=held), 81) == counted


@pytest.mark.parametrize(
    ("size", "prefix", "count"), [(1024, None, 1024), (300, 24, 300), (1024, 8, 0), (65535, None, 0)]
)
def test_a_crowd_fills_a_set(size, prefix, count):
    """No two of it share a count; a set that is too large is not filled."""
    those = tried(dials("E6 R10", {"R": 1}), reached=[1])
    those.shared_prefix = prefix
    found = crowd.sources(those, ruleset(FILLED, more=SET.format(size=size)), ["10.64.3.0/24"])
    assert len({address.rsplit(".", 1)[0] if prefix else address for address in found}) == count
    assert not any(address.startswith("10.64.") for address in found)


def test_what_is_no_set_is_not_filled():
    """Nor what another rule fills."""
    assert crowd.sources(tried(dials("E6 R10", {"R": 1})), ruleset(LIMIT, more=SET.format(size=9)), []) == []


TEXT = "iptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -A IN -p tcp --dport 443 -m geoip --src-cc CN -j DROP\n"
WORDS = "iptables v1.8.11 (nf_tables): Couldn't load match `geoip':No such file or directory"


LOADED = "-A OUTPUT -p tcp --dport 25 -m owner --uid-owner 12 -j ACCEPT"
REFUSED = "iptables v1.8.11 (nf_tables):  RULE_APPEND failed (Invalid argument): rule in chain OUTPUT"


@pytest.mark.parametrize(
    ("words", "rule", "reason"),
    [
        ("Chain 'TARPIT' does not exist", "", "iptables has no target `TARPIT` here"),
        ("Chain 'SSH' does not exist", "", ""),
        ('iptables v1.8.11 (nf_tables): unknown option "--tarpit"', "", "iptables has no target `TARPIT` here"),
        ("iptables-restore v1.8.11 (nf_tables): Set f2b doesn't exist.", "", "there is no set `f2b` of ipset here"),
        ('owner: Bad value for "--uid-owner" option: "tor"', "", "the hosts of a trial know no user `tor`"),
        (REFUSED, LOADED, "the hosts of a trial have one user: no rule can name another by its number"),
        (REFUSED, "-A INPUT -p tcp -m dccp --dport 5 -j DROP", ""),
        (REFUSED, "-A INPUT -m cgroup --path a/b -j DROP", "the hosts of a trial have no control groups of services"),
        ("Error: cgroupv2 path fails: No such file or directory", "",
         "the hosts of a trial have no control groups of services"),
        ("line 2: RULE_INSERT failed (No such file or directory)", LOADED, ""),
    ],
)  # fmt: skip
def test_what_is_there_where_the_rules_come_from_is_no_mistake_of_theirs(words, rule, reason):
    """Sets of ipset, users, services, targets of other packages: the rule would load on its own machine."""
    assert cannot_run.lacking(words, rule) == reason


@pytest.mark.parametrize(
    ("loaded", "words", "ports", "reason"),
    [
        ("partly", WORDS, [443], "iptables has no match `geoip` here"),
        (False, WORDS, [22, 443], "iptables has no match `geoip` here; without line 2 the rest can be tried"),
        ("partly", "Warning: Extension ipvs revision 0 not supported, missing kernel module?", [443],
         "the kernel has no `ipvs`"),
        ("partly", "iptables: No chain/target/match by that name.", [], ""),
    ],
)  # fmt: skip
def test_what_the_kernel_lacks_makes_rows_that_cannot_be_run(loaded, words, ports, reason):
    """Of the ports of the line; of all of a file that is not loaded. Nothing is found about them, nothing promised."""
    files = [{"loaded": loaded, "messages": [{"line": 2, "text": words}]}]
    rows_ = [{"port": port, "family": 4} for port in (22, 443)] if loaded else []
    findings = [{"id": "unlimited", "port": 443, "family": 4}]
    answer = cannot_run.marked(
        {"files": files, "ports": rows_, "findings": findings}, [Input("a.sh", "shell", TEXT)], 8090
    )
    lacking = [entry for entry in answer["ports"] if "cannot_run" in entry]
    assert [entry["port"] for entry in lacking] == ports
    assert {entry["cannot_run"] for entry in lacking} == ({reason} if ports else set())
    assert answer["findings"] == ([] if 443 in ports else findings)
    assert len(answer["ports"]) == len({entry["port"] for entry in answer["ports"]})


def test_a_row_names_its_policys_line():
    """Where a text sets it."""
    rules_ = ruleset(policy="drop")
    lines = Lines({}, {("inet", "guard", "input"): Line("a.nft", 3)})
    entry = rows.row(tried(dials("T10")), laid_out(row()), rules_, lines)
    assert entry["decided_by"] == {"file": "a.nft", "line": 3, "rule": "policy DROP"}
