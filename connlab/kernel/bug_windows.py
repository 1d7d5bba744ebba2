"""Kernels whose connlimit miscounts: data, from docs/kernel.md, "Epochs": changelogs, and what was measured."""

from __future__ import annotations

import re

STALE = (
    "one burst locks its source out: with nothing open it is refused until it has dialled singly for a while"
)
LOOPBACK = f"{STALE}; over loopback the limit never fires, then silence; a rule without --syn cuts hosts off"
SOMEWHERE = "somewhere between 5.10.224 and 5.10.261 begins and ends what was measured on 5.10.251"
IN_BETWEEN = f"{STALE}; over loopback it may never fire, as on 6.17.13"
HIDDEN = "this distribution's release hides the stable version; look for it in `uname -v`"
NARROW = "a rule without --syn cuts hosts off (CVE-2026-72418); the article's rule has --syn"

# First and last release of each window, both included.
WINDOWS = (
    ((5, 10, 224), (5, 10, 250), f"{SOMEWHERE}: {LOOPBACK}"),
    ((5, 10, 251), (5, 10, 251), LOOPBACK),
    ((5, 10, 252), (5, 10, 261), f"{SOMEWHERE}: {LOOPBACK}"),
    ((6, 1, 132), (6, 1, 159), STALE),
    ((6, 1, 160), (6, 1, 164), LOOPBACK),
    ((6, 1, 165), (6, 1, 177), NARROW),
    ((6, 12, 20), (6, 12, 62), STALE),
    ((6, 12, 63), (6, 12, 74), LOOPBACK),
    ((6, 12, 75), (6, 12, 96), NARROW),
    ((6, 14, 0), (6, 17, 8), STALE),
    ((6, 17, 9), (6, 17, 12), IN_BETWEEN),
    ((6, 17, 13), (6, 17, 999), LOOPBACK),
    ((6, 18, 0), (6, 18, 13), LOOPBACK),
    ((6, 18, 14), (6, 18, 39), NARROW),
    ((6, 19, 0), (7, 1, 4), NARROW),
    ((0, 0, 0), (4, 19, 9), "nftables' connection count can crash the host before 4.19.10"),
)


def window(release: str) -> str:
    """Say what is known to be wrong with connlimit on a kernel release (`uname -r`); empty if nothing is."""
    if re.match(r"\d+\.\d+\.0-\d", release):
        return HIDDEN
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    version = tuple(int(part or 0) for part in match.groups()) if match else ()
    return next((what for first, last, what in WINDOWS if first <= version <= last), "")
