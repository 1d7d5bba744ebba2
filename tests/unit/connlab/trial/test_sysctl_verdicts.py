"""What is said of a line of kernel settings, from what was seen of it."""

from __future__ import annotations

import re

import pytest

from connlab.base.settings import HOME
from connlab.trial.answer.vocabulary import VERDICTS
from connlab.trial.sysctls import facts
from connlab.trial.sysctls.lines import Setting, dotted
from connlab.trial.sysctls.seen import Look, Seen, same
from connlab.trial.sysctls.verdicts import entries

REUSE, TIMESTAMPS = "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_timestamps"
SOMAXCONN, FIN_TIMEOUT = "net.core.somaxconn", "net.ipv4.tcp_fin_timeout"


def taken(key: str, asked: str, before: str, line: int = 1) -> Seen:
    return Seen(Setting("a", line, key, asked), Look(before, True), None, 0, "", asked)


def verdicts(*seen: Seen) -> list[list[str]]:
    return [entry["verdict"] for entry in entries(seen, [])]


def text(seen: Seen, ports: tuple[int, ...] = ()) -> str:
    return str(entries([seen], ports)[0]["text"])


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Seen(Setting("a", 1, "net.x.y", "1"), None, None, 1, "cannot stat", None), ["absent"]),
        (Seen(Setting("a", 1, "net.x.y", "1"), None, Look("2", True), 1, "cannot stat", None),
         ["not-in-container"]),
        (Seen(Setting("a", 1, "net.x.y", "1"), Look("2", False), None, 0, "not permitted", "2"), ["machine-wide"]),
        (Seen(Setting("a", 1, "net.x.y", "1"), Look("2", True), None, 1, "", "2", shared=True), ["machine-wide"]),
        (Seen(Setting("a", 1, "vm.swappiness", "10"), Look("60", True), None, 1, "denied", "60"), ["machine-wide"]),
        (Seen(Setting("a", 1, "vm.swappiness", "60"), Look("60", True), None, 1, "denied", "60"),
         ["machine-wide", "already-so"]),
        (Seen(Setting("a", 1, "net.x.y", "yes"), Look("2", True), None, 1, "Invalid argument", "2"), ["invalid"]),
        (Seen(Setting("a", 1, "net.x.y", "yes"), Look("2", True), None, 0, "Invalid argument", "2"), ["invalid"]),
        (Seen(Setting("a", 1, "net.x.y", "5"), Look("2", True), None, 0, "", "2"), ["invalid"]),
        (Seen(Setting("a", 1, "net.x.y", "5"), Look("5 7", True), None, 0, "", "5 7"), ["applied"]),
        (taken("kernel.shmmax", "5", "7"), ["lower-than-default", "applied"]),
        # a hyphen before a key alone takes it out of patterns: it is no mistake
        (Seen(Setting("a", 1, "net.x.y", "", ignored=True, assigns=False), Look("2", True), None, 0, "", "2"), []),
        (Seen(Setting("a", 1, "net.x.y", "", assigns=False), Look("2", True), None, 0, "", "2"), ["invalid"]),
        (taken("net.x.y", "1", "1"), ["already-so"]),
        (taken("net.x.y", "0x10", "16"), ["already-so"]),
        (taken("net.x.y", "", ""), ["already-so"]),
        (Seen(Setting("a", 1, "net.x.y", ""), Look("2", True), None, 0, "", "2"), ["invalid"]),
        (taken("net.x.y", "1", "2"), ["applied"]),
        (taken("net.core.optmem_max", "65536", "131072"), ["lower-than-default", "applied"]),
        (taken("net.unix.max_dgram_qlen", "5", "10"), ["lower-than-default", "applied"]),
        (taken("net.ipv6.route.gc_thresh", "5", "10"), ["lower-than-default", "applied"]),
        (taken("net.ipv4.tcp_retries2", "5", "15"), ["applied"]),
        (taken(SOMAXCONN, "512", "4096"), ["lower-than-default", "only-if-asked", "applied"]),
        (taken(SOMAXCONN, "8192", "4096"), ["only-if-asked", "applied"]),
        (taken("net.ipv4.tcp_rmem", "4096 87380 6291456", "4096 131072 6291456"),
         ["lower-than-default", "applied"]),
        (taken("net.ipv4.tcp_rmem", "4096 131072 8388608", "4096 131072 6291456"), ["applied"]),
        (taken(REUSE, "1", "2"), ["other-side", "applied"]),
        (taken("net.netfilter.nf_conntrack_tcp_loose", "0", "1"), ["applied"]),
    ],
)  # fmt: skip
def test_a_line_by_itself(seen, verdict):
    assert verdicts(seen) == [verdict]


