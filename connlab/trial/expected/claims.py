"""What is claimed of a port, an office or a sysctl: the part of an expectation after its colon."""

from __future__ import annotations

import re
from collections.abc import Callable

from connlab.trial.answer.vocabulary import LIVES, VERDICTS
from connlab.trial.expected.words import Claim, Words

COUNTS = {"at least": ">=", "at most": "<=", "": "="}
A_COUNT = "a number, 'unlimited', 'nobody', or what the others see"


def port_claims(words: Words) -> list[Claim]:
    """Read one part of what is claimed of a port: who gets in, what the others see, and so on."""
    for first, read in PORT_CLAIMS.items():
        if words.take(first):
            return read(words)
    return _count(words, "limit") + _sharing(words)


def _count(words: Words, field: str) -> list[Claim]:
    if field == "limit" and words.take("unlimited"):
        return [Claim(field, "=", None)]
    if field == "limit" and words.take("nobody"):
        return [Claim(field, "=", 0), Claim("pattern", "lacks", "E")]
    if field == "limit" and words.take("some"):
        return [Claim(field, "=", 0), Claim("pattern", "has", "E")]
    relation = next(sign for phrase, sign in COUNTS.items() if words.take(*phrase.split()))
    return [Claim(field, relation, words.next("a number" if field != "limit" else A_COUNT, number))]


def _sharing(words: Words) -> list[Claim]:
    claims = []
    if words.take("per"):
        claims.append(Claim("shared_by", "=", words.next("'address', or a prefix as /24,", _prefix)))
    elif words.take("for", "everybody"):
        claims.append(Claim("shared_by", "=", "everybody"))
    if words.take("with"):
        claims.append(Claim("ports", "has", words.next("a port", port_number)))
        while words.take("and"):
            claims.append(Claim("ports", "has", words.next("a port", port_number)))
    return claims


def _refusal(first: str) -> Callable[[Words], list[Claim]]:
    """Read what the others see; `icmp` and `connected` may go on with silence, `connected` must."""

    def read(words: Words) -> list[Claim]:
        then = first in ("icmp", "connected") and words.take(",", "then", "silence")
        if first == "connected" and not then:
            raise words.refusal("', then silence'")
        return [Claim("refusal", "=", f"{first}, then silence" if then else first)]

    return read


def _live(words: Words) -> list[Claim]:
    return [Claim("live", "=", words.next(f"one of {', '.join(LIVES)}", one_of(*LIVES)))]


def _frees(words: Words) -> list[Claim]:
    if words.take("at", "once"):
        return [Claim("frees", "=", "at once")]
    words.need("within")
    seconds = words.next("seconds, as 5 s,", _seconds)
    words.take("s")
    return [Claim("frees", "<=", seconds)]


def _by(words: Words) -> list[Claim]:
    if words.take("line"):
        return [Claim("decided_by", "at", ("", words.next("the number of a line", number)))]
    return [Claim("decided_by", "at", words.next("'line 9', or a file and line as prod.rules:9,", _place))]


def _dials(words: Words) -> list[Claim]:
    runs = [words.next("letters, as E20 R10,", _run)]
    while words.word not in ("", ","):
        runs.append(words.next("letters, as E20 R10,", _run))
    return [Claim("pattern", "=", " ".join(runs))]


PORT_CLAIMS: dict[str, Callable[[Words], list[Claim]]] = {
    **{first: _refusal(first) for first in ("rst", "icmp", "silence", "connected")},
    "live": _live, "frees": _frees, "by": _by, "dials": _dials,
}  # fmt: skip


def office_claims(words: Words) -> list[Claim]:
    """Read how many connections an office gets, or each person of it."""
    (count,) = _count(words, "got")
    return [Claim("per_person", "each", (count.relation, count.value))] if words.take("each") else [count]


def sysctl_claims(words: Words) -> list[Claim]:
    """Read a verdict on a key."""
    return [Claim("verdict", "has", words.next("a verdict, as applied,", one_of(*VERDICTS)))]


def _matching(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(text)
    return text


def number(text: str) -> int:
    """Read a whole number. Raises ValueError."""
    return int(_matching(r"[0-9]{1,6}", text))


def port_number(text: str) -> int:
    """Read the number of a port. Raises ValueError."""
    if not 0 < (port := number(text)) < 65536:
        raise ValueError(text)
    return port


def _seconds(text: str) -> float:
    return float(_matching(r"[0-9.]+s?", text).removesuffix("s"))


def _prefix(text: str) -> str:
    return _matching(r"address|/[0-9]{1,3}", text.lower())


def any_word(text: str) -> str:
    """Read a word of which nothing is known. Raises ValueError if there is none."""
    return _matching(r"\S+", text)


def _run(text: str) -> str:
    return _matching(r"[EDRT][0-9]+", text.upper())


def _place(text: str) -> tuple[str, int]:
    file, _, line = _matching(r".+:[0-9]+", text).rpartition(":")
    return file, number(line)


def one_of(*known: str) -> Callable[[str], str]:
    """Return a reader of a closed set of words, which raises KeyError."""
    return {word: word for word in known}.__getitem__
