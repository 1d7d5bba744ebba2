"""Whether a repair is one: what the finding showed is gone, the port still lets in, and a limit is still met."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connlab.trial.dialling.dial_words import got_in, letters
from connlab.trial.dialling.tried import Tried
from connlab.trial.findings.evidence import Evidence
from connlab.trial.hosts.observations import Observation
from connlab.trial.rules import rule_text

Scenes = Mapping[str, Observation]  # of the changed rules, by their names
TO_BE_LIMITED = {"unlimited", "never-reached", "ipv6-open", "log-only", "shut-port-opened"}
TO_BE_SHUT = "shut-port-opened"


def is_one(evidence: Evidence, name: str, scene: str, tried: Tried, seen: Scenes) -> bool:
    """Tell whether the changed rules do what was meant: of a finding by its id, and by the scene that shows it."""
    dials = seen["dials"].of("dial")
    if name == TO_BE_SHUT:
        return "E" not in letters(dials)
    limited = got_in(dials) is not None
    if dials[0].letter != "E" or (not limited and (tried.limit is not None or name in TO_BE_LIMITED)):
        return False
    return SCENES[scene](evidence, tried, seen)


def _other_letters(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    return letters(seen["dials"].of("dial")) != letters(tried.dials)


def _alike(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    """Tell whether all who are refused see the same."""
    return len(set(letters(seen["dials"].of("dial"))) - {"E"}) == 1


def _neighbour_gets_its_own(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    """Tell whether a neighbour gets more than it did, and what the first source gets, or who shares nothing got."""
    inside, outside = tried.sources
    before = tried.letters_of("two_more", "inside" if inside else "outside")
    mine, gets = first(letters(seen["dials"].of("dial"))), first(letters(seen["dials"].of("neighbour")))
    if inside and outside and tried.shared_prefix:
        mine = min(mine, first(tried.letters_of("two_more", "outside")) or mine)
    return gets > first(before) and _as_many(tried, gets, mine)


def _all_answered(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    return not harmed(seen["dials"])


def _nobody_harmed(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    """Compare each kind of connection that the finding speaks of."""
    return not any(harmed(seen[name]) for name in ("dials", "live_untracked", "live_tracked"))


def _port_gets_its_own(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    if "held" not in seen:
        return False
    gets = first(letters(seen["held"].of("dial")))
    before = first(letters(tried.held[other(tried)].of("dial")))
    return gets > before and _as_many(tried, gets, first(letters(seen["dials"].of("dial"))))


def _freed(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    """Tell whether who has closed all gets in again, and no rate that stood there before refuses who comes and goes."""
    refused = [dial.judge for dial in seen["rate"].of("rate") if dial.letter in "RTD" and dial.judge]
    rules = [evidence.rules[judge.place].text for judge in refused if judge.place in evidence.rules]
    return seen["freeing"].of("again")[0].letter == "E" and not any(map(rule_text.refills, rules))


def _not_banned(evidence: Evidence, tried: Tried, seen: Scenes) -> bool:
    """Tell whether who has closed all gets in again, and some seconds later too, where a rule may turn meanwhile."""
    later = seen["all_closed"].of("after")[0].letter if "all_closed" in seen else "E"
    return _freed(evidence, tried, seen) and later == "E"


SCENES: Mapping[str, Callable[[Evidence, Tried, Scenes], bool]] = {
    "dials": _other_letters, "alike": _alike, "neighbour": _neighbour_gets_its_own, "said": _all_answered,
    "live": _nobody_harmed, "held": _port_gets_its_own, "freed": _freed, "banned": _not_banned,
}  # fmt: skip


def first(dialled: Sequence[str]) -> int:
    """Count those who got in before the first that did not."""
    return next((number for number, letter in enumerate(dialled) if letter != "E"), len(dialled))


def harmed(seen: Observation) -> int:
    """Count the connections that said something and had no answer, once or in many segments."""
    said = seen.step("say")
    return sum(len(of) - of.count("e") for of in (str(said["one"]), str(said.get("segments") or "")))


def other(tried: Tried) -> int:
    """Return another port whose connections took from this one's count; 0 if there is none."""
    return next(
        (port for port, seen in tried.held.items() if first(letters(seen.of("dial"))) < (tried.limit or 0)), 0
    )


def _as_many(tried: Tried, gets: int, mine: int) -> bool:
    """Tell whether a source got as many as another; where a rate has a part in it, at least half of them."""
    return gets >= mine if tried.exact else gets * 2 >= mine
