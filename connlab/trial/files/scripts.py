"""A script that was run on a host of its own: which line made each rule, which calls failed, what loads it all anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connlab.base.errors import GaveUp
from connlab.trial.files import dump, fed_text, lines, script_lines, texts
from connlab.trial.files.forms import Input
from connlab.trial.files.lines import Handle, Line, Origin
from connlab.trial.files.messages import messages
from connlab.trial.files.texts import Text
from connlab.trial.rules import ruleset_reading

# Calls that look or take away: what they miss is not missing from what is in force.
NOT_ADDING = re.compile(
    r"(-C|--check|-D|--delete|-X|--delete-chain|-F|--flush|-Z|--zero|-L|--list|-S|--list-rules|-V|--version|-h|--help"
    r"|delete|destroy|flush|list|reset|monitor)$"
)
FIREWALL = re.compile(r"(ip6?tables|nft)\b")
NO_TOOL = re.compile(r"\b(?:ip6?tables|nft)\S*: (?:command )?not found|\b(?:ip6?tables|nft)\S*: No such file")
THERE_ALREADY = "Chain already exists"
SIGNAL = 128  # of a shell's exit status: more than this is a signal


def texts_after(brought: Input, told: Mapping[str, Any], before: Sequence[Text]) -> list[Text]:
    """Return the texts that load anew what is in force after a script. Raises `GaveUp` if it never ended."""
    if told["deadline"]:
        raise GaveUp(
            f"{'standard input' if brought.path == '-' else brought.path} did not end",
            "it was ended where it went on without calling a tool for 10 s, or after a minute",
            next_step="bring a script that loads rules and ends",
        )
    known: dict[Handle, Line | None] = {}
    for earlier, made in zip(before, told["before"], strict=True):
        known |= lines.handles(earlier.origin, made)
    known |= script_lines.of_rules(brought, told)
    rules = ruleset_reading.read(told["listing"])
    mine = Origin({}, script_lines.of_policies(brought, told))
    origin = lines.of_what_is_there(rules, lines.lines([*texts.origins(before), mine], known, rules))
    found = [Text(tool, text, origin) for tool, text in dump.texts(told["listing"])]
    if told["sysctls"]:
        text = "".join(f"{key} = {value}\n" for key, value in told["sysctls"].items())
        found.append(Text("sysctl", text, texts.NOWHERE))
    return found


def missing(told: Mapping[str, Any]) -> list[str]:
    """Return the words, and what they were fed, of calls that failed and would have made rules."""
    return [
        " ".join(call["words"]) + call["input"] for call in told["calls"] if call["status"] and _adds(call)
    ]


def file(brought: Input, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of `files[]`: loaded, or partly if a call that adds something failed, or the script itself."""
    said = [
        message
        for line, call in zip(script_lines.call_lines(told), told["calls"], strict=True)
        if call["status"]
        for message in _of_a_call(brought, call, line)
    ]
    said += _of_the_shell(told)
    loaded: bool | str = True
    if told["status"] or missing(told) or any(NO_TOOL.search(message["text"]) for message in said):
        loaded = "partly" if told["rules"] or told["policies"] or told["sysctls"] else False
    said = sorted(said, key=lambda message: message["line"] or 1 << 30)
    notes = [{"line": None, "text": note} for note in [*texts.of_its_bytes(brought), *_notes(told)]]
    return {
        "path": brought.path, "form": brought.form, "loaded": loaded, "exit": told["status"],
        "messages": [*said, *notes],
    }  # fmt: skip


def _of_a_call(brought: Input, call: Mapping[str, Any], line: int | None) -> list[dict[str, Any]]:
    """Return the words of a call that failed; of a text that it was fed, with the line in the script."""
    words = call["errors"] or f"{call['tool']} ended with status {call['status']}"
    said = messages(words, call["input"])
    before = fed_text.place(brought.text, call["input"], line or 1) if call["input"] else None
    for each in said:
        each["line"] = each["line"] + before if each["line"] and before is not None else line
    return said


def _notes(told: Mapping[str, Any]) -> Iterator[str]:
    """Say what is to be known of the run as a whole."""
    if told["words"]:
        yield f"it was run with the word {' '.join(told['words'])}"
    if any("-legacy" in call["tool"] for call in told["calls"]):
        yield "it calls the legacy tools, whose rules have no trace: their nf_tables successors did it here"
    if told["others"]:
        yield "what it left running in the background was ended"
    if told["status"] > SIGNAL:
        yield f"the script was ended by signal {told['status'] - SIGNAL}"
    elif told["status"]:
        last = next((line for line in reversed(told["output"].splitlines()) if line.strip()), "")
        last = "" if told["calls"] or told["errors"] else last
        yield f"the script ended with status {told['status']}" + (f", and last said: {last}" if last else "")


def _adds(call: Mapping[str, Any]) -> bool:
    """Tell whether what a call did not do is missing from the rules now."""
    if not FIREWALL.match(call["tool"]) or call["tool"].endswith("-save") or THERE_ALREADY in call["errors"]:
        return False
    return not any(NOT_ADDING.match(word) for word in call["words"])


def _of_the_shell(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find what the shell itself had to say: `/tmp/script/x.sh: line 3: foo: command not found`."""
    said = re.compile(rf"^{re.escape(told['path'])}: (?:line )?(\d+): (.+)$", re.MULTILINE)
    return [{"line": int(number), "text": text} for number, text in said.findall(told["errors"])]
