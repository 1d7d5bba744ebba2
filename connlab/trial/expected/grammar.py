"""An expectation as it is written, `port 443: 20 per /24, silence`, read into a record (docs/try.md)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from connlab.trial.answer.vocabulary import FINDINGS, VERDICTS
from connlab.trial.expected.claims import (
    any_word,
    number,
    office_claims,
    one_of,
    port_claims,
    port_number,
    sysctl_claims,
)  # fmt: skip
from connlab.trial.expected.words import Claim, Expectation, Words

FAMILIES = {"ipv4": 4, "ipv6": 6}
A_FAMILY = "'IPv4' or 'IPv6'"


def parse(text: str, where: str = "--expect") -> Expectation:
    """Read one expectation. Raises `Usage` with the column of what is not understood."""
    words = Words(text, where)
    for first, read in SUBJECTS.items():
        if words.take(*first.split()):
            found = read(words)
            if words.word:
                raise words.refusal("a comma, or the end,")
            return found._replace(text=text.strip())
    raise words.refusal(f"one of {', '.join(map(repr, SUBJECTS))}")


def parse_subject(text: str, where: str) -> Expectation:
    """Read what stands before the colon alone, of a port or an office: `port 443 over IPv6`. Raises `Usage`."""
    words = Words(text, where)
    for first, read in (("port", _port_subject), ("office", _office_subject)):
        if words.take(first):
            found = read(words)
            if words.word:
                raise words.refusal("the end")
            return found._replace(text=text.strip())
    raise words.refusal("'port' or 'office'")


def _port(words: Words) -> Expectation:
    return _with_claims(words, _port_subject(words), port_claims)


def _port_subject(words: Words) -> Expectation:
    fields: dict[str, Any] = {"port": words.next("a port", port_number), "from": "any"}
    while words.word not in ("", ":"):
        if words.take("over"):
            fields["family"] = words.next(A_FAMILY, _family)
        elif words.take("from"):
            fields["from"] = words.next("a net, as 10.0.0.0/8,", lambda word: str(ipaddress.ip_network(word)))
        elif words.take("via"):
            fields["via"] = words.next("the name of an interface", any_word)
        elif words.take("to"):
            fields["to"] = words.next("an address", lambda word: str(ipaddress.ip_address(word)))
        else:
            raise words.refusal("'over', 'from', 'via', 'to' or a colon")
    return Expectation("", "ports", fields, [])


def _office(words: Words) -> Expectation:
    return _with_claims(words, _office_subject(words), office_claims)


def _office_subject(words: Words) -> Expectation:
    people, each = words.next("people and connections of each, as 50x6,", _people)
    fields = {"people": people, "each": each}
    if words.take("on"):
        words.take("port")
        fields["port"] = words.next("a port", port_number)
    return Expectation("", "offices", fields, [])


def _finding(words: Words) -> Expectation:
    fields: dict[str, Any] = {"id": words.next("the id of a finding", one_of(*FINDINGS, *VERDICTS))}
    if words.take("on"):
        words.take("port")
        fields["port"] = words.next("a port", port_number)
    if words.take("over"):
        fields["family"] = words.next(A_FAMILY, _family)
    return Expectation("", "findings", fields, [])


def _no_finding(words: Words) -> Expectation:
    return _finding(words)._replace(absent=True)


def _sysctl(words: Words) -> Expectation:
    key = words.next("a key, as net.core.somaxconn,", any_word).replace("/", ".")
    return _with_claims(words, Expectation("", "sysctls", {"key": key}, []), sysctl_claims)


SUBJECTS: dict[str, Callable[[Words], Expectation]] = {
    "port": _port, "office": _office, "no finding": _no_finding, "finding": _finding, "sysctl": _sysctl,
}  # fmt: skip


def _with_claims(words: Words, found: Expectation, read: Callable[[Words], list[Claim]]) -> Expectation:
    """Read the colon and what is claimed, with commas between."""
    words.need(":")
    claims = read(words)
    while words.take(","):
        claims += read(words)
    return found._replace(claims=claims)


def _family(text: str) -> int:
    return FAMILIES[text.lower()]


def _people(text: str) -> tuple[int, int]:
    people, _, each = text.partition("x")
    return number(people), number(each)
