"""The way of SYNs past a line of a file: which rules each matched before and after it, and what became of the dial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.answer.record import digest
from connlab.trial.dialling.dial_words import pattern
from connlab.trial.files.loading import Loaded
from connlab.trial.rules.rule_verdicts import rejects

Place = tuple[str, str, str, int]


class Syn(NamedTuple):
    """A SYN that the trace saw: of a dial to a port, with the rules and policies it matched and their verdicts."""

    port: int
    family: int
    letter: str
    path: tuple[tuple[Place, str], ...]


def places(loaded: Loaded) -> dict[str, Any]:
    """Name each rule and each policy by its place, as a trace does, with its line and text; and what loads them."""
    found = [(rule.place, loaded.lines.rules.get(rule.place), rule.text) for rule in loaded.ruleset.rules]
    found += [
        ((*name, 0), loaded.lines.policies.get(name), f"policy {chain.policy.upper()}")
        for name, chain in loaded.ruleset.chains.items()
        if chain.policy
    ]
    rules = [
        {"place": list(place), "file": line.file if line else None, "line": line.line if line else None, "rule": text}
        for place, line, text in found
    ]  # fmt: skip
    return {"texts": digest(loaded.texts), "rules": rules}


def ways(
    known: Mapping[str, Any], exchanges: Iterable[Mapping[str, Any]], file: str, line: int
) -> list[dict[str, Any]]:
    """Sum up the SYNs that matched what a line made, those with one way together; the most of them first."""
    by_place = {_place(entry["place"]): entry for entry in known["rules"]}
    mine = {place for place, entry in by_place.items() if (entry["file"], entry["line"]) == (file, line)}
    letters: dict[tuple[Any, ...], Counter[str]] = {}
    as_brought = (each for each in exchanges if _loaded(each) == {known["texts"]})
    for syn in (syn for exchange in as_brought for syn in _syns(exchange)):
        if any(place in mine for place, _ in syn.path):
            key = (syn.port, syn.family, tuple(step for step in syn.path if step[0] in by_place))
            letters.setdefault(key, Counter())[syn.letter] += 1
    found = [
        {
            "port": port, "family": family, "syns": counts.total(),
            "letters": pattern(sorted(counts.elements())),
            "way": [_step(by_place[at], at, verdict) for at, verdict in path],
        }
        for (port, family, path), counts in letters.items()
    ]  # fmt: skip
    return sorted(found, key=lambda way: -way["syns"])


def _loaded(exchange: Mapping[str, Any]) -> set[str]:
    """Name what a scenario loads: rules that are tried with a change, or without verdicts, have other places."""
    return {step["texts"] for step in exchange["request"]["steps"] if "texts" in step}


def _syns(exchange: Mapping[str, Any]) -> Iterator[Syn]:
    """Yield the SYNs of a scenario; of a dial without a route of its own, nothing."""
    answer = exchange["answer"]
    for step, result in zip(exchange["request"]["steps"], answer.get("results", []), strict=False):
        first, after = result.get("dials", (0, 0))
        routes = step.get("routes") or [["", step.get("target", ""), step.get("port", 0)]]
        for number in range(first, after):
            _, target, port = routes[min(number - first, len(routes) - 1)]
            letter, _, _, syns, _ = answer["dials"][number]
            for index in syns:
                _, events = answer["paths"][index]
                path = tuple(_event(event) for event in events if event[4] != "return")
                yield Syn(port, 6 if ":" in target else 4, letter, path)


def _event(event: Sequence[Any]) -> tuple[Place, str]:
    family, table, chain, handle, kind, verdict = event
    return (family, table, chain, handle if kind == "rule" else 0), verdict


def _place(parts: Sequence[Any]) -> Place:
    family, table, chain, handle = parts
    return family, table, chain, handle


def _step(entry: Mapping[str, Any], place: Place, verdict: str) -> dict[str, Any]:
    if verdict == "drop" and rejects(entry["rule"]):
        verdict = "reject"
    return {
        "table": f"{place[0]} {place[1]}", "chain": place[2], "file": entry["file"], "line": entry["line"],
        "rule": entry["rule"], "verdict": verdict,
    }  # fmt: skip
