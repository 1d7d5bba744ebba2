"""A script that was run on a host of its own: which line made each rule, which calls failed, what loads it all anew."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from connlab.base.errors import GaveUp
from connlab.trial import ruleset
from connlab.trial.forms import Input
from connlab.trial.lines import ChainName, Known, Line

# Calls that look or take away: what they miss is not missing from what is in force.
NOT_ADDING = re.compile(
    r"(-C|--check|-D|--delete|-X|--delete-chain|-F|--flush|-Z|--zero|-L|--list|-S|--list-rules|-V|--version|-h|--help"
    r"|delete|destroy|flush|list|reset|monitor)$"
)
FIREWALL = re.compile(r"(ip6?tables|nft)\b")
THERE_ALREADY = "Chain already exists"
SIGNAL = 128  # of a shell's exit status: more than this is a signal


def follow(brought: Input, told: Mapping[str, Any], known: Known) -> Known:
    """Return which line of which file made each rule after the script. Raises `GaveUp` if it never ended."""
    if told["deadline"]:
        raise GaveUp(
            f"{brought.path} did not end",
            "it was ended where it went on without calling a tool for 10 s, or after a minute",
            next_step="bring a script that loads rules and ends",
        )
    lines = call_lines(told)
    mine: dict[tuple[str, str, int], Line | None] = {}
    for chain, order in known.orders.items():
        earlier = ruleset.read(told["before"]).of(chain)
        if len(earlier) == len(order):
            for rule, line in zip(earlier, order, strict=True):
                mine[chain[0], chain[1], rule.place[3]] = line
    for family, table, handle, call in told["rules"]:
        number = lines[call] if call >= 0 else None
        mine[family, table, handle] = Line(brought.path, number) if number else None
    orders: dict[ChainName, list[Line | None]] = {}
    for rule in ruleset.read(told["listing"]).rules:
        family, table, name, handle = rule.place
        orders.setdefault((family, table, name), []).append(mine.get((family, table, handle)))
    return Known(orders, {**known.policies, **_policies(brought, told, lines)})


def call_lines(told: Mapping[str, Any]) -> list[int | None]:
    """Return the line of each call; where the shell tells none, that of the same call when bash ran the script."""
    mine, other = told["calls"], told.get("by_bash")
    if other is None:
        return [_number(call) for call in mine]
    found: list[int | None] = [None] * len(mine)
    these, those = ([(call["tool"], *call["words"]) for call in calls] for calls in (mine, other))
    for block in difflib.SequenceMatcher(None, these, those, autojunk=False).get_matching_blocks():
        for at in range(block.size):
            found[block.a + at] = _number(other[block.b + at])
    return found


def file(brought: Input, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of `files[]`: loaded, or partly if a call that adds something failed, or the script itself."""
    lines = call_lines(told)
    failed = [
        (line, call)
        for line, call in zip(lines, told["calls"], strict=True)
        if call["status"] not in (0, None)
    ]
    messages = [
        {"line": line, "text": text}
        for line, call in failed
        for text in call["errors"].splitlines() or [f"{call['tool']} ended with status {call['status']}"]
        if text.strip()
    ]
    messages += _of_the_shell(told)
    if told["others"]:
        messages.append({"line": None, "text": "what it left running in the background was ended"})
    if any("-legacy" in call["tool"] for call in told["calls"]):
        messages.append(
            {"line": None, "text": "the legacy tool was called: its nf_tables successor did it here"}
        )
    status = told["status"]
    if status:
        ended = f"signal {status - SIGNAL}" if status > SIGNAL else f"status {status}"
        messages.append({"line": None, "text": f"the script ended with {ended}"})
    missing = [call for _, call in failed if _adds(call)]
    loaded: bool | str = True
    if status or missing:
        loaded = "partly" if told["rules"] or told["policies"] or told["sysctls"] else False
    return {
        "path": brought.path, "form": brought.form, "loaded": loaded, "exit": status,
        "messages": sorted(messages, key=lambda message: message["line"] or 1 << 30),
    }  # fmt: skip


def sysctls(told: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the text that sets anew what the script set, if it set anything."""
    text = "".join(f"{key} = {value}\n" for key, value in told["sysctls"].items())
    return [{"tool": "sysctl", "text": text}] if text else []


def _policies(brought: Input, told: Mapping[str, Any], lines: Sequence[int | None]) -> dict[ChainName, Line]:
    """Find the line that set each policy: a call with `-P`, or else the one whose call changed it."""
    found = {(family, table, chain): lines[call] for family, table, chain, call in told["policies"]}
    for line, call in zip(lines, told["calls"], strict=True):
        words = call["words"]
        at = next((at for at, word in enumerate(words) if word in ("-P", "--policy")), None)
        if at is not None and len(words) > at + 1 and call["status"] == 0:
            table = next(
                (words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-t", "--table")), "filter"
            )
            found["ip6" if call["tool"].startswith("ip6") else "ip", table, words[at + 1]] = line
    return {chain: Line(brought.path, line) for chain, line in found.items() if line}


def _number(call: Mapping[str, Any]) -> int | None:
    return int(call["line"]) if call["line"].isdigit() else None


def _adds(call: Mapping[str, Any]) -> bool:
    """Tell whether what a call did not do is missing from the rules now."""
    if not FIREWALL.match(call["tool"]) or call["tool"].endswith("-save") or THERE_ALREADY in call["errors"]:
        return False
    return not any(NOT_ADDING.match(word) for word in call["words"])


def _of_the_shell(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find what the shell itself had to say: `/tmp/script/x.sh: line 3: foo: command not found`."""
    said = re.compile(rf"^{re.escape(told['path'])}: (?:line )?(\d+): (.+)$", re.MULTILINE)
    return [{"line": int(number), "text": text} for number, text in said.findall(told["errors"])]
