"""An answer as a person reads it: rows that are equal are one, and so are findings that say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial import summary_rows
from connlab.trial.row_words import FAMILIES
from connlab.trial.summary_rows import Line, place
from connlab.trial.vocabulary import VERDICTS

Answer = Mapping[str, Any]
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


class Summary(NamedTuple):
    """What the screen and the page show, in this order; `files` are their names, as short as they can be."""

    files: Sequence[str]
    loading: Sequence[tuple[str, str]]
    rows: Sequence[Line]
    findings: Sequence[Note]
    idle: Sequence[Note]
    sysctls: Sequence[Mapping[str, Any]]
    offices: Sequence[str]
    expectations: Sequence[Mapping[str, Any]]


def summary(answer: Answer, texts: Mapping[str, str]) -> Summary:
    """Sum up an answer; `texts` are the files by their paths, whose lines are quoted."""
    names = summary_rows.short_names([file["path"] for file in answer["files"]])
    quoted = {path: text.expandtabs().split("\n") for path, text in texts.items()}
    return Summary(
        list(names.values()),
        list(_loading(answer, names)),
        list(summary_rows.lines(answer["ports"], names)),
        [note for note in _findings(answer, names, quoted) if note.id != NEVER],
        list(_idle(answer, names, quoted)),
        [{**each, "file": names.get(each["file"], each["file"])} for each in answer["sysctls"]],
        [_office(each) for each in answer["offices"]],
        answer["expectations"],
    )


def _loading(answer: Answer, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each file, what was said while it was loaded, and what was changed before."""
    told = {(each["file"], each["line"]) for each in answer["sysctls"]}  # with the line, below
    words = {True: "loaded", False: "not loaded", "partly": "loaded in part"}
    for file in answer["files"]:
        status = f", exit status {file['exit']}" if file["loaded"] is not True else ""
        yield names[file["path"]], f"{file['form']}, {words[file['loaded']]}{status}"
        for message in file["messages"]:
            if (file["path"], message["line"]) in told:
                continue
            yield place(file["path"], message["line"], names) or names[file["path"]], message["text"]
    for change in answer.get("set", []):
        where = place(change["file"], change["line"], names)
        yield where, f"{change['word']} {change['after']} was tried, where the file says {change['before']}"


def _findings(
    answer: Answer, names: Mapping[str, str], quoted: Mapping[str, Sequence[str]]
) -> Iterator[Note]:
    """Yield the findings on rules; those that differ by port and family alone are one, with the others named."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for finding in (each for each in answer["findings"] if each["id"] not in VERDICTS):
        port = str(finding["port"])
        words = (
            re.sub(rf"\b{port}\b|\bIPv[46]\b", "", finding["text"]) if finding["port"] else finding["text"]
        )
        groups.setdefault((finding["id"], str(finding["file"]), str(finding["line"]), words), []).append(
            finding
        )
    for first, *others in groups.values():
        yield Note(
            first["id"],
            first["text"],
            _spoken(others),
            first["evidence"] or "",
            *_quoted(first, names, quoted),
            next(filter(None, map(_instead, [first, *others])), ""),
        )


def _instead(finding: Mapping[str, Any]) -> str:
    """Say what was tried in the place of a line, and what it did: `with mask 32: E20 R10`."""
    better = finding.get("instead")
    return f"{better['text']}: {better['pattern']}" if better else ""


def _spoken(findings: Sequence[Mapping[str, Any]]) -> str:
    """Name the ports and families of findings: `port 22 over IPv6, ports 80, 443 over IPv4 and IPv6`."""
    families: dict[int, list[str]] = {}
    for each in findings:
        if each["port"]:
            families.setdefault(each["port"], []).append(FAMILIES[each["family"]])
    ports: dict[str, set[int]] = {}
    for port, mine in families.items():
        ports.setdefault(" and ".join(mine), set()).add(port)
    return "; ".join(f"{_ports(named)} over {mine}" for mine, named in ports.items())


def _idle(answer: Answer, names: Mapping[str, str], quoted: Mapping[str, Sequence[str]]) -> Iterator[Note]:
    """Yield the rules that met no packet of any scenario, and who decided over the SYNs of the ports they name."""
    blamed = [each for each in answer["findings"] if each["id"] == NEVER]
    for finding in blamed:
        where, line = _quoted(finding, names, quoted)
        shown = "" if line else finding["evidence"]
        yield Note(NEVER, finding["text"], "", shown, where, line, _instead(finding))
    known = {(each["file"], each["line"]) for each in blamed if each["line"]}
    for rule in answer["rules"]:
        words = ANSWER_OF_A_REFUSAL.sub("", rule["rule"])
        if rule["packets"] or (rule["file"], rule["line"]) in known or OTHER_PROTOCOLS.search(words):
            continue
        named = {int(port) for words in PORTS.findall(rule["rule"]) for port in re.findall(r"\d+", words)}
        rows = [row for row in answer["ports"] if not named or row["port"] in named]
        takers = dict.fromkeys(_taker(row["decided_by"], rule["file"], names) for row in rows)
        by = ", ".join(filter(None, takers))
        taken = f"SYNs to {_ports(named)} are decided by {by}" if by else ""
        where, line = _quoted(rule, names, quoted)
        yield Note("", "", "", taken, where, line or rule["rule"])


def _taker(judge: Mapping[str, Any], file: str | None, names: Mapping[str, str]) -> str:
    """Say who decided, as seen from a line of a file; nothing where no rule looked."""
    if not judge["line"]:
        return "" if judge["rule"] == "no rule" else str(judge["rule"])
    return f"line {judge['line']}" if judge["file"] == file else place(judge["file"], judge["line"], names)


def _quoted(
    entry: Mapping[str, Any], names: Mapping[str, str], quoted: Mapping[str, Sequence[str]]
) -> tuple[str, str]:
    """Name the line of an entry and quote it; both are empty if it is not known."""
    file, line = entry["file"], entry["line"]
    text = quoted.get(file, [])[line - 1 : line] if line else []
    return place(file, line, names), "".join(text).strip()


def _ports(named: set[int]) -> str:
    return f"port{'s' * (len(named) > 1)} {', '.join(map(str, sorted(named)))}" if named else "all ports"


def _office(office: Mapping[str, Any]) -> str:
    """Say who of an office gets how many, and what a neighbour gets."""
    got = office["per_person"]
    spread = f"{min(got)} each" if min(got) == max(got) else f"from {min(got)} to {max(got)} each"
    none = f", {got.count(0)} of them none" if 0 < got.count(0) < len(got) else ""
    return (
        f"port {office['port']}: of {office['people']} people with {office['each']} connections each "
        f"behind one router, {office['got']} of {office['people'] * office['each']} get in, {spread}{none}; "
        f"then a neighbour in the router's /24: {office['neighbour']}"
    )
