"""ufw's files: fragments whose chains ufw itself declares and hooks (ufw-init-functions of ufw 0.36)."""

from __future__ import annotations

import re
from collections.abc import Sequence

CHAIN = re.compile(r"\bufw6?-[a-z][a-z0-9-]*")
# In the order in which ufw hooks them.
JOINED = ("before-logging", "before", "after", "after-logging", "reject", "track")
DIRECTIONS = ("input", "forward", "output")
ENDS = {"user-limit": "REJECT", "user-limit-accept": "ACCEPT"}  # what ufw has in these


def before(text: str) -> str:
    """Return what declares the chains that a fragment names, and hooks those that ufw hooks."""
    named = _named(text)
    lines = [f":{chain} - [0:0]" for chain in named]
    lines += [f"-A {chain} -j {ENDS[_part(chain)]}" for chain in named if _part(chain) in ENDS]
    for direction in DIRECTIONS:
        for part in JOINED:
            lines += [
                f"-A {direction.upper()} -j {chain}"
                for chain in named
                if _part(chain) == f"{part}-{direction}"
            ]
        if not _has(named, f"before-{direction}"):
            lines += [
                f"-A {direction.upper()} -j {chain}" for chain in named if _part(chain) == f"user-{direction}"
            ]
    return "\n".join(["*filter", *lines, "COMMIT", ""])


def after(text: str) -> str:
    """Return what leads from the first chains of ufw, once they have their rules, to those of its user."""
    named = _named(text)
    lines = [
        f"-A {first} -j {chain}"
        for direction in DIRECTIONS
        for first in named
        if _part(first) == f"before-{direction}"
        for chain in named
        if _part(chain) == f"user-{direction}"
    ]
    return "\n".join(["*filter", *lines, "COMMIT", ""]) if lines else ""


def family(text: str) -> str:
    """Tell which family a fragment is for."""
    return "ip6" if "ufw6-" in text else "ip"


def _named(text: str) -> list[str]:
    said = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return list(dict.fromkeys(CHAIN.findall(re.sub(r'"[^"]*"', "", "\n".join(said)))))


def _part(chain: str) -> str:
    return chain.split("-", 1)[1]


def _has(named: Sequence[str], part: str) -> bool:
    return any(_part(chain) == part for chain in named)