def test_a_line_that_takes_back_an_earlier_one_is_not_so_without_it():
    """Compared with what is in force when it comes: what was seen then, else what a line before has set."""
    off, on = taken(TIMESTAMPS, "0", "1"), taken(TIMESTAMPS, "1", "1", line=2)
    assert verdicts(off, on) == [["overridden"], ["applied"]]
    assert "it takes back what line 1 changed" in entries([off, on], [])[1]["text"]
    by_another_key = on._replace(was="0")
    assert verdicts(by_another_key) == [["applied"]]
    assert "what a line before changed" in text(by_another_key)
    refused = Seen(Setting("a", 1, TIMESTAMPS, "x"), Look("1", True), None, 1, "Invalid argument", "1")
    assert verdicts(refused, on) == [["invalid"], ["already-so"]]
    assert verdicts(on, on._replace(was="1")) == [["overridden", "already-so"], ["already-so"]]


@pytest.mark.parametrize(
    ("key", "release", "verdict"),
    [("kernel.pid_max", "6.18.44", "privileged-only"), ("kernel.pid_max", "6.13.0-1-amd64", "machine-wide"),
     ("kernel.auto_msgmni", "6.1.0", "privileged-only"), ("user.max_net_namespaces", "6.18.44", "machine-wide")],
)  # fmt: skip
def test_whose_a_key_outside_of_net_is(key, release, verdict):
    """Measured: a container's namespaces of processes and of System V IPC are its own, that of users is not."""
    refused = Seen(Setting("a", 1, key, "5"), Look("7", True), None, 1, "denied", "7")
    assert verdicts(refused._replace(own=facts.privileged(key, release))) == [[verdict]]


@pytest.mark.parametrize(
    ("setting", "words"),
    [(Setting("a", 8, "net.ipv4.tcp_syn_retries", "3", assigns=False), "there is no `=` in it, so nothing is set: no"),
     (Setting("a", 8, "", "3", written="somaxconn"), "that is no name of a key: no"),
     (Setting("a", 8, SOMAXCONN, "3", written=f"{SOMAXCONN} "), "has a blank")],
)  # fmt: skip
def test_a_line_that_is_no_key_and_value(setting, words):
    """It has an entry and a verdict like any other."""
    (entry,) = entries([Seen(setting, Look("5", True), None, 1, "no", "5")], [])
    assert (entry["verdict"][0], entry["key"]) == ("invalid", setting.key or "somaxconn")
    assert words in entry["text"]


def test_the_last_line_of_a_key_counts():
    """However the key is written; one that is not taken takes nothing away."""
    first, second = taken(FIN_TIMEOUT, "15", "60"), taken(FIN_TIMEOUT, "30", "60", line=2)
    assert verdicts(first, second) == [["overridden"], ["applied"]]
    assert "line 2 sets it again" in entries([first, second], [])[0]["text"]
    refused = Seen(Setting("a", 2, FIN_TIMEOUT, "x"), Look("60", True), None, 1, "Invalid argument", "15")
    assert verdicts(first, refused) == [["applied"], ["invalid"]]


