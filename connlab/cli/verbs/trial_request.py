"""What was typed after `lab try` or `make try`, read into what a trial takes. Nothing is started for it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from connlab.base import knob_values
from connlab.base import settings as knobs
from connlab.base.errors import Usage
from connlab.base.settings import Settings
from connlab.kernels.choice import OWN
from connlab.trial.dialling import offices
from connlab.trial.dialling.plan import Wishes
from connlab.trial.expected import files as expectation_files
from connlab.trial.expected import judged as expectations
from connlab.trial.expected.words import Expectation
from connlab.trial.files import changes, forms, includes, placeholders
from connlab.trial.files.forms import Input
from connlab.trial.files.reading import STANDARD_INPUT, read
from connlab.trial.sysctls import trial as sysctls


class Typed(NamedTuple):
    """The arguments and options, as they were typed."""

    files: Sequence[str] = ()
    sysctls: Sequence[str] = ()
    ports: Sequence[int] = ()
    dials: int = 64
    backlog: int = 511
    patience: float = 5.0
    offices: Sequence[str] = ()
    changed: Sequence[str] = ()
    expected: Sequence[str] = ()
    kernels: Sequence[str] = ()


class Request(NamedTuple):
    """What is to be tried: files as they were brought and as they are loaded, what was changed, what is expected.

    `kernels` are words of other kernels to try it on; none for the engine's own.
    """

    settings: Settings
    brought: Sequence[Input]
    inputs: Sequence[Input]
    changes: Sequence[dict[str, Any]]
    wishes: Wishes
    expected: Sequence[Expectation]
    kernels: Sequence[str] = ()


def request(typed: Typed, *, of_make: bool) -> Request:
    """Read the files and all that was typed. Raises `Usage`.

    `of_make`: files are words of RULES, and SYSCTL and PORT of make's command line are options, not knobs.
    """
    settings, typed = _of_make(typed) if of_make else (knobs.read(), typed)
    if math.isnan(typed.patience):
        raise Usage("patience=nan is no number of seconds", next_step="--patience 5")
    paths = [*typed.files, *typed.sysctls]
    if not paths:
        raise Usage(
            "there is nothing to try", next_step="lab try FILE, lab try --sysctl FILE, or make try RULES=FILE"
        )
    if paths.count(STANDARD_INPUT) > 1:
        raise Usage(
            "standard input is one file",
            f"`-` is there {paths.count(STANDARD_INPUT)} times",
            next_step="name one `-`, and the others by their paths",
        )
    named = placeholders.values(settings)
    expected = [each for argument in typed.expected for each in expectation_files.expected(argument, named)]
    brought = _recognised(typed.files)
    brought += [
        forms.recognise(path, read(path, forms.LARGEST + 1), reader="sysctls") for path in typed.sysctls
    ]
    readable = [placeholders.filled(each, named) for each in brought]
    kernels = _kernels(typed.kernels, brought)
    inputs, told = changes.apply(readable, [changes.parse(text) for text in typed.changed])
    inputs, read_too = includes.taken_in(inputs)
    wishes = Wishes(
        [*typed.ports, *expectations.ports(expected)],
        max(typed.dials, expectations.dials(expected)),
        typed.backlog,
        typed.patience,
        expectations.offices(expected, [offices.parse(text) for text in typed.offices]),
    )
    return Request(settings, [*brought, *read_too], inputs, told, wishes, expected, kernels)


def _recognised(paths: Sequence[str]) -> list[Input]:
    """Read files and see what each is; one that another includes need not say it by itself. Raises `Usage`."""
    data = {path: read(path, forms.LARGEST + 1) for path in paths}
    texts = {path: each.decode(errors="replace") for path, each in data.items()}
    included = includes.included_names(texts)
    return [
        Input(path, "nft", forms.decoded(path, data[path]))
        if path in included
        else forms.recognise(path, data[path])
        for path in paths
    ]


def _kernels(words: Sequence[str], brought: Sequence[Input]) -> list[str]:
    """Give the releases that were named. Raises `Usage` for none, or for a file that a guest has no engine for."""
    named = [word for each in words for word in re.split(r"[,\s]+", each) if word]
    if words and not named:
        raise Usage("no kernel is named", next_step="--kernel 6.12.57, --kernel newest, --kernel all")
    for each in brought if set(named) - {OWN} else ():
        if each.form in sysctls.SET_BY_ENGINE:
            raise Usage(
                f"{each.path} is {each.form}: an engine sets its keys, and a guest with another kernel has none",
                next_step="bring the keys as lines of sysctl.conf, or try it without --kernel",
            )
    return named


def _of_make(typed: Typed) -> tuple[Settings, Typed]:
    """Read what stands on make's command line: several files, or ports, are words with blanks between."""
    options, rest = knobs.typed_options(["SYSCTL", "PORT"])
    files = [path for value in typed.files for path in _paths("RULES", value)]
    sysctls = _paths("SYSCTL", options["SYSCTL"]) if "SYSCTL" in options else []
    words = options["PORT"].split() or [""] if "PORT" in options else []
    return knobs.read(rest), typed._replace(
        files=files,
        sysctls=[*typed.sysctls, *sysctls],
        ports=[*typed.ports, *map(_port, words)],
    )


def _paths(name: str, value: str) -> list[str]:
    """Give the paths of a value: it is one, if a file has that name with its blanks. Raises `Usage` if it is empty."""
    if not value.strip():
        raise Usage(
            f"{name}={value!r} names no file", next_step="make try RULES=prod.rules SYSCTL=sysctl.conf"
        )
    return [value] if Path(value).exists() else value.split()


def _port(word: str) -> int:
    if problem := knob_values.knob_problem("PORT", word):
        raise Usage(f"PORT={word!r} {problem}")
    return int(word)
