"""Where the answers of several kernels differ: pure, answers in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connlab.trial.answer.row_words import Key, dials_words, key, sharing
from connlab.trial.answer.rows import drawn_out, kept_out
from connlab.trial.answer.vocabulary import DIFFERENCE

Entry = Mapping[str, Any]
Answers = Mapping[str, Entry]  # by the release of the kernel


def _burst(row: Entry) -> str:
    seen = row["burst"]
    return f"{seen['established']} of {seen['dials']} get in" if seen else ""


def _bursts(row: Entry) -> str:
    """Say what a source meets after a burst, in words that do not depend on how often it could dial alone.

    Nothing where nobody was kept out and no burst was one, which shows nothing of a kernel.
    """
    seen = row["bursts"]
    if not seen:
        return ""
    if drawn_out(seen) and not kept_out(seen):
        return ""
    alone = "all" if seen["alone"] == seen["alone_established"] else "not all"
    return f"{', '.join(map(str, seen['established']))} of {seen['dials']}, then {alone} of those alone"


def _frees(row: Entry) -> str:
    if "cannot_run" in row or not row["limit"]:
        return ""
    return "not in time" if row["frees"] is None else str(row["frees"])


def _kinds(letters: str | None) -> str:
    return "".join(sorted(set(letters or "")))


def _in_turn(row: Entry) -> str:
    return "some do not get in" if row.get("by_seconds") and row["limit"] is not None else row["pattern"]


# Of a port with a rate of seconds two trials on one kernel differ in these as well.
BY_PACE = (
    "at once", "bursts, all closed in between", "a place of a closed connection is free", "all closed, then again",
    "over loopback",
)  # fmt: skip
# What is compared of a row, by what it is called: in words, none where it was not tried.
PARTS: Mapping[str, Callable[[Entry], str]] = {
    "whether it can be tried": lambda row: row.get("cannot_run", "yes"),
    "one after another": _in_turn,
    "what the others see": lambda row: row["refusal"],
    "at once": _burst,
    "bursts, all closed in between": _bursts,
    "who shares the count": lambda row: sharing(row["shared_by"]).strip(),
    "a place of a closed connection is free": _frees,
    "all closed, then again": lambda row: row["again"] or "",
    "over loopback": lambda row: ", all closed, then ".join(row["loopback"] or ()),
    "connections that are in": lambda row: row["live"] or "",
    "older than the rules, on a host that tracked nothing": lambda row: _kinds(row["live_untracked"]),
    "older than the rules, on one that tracked": lambda row: _kinds(row["live_tracked"]),
}


def differences(answers: Answers) -> list[dict[str, Any]]:
    """Return a finding for all that is not the same on each kernel, with the figures of each."""
    return [*_files(answers), *_rows(answers), *_sysctls(answers), *_expectations(answers)]


def _files(answers: Answers) -> Iterator[dict[str, Any]]:
    for number, file in enumerate(next(iter(answers.values()))["files"]):
        told = {release: _loaded(answer["files"][number]) for release, answer in answers.items()}
        yield from _differing(f"{file['path']}: whether it loads", told, file=file["path"])


def _loaded(file: Entry) -> str:
    """Say whether a file loaded, and where it did not what its tool said first."""
    if file["loaded"] is True:
        return "loads"
    said = [each["text"] for each in file["messages"]][:1]
    return ": ".join(["loads in part" if file["loaded"] else "does not load", *said])


def _rows(answers: Answers) -> Iterator[dict[str, Any]]:
    """Compare rows: of each kernel whose witnesses do not contradict each other."""
    by_key: dict[Key, dict[str, Entry]] = {}
    for release, answer in answers.items():
        for row in answer["ports"]:
            if row["witnesses_agree"] is not False:
                by_key.setdefault(key(row), {})[release] = row
    for (port, family, *_), rows in by_key.items():
        where = f"port {port} over {dials_words(next(iter(rows.values())), by_key)}"
        for what, words in PARTS.items():
            if what in BY_PACE and any(row.get("by_seconds") for row in rows.values()):
                continue
            told = {release: said for release, row in rows.items() if (said := words(row))}
            yield from _differing(f"{where}, {what}", told, port=port, family=family)


def _sysctls(answers: Answers) -> Iterator[dict[str, Any]]:
    by_line: dict[tuple[str, int, str], dict[str, str]] = {}
    for release, answer in answers.items():
        for entry in answer["sysctls"]:
            at = entry["file"], entry["line"], entry["key"]
            before, after = ("nothing" if entry[at] is None else entry[at] for at in ("before", "after"))
            verdicts = f"{', '.join(entry['verdict'])} ({before} before, {after} after)"
            by_line.setdefault(at, {})[release] = verdicts
    for (file, line, name), told in by_line.items():
        yield from _differing(name, told, file=file, line=line)


def _expectations(answers: Answers) -> Iterator[dict[str, Any]]:
    for number, expected in enumerate(next(iter(answers.values()))["expectations"]):
        told = {
            release: "holds"
            if (its := answer["expectations"][number])["holds"]
            else f"does not hold: {its['got']}"
            for release, answer in answers.items()
        }
        yield from _differing(f"the expectation {expected['text']!r}", told)


def _differing(what: str, told: Mapping[str, str], **where: Any) -> Iterator[dict[str, Any]]:
    """Yield a finding if not all say the same: who says what, in the order of kernels."""
    if len(set(told.values())) < 2:
        return
    sides: dict[str, list[str]] = {}
    for release, said in told.items():
        sides.setdefault(said, []).append(release)
    text = "; ".join(f"{_together(releases)}: {said}" for said, releases in sides.items())
    entry = {"id": DIFFERENCE, "file": None, "line": None, "port": None, "family": None, **where}
    yield {**entry, "text": f"{what}: {text}", "what": what, "by_kernel": dict(told)}


def _together(releases: Sequence[str]) -> str:
    return ", ".join(releases)