def test_one_line_can_take_the_effect_of_another():
    """In any order, where the other is in force in the end."""
    reuse, without = taken(REUSE, "1", "2"), taken(TIMESTAMPS, "0", "1", line=2)
    assert verdicts(reuse, without) == [["cancelled", "other-side"], ["applied"]]
    assert verdicts(without, reuse)[1] == ["cancelled", "other-side"]
    again = taken(TIMESTAMPS, "1", "1", line=3)
    assert verdicts(reuse, without, again)[0] == ["other-side", "applied"]
    assert verdicts(taken(REUSE, "0", "2"), without)[0] == ["other-side", "applied"]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(Setting("a", 1, "net.x.y", "1", ignored=True), None, None, 1, "", None), "systemd-sysctl"),
        (taken(FIN_TIMEOUT, "70", "60"), "20 s (T06)"),
        (taken("net.ipv4.conf.eth0.rp_filter", "1", "0"), "there is no eth0 here"),
        (Seen(Setting("a", 1, "net.x.y", "1"), Look("2", False), Look("2", False), 0, "", "2"),
         "only be read, on the machine too"),
        (Seen(Setting("a", 1, "net.x.y", "5 6"), Look("2", True), None, 0, "", "5"), "the kernel has '5' then"),
        (Seen(Setting("a", 1, "net.x.y", "yes"), Look("2", True), None, 1,
              "error during container init: write /proc/sys/net/x/y: invalid argument: unknown", "2"),
         "'yes': write /proc/sys/net/x/y: invalid argument;"),
    ],
)  # fmt: skip
def test_words_on_a_line(seen, words):
    assert words in text(seen)


def test_a_range_of_ports_and_those_of_services():
    """Said of the ports that are known, in general where none is, and not where none is in it."""
    seen = taken("net.ipv4.ip_local_port_range", "1024 65000", "32768 60999")
    assert "holds 8081, 8443:" in text(seen, (80, 8081, 8443))
    assert "holds a service's port" in text(seen)
    assert "T27" not in text(seen, (80,))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [("1024\t 65000", "1024 65000", True), ("017", "15", True), ("-0x10", "-16", True), ("1", None, False),
     ("1 2", "1", False), ("yes", "1", False)],
)  # fmt: skip
def test_values_are_compared_as_the_kernel_reads_them(one, other, equal):
    assert same(one, other) is equal


def test_a_kubelet_sets_some_keys_alone():
    assert "--allowed-unsafe-sysctls" in entries([taken(SOMAXCONN, "1", "2")], [], kubernetes=True)[0]["text"]
    assert "--allowed" not in entries([taken(FIN_TIMEOUT, "1", "2")], [], kubernetes=True)[0]["text"]
    assert "--allowed" not in text(taken(SOMAXCONN, "1", "2"))


def test_every_verdict_is_defined_in_a_sentence_and_no_other():
    page = (HOME / "docs/try.md").read_text()
    table = page.partition("## Kernel settings")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \| \S", table, re.MULTILINE) == list(VERDICTS)


def test_facts_are_found_by_key():
    """Names before patterns; keys of a container's own outside of net."""
    assert "T07" in facts.fact(REUSE).text
    assert facts.fact("net.core.rmem_max").verdict == facts.ASKED
    assert facts.fact("net.netfilter.nf_conntrack_max").size
    assert not facts.fact("net.netfilter.nf_conntrack_tcp_loose").size
    assert facts.fact("kernel.shmmax").size
    assert not facts.fact("kernel.pid_max").size
    assert facts.fact("net.nothing.known") is facts.NOTHING


@pytest.mark.parametrize(
    ("written", "key"),
    [("net/core/somaxconn", SOMAXCONN), (SOMAXCONN, SOMAXCONN), ("net/ipv4/conf/e.1/x", "net.ipv4.conf.e/1.x"),
     ("net.ipv4.conf.e/1.x", "net.ipv4.conf.e/1.x")],
)  # fmt: skip
def test_a_key_is_written_with_dots(written, key):
    assert dotted(written) == key
