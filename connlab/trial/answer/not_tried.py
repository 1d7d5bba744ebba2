"""What no dial of a trial can come to, said of the files that have it: rules of forwarded packets, more interfaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connlab.trial.dialling.plan import Plan
from connlab.trial.files.lines import Lines
from connlab.trial.rules import rule_text
from connlab.trial.rules.facts import Facts, sent_to
from connlab.trial.rules.jumps import INWARD, jumps
from connlab.trial.rules.ruleset import Place, Rule, Ruleset

FAMILIES = {"bridge", "arp"}  # whose packets nobody sends
LEAVING = {"postrouting", "egress"}
MOST_TOLD = 12


def added(
    files: Sequence[Mapping[str, Any]], ruleset: Ruleset, lines: Lines, asleep: Sequence[Rule]
) -> list[dict[str, Any]]:
    """Return the entries of files with what is said of their rules that were not tried; `asleep` saw no packet."""
    chains, quiet = jumps(ruleset), {rule.place for rule in asleep}
    found: dict[str, dict[str, list[Rule]]] = {}
    for rule in ruleset.rules:
        line = lines.rules.get(rule.place)
        if line and (why := _why(chains.hooks(rule.place[:3]), rule, quiet)):
            found.setdefault(line.file, {}).setdefault(why, []).append(rule)
    return [
        {**file, "messages": [*file["messages"], *_messages(found.get(file["path"], {}), lines)]}
        for file in files
    ]


def with_what_is_left(files: Sequence[dict[str, Any]], facts: Facts, plan: Plan) -> list[dict[str, Any]]:
    """Return the entries of files, the first with the interfaces by which nobody dials, and the ports not dialled."""
    ways = {row.via for row in plan.rows}
    interfaces = [name for name in facts.interfaces if name not in ways]
    ports = [str(port) for port in facts.more_ports if port not in plan.ports]
    said = []
    if interfaces:
        said.append(
            f"nobody dials by {_list(interfaces)}: there are more interfaces than are tried for a port"
        )
    if ports:
        said.append(f"not tried: ports {_list(ports)}; rules name more than are tried, --port tries them too")
    messages = [{"line": None, "text": text} for text in said]
    return [
        {**file, "messages": [*file["messages"], *messages]} if file is files[0] else file for file in files
    ]


def _list(words: Sequence[str]) -> str:
    return ", ".join(words[:MOST_TOLD]) + (" and more" if len(words) > MOST_TOLD else "")


def _why(hooks: set[str], rule: Rule, quiet: set[Place]) -> str:
    """Say why no dial can come to a rule; nothing for one to which some can."""
    if rule.place[0] in FAMILIES:
        sent = "but those that ask for a neighbour " if rule.place[0] == "arp" else ""
        return f"packets of the family {rule.place[0]} {sent}are not sent, so its rules are not tried"
    if hooks == {"forward"}:
        return "nothing is forwarded here, so rules of FORWARD, and of chains that only it leads to, are not tried"
    if hooks & INWARD and (on := sent_to(rule.text)):
        return (
            f"connections that are sent on to {', '.join(on)} are answered by this server here, as if it had that"
            " address: where it is another host, rules of FORWARD decide, and those of INPUT see nothing of them"
        )
    if hooks and hooks <= LEAVING | {"forward"} and rule_text.limits(rule.text) and rule.place in quiet:
        return f"no packet of a dial came to this limit on the way out ({', '.join(sorted(hooks))}): it is not tried"
    return ""


def _messages(found: Mapping[str, Sequence[Rule]], lines: Lines) -> Iterator[dict[str, Any]]:
    for why, rules in found.items():
        numbers = sorted({lines.rules[rule.place].line for rule in rules})
        told = _list([str(number) for number in numbers])
        yield {"line": numbers[0], "text": f"{why}: line{'s' if len(numbers) > 1 else ''} {told}"}
