"""The files of a trial loaded for the first time: what their tools said, and what is in force then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from connlab.trial.files import dump, lines, others, script_lines, scripts, texts
from connlab.trial.files.forms import READERS, Input
from connlab.trial.files.interfaces import named_interfaces
from connlab.trial.files.lines import Handle, Line, Lines
from connlab.trial.files.messages import messages, where_it_stands
from connlab.trial.files.others import Wiped
from connlab.trial.files.texts import Text
from connlab.trial.hosts import addresses
from connlab.trial.hosts.conductor import Conductor
from connlab.trial.rules import ruleset_reading
from connlab.trial.rules.ruleset import Ruleset

ScriptHost = Callable[[], AbstractContextManager[Conductor]]


class Loaded(NamedTuple):
    """What loading gave: an entry for each file, the rules in force, their lines, and the texts that load them anew.

    `missing` are the words of calls that failed, which would have made rules.
    """

    files: Sequence[dict[str, Any]]
    ruleset: Ruleset
    lines: Lines
    texts: Sequence[dict[str, str]]
    missing: Sequence[str]
    wiped: Sequence[Wiped]
    runs: Sequence[tuple[Input, Mapping[str, Any]]]  # of scripts


def load(conductor: Conductor, inputs: Sequence[Input], script_host: ScriptHost) -> Loaded:
    """Load the files in order; what one tool refused is left out. Raises `GaveUp` for an endless script.

    `script_host` starts a sandbox of its own for a script.
    """
    interfaces = named_interfaces(inputs)
    files: list[dict[str, Any]] = []
    missing: list[str] = []
    wiped: list[Wiped] = []
    runs: list[tuple[Input, Mapping[str, Any]]] = []
    so_far: list[Text] = []
    for each in inputs:
        if READERS[each.form] == "script":
            with script_host() as host:
                told = host.ask([_request(each, texts.requests(so_far), interfaces)])[0]
                wiped += _wiped_by_script(host, each, told, so_far, interfaces)
            so_far = scripts.texts_after(each, told, so_far)
            files.append(scripts.file(each, told))
            runs.append((each, told))
            missing += scripts.missing(told)
        else:
            wiped += _wiped_by_text(conductor, each, so_far, interfaces)
            file, so_far = _load_text(conductor, each, so_far, interfaces)
            files.append(file)
    answer = _load(conductor, so_far, interfaces)
    rules = ruleset_reading.read(answer["listing"])
    known = lines.lines(texts.origins(so_far), _handles(so_far, answer), rules)
    return Loaded(files, rules, known, texts.requests(so_far), missing, wiped, runs)


def _wiped_by_script(
    host: Conductor,
    brought: Input,
    told: Mapping[str, Any],
    so_far: Sequence[Text],
    interfaces: Sequence[str],
) -> Iterator[Wiped]:
    """Run a script that takes something away once more, where there are rules of others."""
    calls = zip(script_lines.call_lines(told), told["calls"], strict=True)
    taking = [line for line, call in calls if others.takes_away(call)]
    if taking and not told["deadline"]:
        before = [*texts.requests(so_far), *others.texts()]
        again = host.ask([_request(brought, before, interfaces)])[0]
        yield from others.wiped(brought, taking[0], again["listing"])


def _wiped_by_text(
    conductor: Conductor, brought: Input, so_far: Sequence[Text], interfaces: Sequence[str]
) -> Iterator[Wiped]:
    """Load a text that takes something away, or may, where there are rules of others."""
    if brought.form == "nft":
        found = others.flushing_line(brought.text)
        line = brought.origin(found).at if found else None
    else:
        unnamed = [others.unnamed_chains(part.text) for part in texts.parts_of(brought)]
        line = next((each[0] for each in unnamed if each), None)
    if line:
        own = texts.requests(texts.prepare(brought).texts)
        answer = _ask(conductor, [*texts.requests(so_far), *others.texts(), *own], interfaces)
        yield from others.wiped(brought, line, answer["listing"])


def _load_text(
    conductor: Conductor, brought: Input, so_far: list[Text], interfaces: Sequence[str]
) -> tuple[dict[str, Any], list[Text]]:
    """Load one file after others; its entry, and the texts that load all of it anew."""
    prepared = texts.prepare(brought)
    tried = [*so_far, *prepared.texts]
    answer = _load(conductor, tried, interfaces)
    results = answer["results"][len(so_far) :]
    own = [results[number] for number in prepared.own]
    file = _file(brought, own, prepared)
    if file["loaded"] is True:
        return file, tried
    if not any(result["made"] for result in own):
        return file, so_far
    rules = ruleset_reading.read(answer["listing"])
    known = lines.lines(texts.origins(tried), _handles(tried, answer), rules)
    origin = lines.of_what_is_there(rules, known)
    return file, [Text(tool, text, origin) for tool, text in dump.texts(answer["listing"])]


def _load(conductor: Conductor, so_far: Sequence[Text], interfaces: Sequence[str]) -> Mapping[str, Any]:
    return _ask(conductor, texts.requests(so_far), interfaces)


def _ask(
    conductor: Conductor, requests: Sequence[Mapping[str, str]], interfaces: Sequence[str]
) -> Mapping[str, Any]:
    return conductor.ask([{"do": "load", "texts": requests, "interfaces": interfaces}])[0]


def _handles(so_far: Sequence[Text], answer: Mapping[str, Any]) -> dict[Handle, Line]:
    known: dict[Handle, Line] = {}
    for text, result in zip(so_far, answer["results"], strict=True):
        if not result["lost"]:
            known |= lines.handles(text.origin, result["made"])
    return known


def _request(script: Input, before: Sequence[Mapping[str, str]], interfaces: Sequence[str]) -> dict[str, Any]:
    """Ask for a run of a script after other texts."""
    return {
        "do": "script", "name": script.path, "text": script.text, "before": before,
        "interfaces": interfaces, "targets": list(addresses.TARGETS.values()),
    }  # fmt: skip


def _file(brought: Input, results: Sequence[Mapping[str, Any]], prepared: texts.Prepared) -> dict[str, Any]:
    """Tell what became of a file, each of its parts; a tool that a signal ended is said to have crashed."""
    said: list[dict[str, Any]] = [{"line": None, "text": note} for note in prepared.notes]
    for result in results:
        words = messages(f"{result['errors']}{result['output']}", brought.text, prepared.shift)
        said += [where_it_stands(each, brought) for each in words]
        if result["status"] < 0:
            said.append({"line": None, "text": f"{result['program']} crashed: signal {-result['status']}"})
    status = next((result["status"] for result in results if result["status"]), 0)
    loaded: bool | str = True
    if status:
        loaded = "partly" if any(result["made"] for result in results) else False
    exit_status = status if status >= 0 else 128 - status  # as a shell has it
    return {
        "path": brought.path, "form": brought.form, "loaded": loaded, "exit": exit_status, "messages": said,
    }  # fmt: skip
