"""Findings and lines that do nothing, as a person reads them: those that say the same are one, and lines are quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.answer.row_words import FAMILIES
from connlab.trial.answer.summary_rows import place
from connlab.trial.answer.vocabulary import VERDICTS

Entry = Mapping[str, Any]
NEVER = "never-reached"  # is told with the lines that do nothing
ANSWER_OF_A_REFUSAL = re.compile(r"reject.with .*")
OTHER_PROTOCOLS = re.compile(r"-p (?!tcp|all)\S+|\b(?:udp|icmp|icmpv6|sctp)\b")  # of which nothing is dialled
PORTS = re.compile(r"\bdports? (\{[^}]*\}|\S+)")


class Note(NamedTuple):
    """A finding, or a line that does nothing: a sentence, what shows it, and the line with its text.

    `instead` is what would do what was probably meant, with its dials.
    """

    id: str
    text: str
    also: str
    evidence: str
    where: str
    line: str
    instead: str = ""


class Sources(NamedTuple):
    """The files of an answer: their short names and their lines, by their paths."""

    names: Mapping[str, str]
    lines: Mapping[str, Sequence[str]]

    def quoted(self, entry: Entry) -> tuple[str, str]:
        """Name the line of an entry and quote it; both are empty if it is not known."""
        file, line = entry["file"], entry["line"]
        text = self.lines.get(file, [])[line - 1 : line] if line else []
        return place(file, line, self.names), "".join(text).strip()


def findings(answer: Entry, sources: Sources) -> Iterator[Note]:
    """Yield the findings on rules; those that differ by port and family alone are one, with the others named."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for finding in answer["findings"]:
        if finding["id"] != NEVER and finding["id"] not in VERDICTS:
            key = (finding["id"], str(finding["file"]), str(finding["line"]), _without_port(finding))
            groups.setdefault(key, []).append(finding)
    for first, *others in groups.values():
        better = next(filter(None, map(_instead, [first, *others])), "")
        where, line = sources.quoted(first)
        yield Note(first["id"], first["text"], _also(others), first["evidence"] or "", where, line, better)


def idle(answer: Entry, sources: Sources) -> Iterator[Note]:
    """Yield the rules that met no packet of any scenario, and who decided over the SYNs of the ports they name."""
    blamed = [each for each in answer["findings"] if each["id"] == NEVER]
    for finding in blamed:
        where, line = sources.quoted(finding)
        shown = "" if line else finding["evidence"]
        yield Note(NEVER, finding["text"], "", shown, where, line, _instead(finding))
    known = {(each["file"], each["line"]) for each in blamed if each["line"]}
    for rule in answer["rules"]:
        is_dialled = not OTHER_PROTOCOLS.search(ANSWER_OF_A_REFUSAL.sub("", rule["rule"]))
        if is_dialled and not rule["packets"] and (rule["file"], rule["line"]) not in known:
            where, line = sources.quoted(rule)
            yield Note("", "", "", _taken(rule, answer, sources), where, line or rule["rule"])


def _without_port(finding: Entry) -> str:
    """Give the sentence of a finding without the port and the family that it is about."""
    if not finding["port"]:
        return str(finding["text"])
    return re.sub(rf"\b{finding['port']}\b|( over)? IPv[46]\b", "", finding["text"])


def _instead(finding: Entry) -> str:
    """Say what was tried in the place of a line, and what it did: `with mask 32: E20 R10`."""
    better = finding.get("instead")
    return f"{better['text']}: {better['pattern']}" if better else ""


def _also(others: Sequence[Entry]) -> str:
    """Name the ports and families of findings: `port 22 over IPv6; ports 80, 443 over IPv4 and IPv6`."""
    families: dict[int, list[str]] = {}
    for each in others:
        if each["port"]:
            families.setdefault(each["port"], []).append(FAMILIES[each["family"]])
    ports: dict[str, set[int]] = {}
    for port, mine in families.items():
        ports.setdefault(" and ".join(mine), set()).add(port)
    return "; ".join(f"{_ports(named)} over {mine}" for mine, named in ports.items())


def _taken(rule: Entry, answer: Entry, sources: Sources) -> str:
    """Say who decided over the SYNs to the ports of a rule; nothing where no rule looked."""
    named = {int(port) for words in PORTS.findall(rule["rule"]) for port in re.findall(r"\d+", words)}
    judges = [row["decided_by"] for row in answer["ports"] if not named or row["port"] in named]
    takers = dict.fromkeys(_taker(judge, rule["file"], sources) for judge in judges)
    words = ", ".join(filter(None, takers))
    return f"SYNs to {_ports(named)} are decided by {words}" if words else ""


def _taker(judge: Entry, file: str | None, sources: Sources) -> str:
    """Say who decided, as seen from a line of a file; nothing where no rule looked."""
    if not judge["line"]:
        return "" if judge["rule"] == "no rule" else str(judge["rule"])
    here = judge["file"] == file
    return f"line {judge['line']}" if here else place(judge["file"], judge["line"], sources.names)


def _ports(named: set[int]) -> str:
    return f"port{'s' * (len(named) > 1)} {', '.join(map(str, sorted(named)))}" if named else "all ports"
