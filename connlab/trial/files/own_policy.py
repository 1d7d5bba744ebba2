"""A policy of one's own made ready for a lab: loaded in a sandbox, and read back in the words of the kernel's tools."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from connlab.base.errors import LabError, Usage
from connlab.base.output import notice
from connlab.base.settings import Settings
from connlab.cluster import own_policy
from connlab.cluster.sandbox import sandbox
from connlab.trial.files import dump, forms, placeholders
from connlab.trial.files.loading import Loaded, load
from connlab.trial.hosts.conductor import Conductor

WITHIN = 200.0  # seconds
ENGINES = "nat"  # the table that also has the engine's rules for names
SECTION = re.compile(r"^\*(\w+)$.*?^COMMIT$\n?", re.MULTILINE | re.DOTALL)
COUNTERS = re.compile(r"^\[\d+:\d+\] ", re.MULTILINE)
SAYS_SOMETHING = re.compile(r"^-A |^:\S+ DROP ", re.MULTILINE)


def prepare(settings: Settings) -> None:
    """Make the texts that a server loads of the file that FIREWALL names, unless they are there.

    Raises `LabError` if not all of it loads, `Usage` if it is no rules.
    """
    if not own_policy.is_own(settings) or own_policy.kept(settings) is not None:
        return
    path = settings.values["FIREWALL"]
    brought = forms.recognise(path, own_policy.content(settings))
    if forms.READERS[brought.form] == "sysctls":
        raise Usage(
            f"{path} has no rules, it is {brought.form}", next_step="SYSCTL=NAME, of sysctl/NAME.yaml"
        )
    loaded = _load(settings, placeholders.filled(brought, placeholders.values(settings)))
    said = loaded.files[0]
    if said["loaded"] is not True:
        words = [f"\n  {message['line'] or ''} {message['text']}" for message in said["messages"]]
        raise LabError(f"{path} does not load as it is", "".join(words), next_step=f"lab try {path}")
    own_policy.keep(settings, _texts(path, loaded))


def _load(settings: Settings, brought: forms.Input) -> Loaded:
    @contextlib.contextmanager
    def script_host() -> Iterator[Conductor]:
        with sandbox(settings, int(WITHIN)) as stream:
            yield Conductor(stream, WITHIN)

    with script_host() as conductor:
        return load(conductor, [brought], script_host)


def _texts(path: str, loaded: Loaded) -> dict[str, str]:
    """Return what is in force as texts; says what a lab has no place for."""
    found = {own_policy.RULES: "", own_policy.NFT: ""}
    for tool, text in dump.texts(loaded.ruleset.listing):
        if tool == "nft":
            found[own_policy.NFT] = text
            continue
        for match in SECTION.finditer(COUNTERS.sub("", text)):
            if not SAYS_SOMETHING.search(match[0]):
                continue
            if tool == "ip6tables":
                notice(f"{path}: a lab's network is IPv4, so the table {match[1]} of ip6tables is left out")
            elif match[1] == ENGINES:
                notice(
                    f"{path}: the table {ENGINES} has the engine's rules for names, so the file's are left out"
                )
            else:
                found[own_policy.RULES] += match[0]
    if any(text["tool"] == "sysctl" for text in loaded.texts):
        notice(f"{path}: a host's kernel settings are SYSCTL's, so those that it sets are left out")
    return found
