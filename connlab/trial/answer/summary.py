"""An answer as a person reads it: rows that are equal are one, and so are findings that say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connlab.trial.answer import summary_notes, summary_rows
from connlab.trial.answer.summary_notes import Note, Sources
from connlab.trial.answer.summary_rows import Line, place

Answer = Mapping[str, Any]


class Summary(NamedTuple):
    """What the screen and the page show, in this order; `files` are their names, as short as they can be."""

    files: Sequence[str]
    loading: Sequence[tuple[str, str]]
    rows: Sequence[Line]
    findings: Sequence[Note]
    repairs: str  # that were not tried
    idle: Sequence[Note]
    sysctls: Sequence[Mapping[str, Any]]
    offices: Sequence[str]
    expectations: Sequence[Mapping[str, Any]]


def summary(answer: Answer, texts: Mapping[str, str]) -> Summary:
    """Sum up an answer; `texts` are the files by their paths, whose lines are quoted."""
    names = summary_rows.short_names([file["path"] for file in answer["files"]])
    sources = Sources(names, {path: text.expandtabs().split("\n") for path, text in texts.items()})
    return Summary(
        list(names.values()),
        list(_loading(answer, names)),
        list(summary_rows.lines(answer["ports"], names)),
        list(summary_notes.findings(answer, sources)),
        _not_tried(answer["repairs"]),
        list(summary_notes.idle(answer, sources)),
        [{**each, "file": names.get(each["file"], each["file"])} for each in answer["sysctls"]],
        [_office(each) for each in answer["offices"]],
        answer["expectations"],
    )


def _loading(answer: Answer, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield another kernel than the engine's, each file, what was said while it was loaded, what was changed before."""
    told = {(each["file"], each["line"]) for each in answer["sysctls"]}  # with the line, below
    kernel = answer["kernel"]
    if kernel["package"]:
        yield (
            "kernel",
            f"Linux {kernel['release']}, {kernel['package']}, booted in emulation: {kernel['uname']}",
        )
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


def _not_tried(repairs: Mapping[str, Any]) -> str:
    """Say how many repairs were not tried, and why; nothing if all were."""
    left = repairs["not_tried"]
    if not left:
        return ""
    return (
        f"{left} more {'is' if left == 1 else 'are'} known and {'was' if left == 1 else 'were'} not tried: "
        f"{repairs['why']}; bring fewer ports or lines to see what they do"
    )


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
