"""What is expected of a trial, held against its answer."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connlab.trial.answer.row_words import row_words, whose
from connlab.trial.dialling.plan import Office
from connlab.trial.expected.words import Claim, Expectation

Entry = Mapping[str, Any]
NO_LIMIT = 1 << 31
NO_RULE = "no rule"


def judge(expectations: Sequence[Expectation], answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `expectations[]`: each holds if all that it is about are as it says, and there is one."""
    return [_judged(each, answer) for each in expectations]


def ports(expectations: Sequence[Expectation]) -> list[int]:
    """Return the ports that are spoken of, which are tried although no rule may name them."""
    return list(dict.fromkeys(each.fields["port"] for each in expectations if "port" in each.fields))


def offices(expectations: Sequence[Expectation], wished: Sequence[Office] = ()) -> list[Office]:
    """Return the offices that are wished for, and those that are spoken of, each once."""
    found = list(wished)
    for fields in [each.fields for each in expectations if each.of == "offices"]:
        everywhere = Office(fields["people"], fields["each"])
        office = everywhere._replace(port=fields.get("port", 0))
        if office not in found and everywhere not in found:
            found.append(office)
    return found


def dials(expectations: Sequence[Expectation]) -> int:
    """Return how many dials it takes to tell the largest limit that is expected from none."""
    limits = [claim.value for each in expectations for claim in each.claims if claim.field == "limit"]
    return max((limit + 1 for limit in limits if limit), default=0)


def _judged(expected: Expectation, answer: Mapping[str, Any]) -> dict[str, Any]:
    entries = _entries(expected, answer)
    if lacks := [entry["cannot_run"] for entry in entries if "cannot_run" in entry]:
        return {"text": expected.text, "holds": False, "got": f"it cannot be tried: {lacks[0]}"}
    agree = all(RELATIONS[claim.relation](entry[claim.field], claim.value)
                for entry in entries for claim in expected.claims)  # fmt: skip
    holds = not entries if expected.absent else bool(entries) and agree
    return {"text": expected.text, "holds": holds, "got": _got(expected, entries)}


def _entries(expected: Expectation, answer: Mapping[str, Any]) -> list[Entry]:
    """Give the entries that are meant.

    Of a port and no family: those of the families that any rule looks at; a file for IPv4 is no promise for IPv6.
    """
    entries = [
        entry for entry in answer[expected.of]
        if all(entry.get(field) == value for field, value in expected.fields.items())
    ]  # fmt: skip
    if expected.of == "ports" and "family" not in expected.fields:
        entries = [entry for entry in entries if entry["decided_by"]["rule"] != NO_RULE] or entries
    return entries


def _got(expected: Expectation, entries: Sequence[Entry]) -> str:
    if not entries:
        return NOTHING[expected.of]
    words = [WORDS[expected.of](entry) for entry in entries]
    more = [_more(entry, expected.claims) for entry in entries]
    said = [f"{word}{each}" for word, each in zip(words, more, strict=True)]
    if expected.of == "ports" and len(set(said)) > 1:
        return "; ".join(f"{whose(entry)}: {each}" for entry, each in zip(entries, said, strict=True))
    return "; ".join(dict.fromkeys(said))


def _more(entry: Entry, claims: Sequence[Claim]) -> str:
    """Say of fields that the words of an entry leave out what they are, where something is claimed of them."""
    fields = [claim.field for claim in claims if claim.field in MORE and claim.value != "E"]
    return "".join(f", {MORE[field](entry[field])}" for field in dict.fromkeys(fields))


def _decided(judge: Mapping[str, Any]) -> str:
    return f"by {judge['file']}:{judge['line']}" if judge["line"] else f"by {judge['rule']}"


def _is_at(judge: Mapping[str, Any], place: tuple[str, int]) -> bool:
    file, line = place
    is_file = not file or judge["file"] == file or str(judge["file"]).endswith(f"/{file}")
    return is_file and judge["line"] == line


def _known(value: object) -> Any:
    """Return a limit or a time that can be compared: none is more than any."""
    return NO_LIMIT if value is None else 0 if value == "at once" else value


RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">=": lambda got, least: bool(_known(got) >= least),
    "<=": lambda got, most: bool(_known(got) <= most),
    "has": lambda got, part: part in got,
    "lacks": lambda got, part: part not in got,
    "each": lambda got, value: all(RELATIONS[value[0]](each, value[1]) for each in got),
    "at": _is_at,
}
WORDS: Mapping[str, Callable[[Entry], str]] = {
    "ports": row_words,
    "offices": lambda office: str(office["got"]),
    "findings": lambda finding: str(finding["text"]),
    "sysctls": lambda sysctl: ", ".join(sysctl["verdict"]),
}
NOTHING = {
    "ports": "it was not tried", "offices": "it was not tried", "findings": "no such finding",
    "sysctls": "no line sets it",
}  # fmt: skip
MORE: Mapping[str, Callable[[Any], str]] = {
    "live": lambda live: f"live {live}",
    "frees": lambda frees: "frees at once" if frees == "at once" else f"frees after {frees} s" if frees else
    "does not free in time",
    "decided_by": _decided,
    "pattern": lambda pattern: f"dials {pattern}",
    "per_person": lambda got: f"{min(got)} to {max(got)} each",
}  # fmt: skip
