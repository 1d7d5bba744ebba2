"""What this kernel, this tool or these hosts do not have: ports whose rules use it cannot be tried, and are told apart.

It is known by what the tool said when the rules were loaded: a rule that is left out would let everybody in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connlab.trial.answer.vocabulary import PORT_FIELDS
from connlab.trial.dialling.plan import DEFAULT_INTERFACE
from connlab.trial.files import restore_parts
from connlab.trial.files.forms import BOTH, Input
from connlab.trial.rules import rule_ports

LACKS = re.compile(
    r"Extension (?P<kernel>\S+) revision \d+ not supported, missing kernel module"
    r"|Couldn't load (?P<kind>match|target) `(?P<tool>[^']+)'"
)
# What tools say of what is there where the rules come from: targets of xtables-addons, sets of ipset, users, services.
ELSEWHERE = [
    (
        re.compile(
            r"Chain '(TARPIT|DELUDE|CHAOS|RAWDNAT|RAWSNAT|SYSRQ|LOGMARK|IPMARK|DNETMAP)' does not exist"
        ),
        "iptables has no target `{}` here",
    ),
    (re.compile(r"unknown option \"--(tarpit|honeypot|reset)\""), "iptables has no target `TARPIT` here"),
    (re.compile(r"Set (\S+) doesn't exist"), "there is no set `{}` of ipset here"),
    (
        re.compile(r"Bad value for \"--[ug]id-owner\" option: \"([^\"]*)\""),
        "the hosts of a trial know no user `{}`",
    ),
    (re.compile(r"(?:User|Group) does not exist"), "the hosts of a trial know no such user"),
    (re.compile(r"cgroupv2 path fails"), "the hosts of a trial have no control groups of services"),
]
REFUSED = re.compile(
    r"RULE_\w+ failed \(Invalid argument\)"
)  # by the kernel, which does not say what of a rule
OF_THE_MACHINE = {
    re.compile(
        r"--[ug]id-owner\b"
    ): "the hosts of a trial have one user: no rule can name another by its number",
    re.compile(r"-m cgroup\b.*--path\b"): "the hosts of a trial have no control groups of services",
}
FOR_IPV6 = re.compile(r"\bip6tables\b")


def marked(answer: Mapping[str, Any], inputs: Sequence[Input], unnamed: int) -> dict[str, Any]:
    """Return an answer whose rows of such ports say that they cannot be run, and which finds nothing about them."""
    rows = {(row["port"], row["family"]): row for row in _rows(answer["files"], inputs, unnamed)}
    others = [row for row in answer["ports"] if (row["port"], row["family"]) not in rows]
    found = [each for each in answer["findings"] if (each["port"], each["family"]) not in rows]
    return {**answer, "ports": [*rows.values(), *others], "findings": found}


def lacking(message: str, rule: str) -> str:
    """Say what a message of a tool about a rule tells to be missing; nothing if it is about something else."""
    match = LACKS.search(message)
    if match is None:
        return _elsewhere(message, rule)
    if match["kernel"]:
        return f"the kernel has no `{match['kernel']}`"
    return f"iptables has no {match['kind']} `{match['tool']}` here"


def _elsewhere(message: str, rule: str) -> str:
    for pattern, words in ELSEWHERE:
        if match := pattern.search(message):
            return words.format(*match.groups())
    known = OF_THE_MACHINE.items() if REFUSED.search(message) else ()
    return next((words for pattern, words in known if pattern.search(rule)), "")


def _rows(
    files: Sequence[Mapping[str, Any]], inputs: Sequence[Input], unnamed: int
) -> Iterator[dict[str, Any]]:
    for file, brought in zip(files, inputs, strict=True):
        lines = brought.text.splitlines()
        for message in file["messages"]:
            number = message["line"]
            meant = lines[number - 1 : number] if number else lines
            if not (reason := lacking(message["text"], " ".join(meant))):
                continue
            if number and not file["loaded"]:
                reason += f"; without line {number} the rest can be tried"
            named = [
                each.first for line in (meant if file["loaded"] else lines) for each in rule_ports.ports(line)
            ]
            family = 6 if brought.form.startswith("ip6") or FOR_IPV6.search(" ".join(meant)) else 4
            if brought.form == BOTH and number:
                family = restore_parts.family_at(brought.text, number)
            judge = {"file": brought.path, "line": number, "rule": " ".join(meant) if number else ""}
            for port in dict.fromkeys(named or [unnamed]):
                yield _row_without(port, family, judge, reason)


def _row_without(port: int, family: int, judge: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the row of a port of which nothing is known, and why."""
    known = {
        "port": port, "family": family, "from": "any", "via": DEFAULT_INTERFACE, "cap": 0, "ports": [port],
        "refusal": "none", "decided_by": dict(judge), "pattern": "", "cannot_run": reason,
    }  # fmt: skip
    return dict.fromkeys(PORT_FIELDS) | known
