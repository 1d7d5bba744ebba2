"""Kernel settings of shell texts: `sysctl -w`, `echo ... > /proc/sys/...`, `docker run --sysctl`.

Nothing is run to read them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from connlab.trial.files.forms import Input
from connlab.trial.sysctls.lines import Brought, Group, Remark, Setting, is_key, setting

TO_PROC = re.compile(
    r"(?:echo|printf) (?:-n )?(.*?) ?(?:>>?|\| (?:sudo )?tee(?: -a)?) ?/proc/sys/(\S+)(?: > ?/dev/null)?"
)


def commands(brought: Input) -> Brought:
    """Read `sysctl -w KEY=VALUE` and `echo VALUE > /proc/sys/...` of a script; what else it does is passed over."""
    settings: list[Setting] = []
    remarks: list[Remark] = []
    for number, words in _commands(brought.text):
        if words[0].rsplit("/", 1)[-1] == "sysctl":
            found = list(of_sysctl(brought, number, words[1:]))
            settings += found
            if not found and any(re.match(r"-\w*[pf]|--load|--system", word) for word in words[1:]):
                remarks.append(Remark(number, f"{shlex.join(words)} loads other files; bring those"))
        elif (written := TO_PROC.fullmatch(" ".join(words))) and is_key(written[2]):
            value, key = written[1], written[2]
            settings.append(setting(brought, number, key, value))
    return Brought([Group("", tuple(settings))], remarks)


def of_sysctl(brought: Input, number: int, words: Sequence[str]) -> Iterator[Setting]:
    """Yield what the words of one call of sysctl(8) set."""
    options = [word for word in words if word.startswith("-")]
    rest = [word for word in words if word not in options and ("=" in word or "-w" in options)]
    while rest:
        word = rest.pop(0)
        if "=" in word:
            key, _, asked = word.partition("=")
            yield setting(brought, number, key.strip(), asked, argv=("sysctl", *options, word))
        else:  # `-w KEY VALUE`: the words that are meant together are told together
            more = []
            while rest and "=" not in rest[0] and not is_key(rest[0]):
                more.append(rest.pop(0))
            argv = ("sysctl", *options, word, *more)
            yield setting(brought, number, word, " ".join(more), argv=argv, assigns=False)


def docker_run(brought: Input) -> Brought:
    """Read the `--sysctl KEY=VALUE` of each `docker run` or `create`: a container each."""
    groups, remarks = [], []
    for number, words in _commands(brought.text):
        settings = []
        for line, option in _options(brought.text.splitlines(), number, words):
            key, equals, asked = option.partition("=")
            if equals and is_key(key.strip()):
                settings.append(setting(brought, line, key, asked))
            else:
                remarks.append(Remark(line, f"--sysctl {option} is no KEY=VALUE", left_out=True))
        network = re.search(r"--net(?:work)?[= ](\S+)", " ".join(words))
        if settings:
            machine = network is not None and network[1] == "host"
            groups.append(Group(f"the container of line {number}", tuple(settings), True, machine))
    return Brought(groups, remarks)


def _options(lines: Sequence[str], first: int, words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield what follows each --sysctl of a command, with the line it stands in."""
    at = first
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--sysctl":
            option = value if equals else "".join(words[number + 1 : number + 2])
            key = option.partition("=")[0]
            at = next((n for n in range(at, len(lines) + 1) if key in lines[n - 1]), at)
            yield at, option


def _commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each simple command of a shell text that can be read without running it, with its first line; no sudo."""
    pending, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if pending else number
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        yield from ((first, words) for words in _split(pending))
        pending = ""
    yield from ((first, words) for words in _split(pending))


def _split(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:  # a quote that goes on in the next line
        return
    command: list[str] = []
    for token in [*tokens, ";"]:
        pipe_to_tee = token == "|" and command[:1] in (["echo"], ["printf"])
        if set(token) <= set(";&|") and not pipe_to_tee:
            words = command[1:] if command[:1] == ["sudo"] else command
            if words:
                yield words
            command = []
        else:
            command.append(token)
