"""Whether trace, counters and clients say the same of a row, and where they do not."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from connlab.trial.dialling.tried import Tried
from connlab.trial.hosts.observations import Dial, Observation
from connlab.trial.rules.ruleset import Place


def agree(tried: Tried, answering: Collection[Place] = ()) -> bool | None:
    """Tell whether they say the same in every scenario; the rules of `answering` answer SYNs themselves.

    None if a trace has holes, or a dial did not get in whose SYN came to no rule: lost, or dropped before all rules.
    """
    seen = tried.observations()
    if not all(each.complete for each in seen):
        return None
    if disagreements(tried, answering):
        return False
    return None if any(dial.unseen for each in seen for dial in each.dials) else True


def disagreements(tried: Tried, answering: Collection[Place] = ()) -> list[str]:
    """Name each dial and each counter that the trace contradicts, with its scenario; none where a trace has holes."""
    named = {**tried.seen, **{f"held {port}": each for port, each in tried.held.items()}}
    return [
        f"{name}: {words}"
        for name, each in named.items()
        if each.complete
        for words in (*_of_dials(each, answering), *_of_counters(each))
    ]


def _of_dials(seen: Observation, answering: Collection[Place]) -> Iterator[str]:
    for number, dial in enumerate(seen.dials, 1):
        if dial.agrees is False and not _answered_by_a_rule(dial, answering):
            judge = f"{dial.judge.verdict} by {_words(dial.judge.place)}" if dial.judge else "by nobody"
            yield f"dial {number} of {len(seen.dials)} is {dial.letter}, its first SYN was judged: {judge}"


def _answered_by_a_rule(dial: Dial, answering: Collection[Place]) -> bool:
    return dial.letter == "E" and dial.judge is not None and dial.judge.place in answering


def _of_counters(seen: Observation) -> Iterator[str]:
    for place, packets in seen.contradicted.items():
        yield f"{_words(place)} counted {packets}, the trace has {seen.syns[place]}"


def _words(place: Place) -> str:
    """Write a place as nft(8) does: family, table, chain, and the rule's handle (0: the chain's policy)."""
    family, table, chain, handle = place
    return f"{family} {table} {chain} handle {handle}" if handle else f"{family} {table} {chain} policy"
