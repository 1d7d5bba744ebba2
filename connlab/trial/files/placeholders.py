"""The placeholders of the lab's own policies, `${PORT}` and `${CONNLIMIT}`, filled in as a server of the lab does.

No tool of the kernel takes them, so no other file means something else by them. A shell script does, and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connlab.base.settings import Settings
from connlab.trial.files.forms import READERS, Input

NAMES = ("PORT", "CONNLIMIT")
PLACEHOLDER = re.compile(rf"\$\{{({'|'.join(NAMES)})\}}")


def values(settings: Settings) -> dict[str, str]:
    """Return what the placeholders stand for: the knobs of these names."""
    return {name: settings.values[name] for name in NAMES}


def fill(text: str, knobs: Mapping[str, str]) -> str:
    """Fill placeholders in; all else stays, other dollar signs too."""
    return PLACEHOLDER.sub(lambda match: knobs.get(match[1], match[0]), text)


def filled(brought: Input, knobs: Mapping[str, str]) -> Input:
    """Fill a file of rules in; a script, which a shell expands, and sysctls stay."""
    if READERS[brought.form] != "rules":
        return brought
    return brought._replace(text=fill(brought.text, knobs))
