"""Shell scripts as people write them: run by a shell on a host of their own, then tried; which line does what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.in_process import call_lab

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
SCRIPTS = {
    "backwards": """iptables -I INPUT -i lo -j ACCEPT
iptables -I INPUT -p tcp --dport 8081 --syn -m connlimit --connlimit-above 5 --connlimit-mask 32 -j DROP
iptables -I INPUT -p tcp --dport 8081 -j ACCEPT
""",
    "half": """nft flush ruleset
nft add table inet f
nft add rule inet f in tcp dport 22 accept
nft add chain inet f in '{ type filter hook input priority 0; policy drop; }'
nft add rule inet f in ct state established,related accept
nft add rule inet f in tcp dport 8081 ct state new accept
""",
    "functions": """#!/bin/sh
# the shell is dash, which does not tell lines
IPT=/sbin/iptables
limit() {
    sudo $IPT -A INPUT -p tcp --syn --dport $1 \\
        -m connlimit --connlimit-above $2 -j REJECT --reject-with tcp-reset
}
$IPT -P INPUT DROP
for port in 8081 8082; do
    limit $port 3
done
$IPT -A INPUT -p tcp -m multiport --dports 8081,8082 -j ACCEPT
""",
}
Tried = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """Return what a script of SCRIPTS does; each is tried once."""
    folder = tmp_path_factory.mktemp("scripts")
    answers: dict[str, dict[str, Any]] = {}

    def answer(name: str) -> dict[str, Any]:
        if name not in answers:
            (folder / f"{name}.sh").write_text(SCRIPTS[name])
            lab = call_lab("try", str(folder / f"{name}.sh"), "--dials", "9", "--json")
            answers[name] = {**json.loads(lab.stdout), "exit": lab.returncode}
        return answers[name]

    return answer


def row(answer: dict[str, Any], port: int, family: int = 4) -> dict[str, Any]:
    """Return the row of a port."""
    return next(row for row in answer["ports"] if (row["port"], row["family"]) == (port, family))


@pytest.mark.variation
def test_inserting_turns_the_order_round(tried):
    """The last line comes first, and lets everybody in before the limit looks (case 05)."""
    answer = tried("backwards")
    assert (row(answer, 8081)["pattern"], row(answer, 8081)["decided_by"]["line"]) == ("E9", 3)
    assert [rule["line"] for rule in answer["rules"]] == [3, 2, 1]
    assert ("never-reached", 2) in [(found["id"], found["line"]) for found in answer["findings"]]


@pytest.mark.variation
def test_a_line_that_failed_is_told_though_the_script_ended_well(tried):
    """The rule of line 3 came before its chain (case 14): exit status 1 of the trial, 0 of the script."""
    answer = tried("half")
    file = answer["files"][0]
    assert (file["form"], file["loaded"], file["exit"], answer["exit"]) == ("shell", "partly", 0, 1)
    assert {message["line"] for message in file["messages"]} == {3}
    assert "No such file or directory" in file["messages"][0]["text"]
    assert ("loads-partly", 3) in [(found["id"], found["line"]) for found in answer["findings"]]
    assert (row(answer, 8081)["pattern"], row(answer, 8081)["decided_by"]["line"]) == ("E9", 6)
    assert (row(answer, 22)["limit"], row(answer, 22)["decided_by"]["line"]) == (0, 4)


def test_what_a_script_takes_away_of_others_is_seen_where_there_are_others(tried):
    """`nft flush ruleset` leaves nothing of anybody's (case 14); a script that only adds leaves all."""
    found = [each for each in tried("half")["findings"] if each["id"] == "wipes-table"]
    assert [each["line"] for each in found] == [1]
    assert "ip6 mangle, ip6 raw" in found[0]["evidence"]
    assert "wipes-table" not in [each["id"] for each in tried("backwards")["findings"]]


def test_a_rule_is_of_the_line_that_called_the_tool(tried):
    """In a function, in a loop, over two lines, by an absolute path, behind sudo, and in the plainest shell."""
    answer = tried("functions")
    assert answer["files"][0]["messages"] == []
    assert (row(answer, 8081)["pattern"], row(answer, 8081)["decided_by"]["line"]) == ("E3 R6", 5)
    assert (row(answer, 8090)["limit"], row(answer, 8090)["decided_by"]["line"]) == (0, 8)
    assert [rule["line"] for rule in answer["rules"]] == [5, 5, 12]
