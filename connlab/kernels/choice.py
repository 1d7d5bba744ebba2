"""Which kernels somebody means who names them at the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connlab.base.errors import Usage
from connlab.kernels.archive import Kernel

ALL, NEWEST, OWN = "all", "newest", "engine"  # words for kernels


def choose(words: Sequence[str], known: Sequence[Kernel], own: Kernel) -> list[Kernel]:
    """Choose by release, `engine` for the engine's own; that and the newest of each suite without a word.

    So does `newest`; `all` is the engine's own and every other. Raises `Usage` for a release that is not there, or the
    beginning of several, and for a word for several beside another.
    """
    if not words or list(words) == [NEWEST]:
        return [own, *dict.fromkeys(map(_newest(known).get, _suites(known)))]  # type: ignore[list-item]
    if list(words) == [ALL]:
        return [own, *known]
    if several := [word for word in words if word in (ALL, NEWEST)]:
        raise Usage(f"{several[0]!r} is several kernels, and stands alone")
    return list(dict.fromkeys(own if word == OWN else _named(word, known) for word in words))


def _suites(known: Sequence[Kernel]) -> list[str]:
    return list(dict.fromkeys(_family(suite) for kernel in known for suite in kernel.default))


def _newest(known: Sequence[Kernel]) -> dict[str, Kernel]:
    return {_family(suite): kernel for kernel in known for suite in kernel.default}


def _family(suite: str) -> str:
    """Return a suite as people name it: its security updates and its others are its own."""
    return re.sub(r"-(?:security|updates)$", "", suite)


def _named(word: str, known: Sequence[Kernel]) -> Kernel:
    if exact := [kernel for kernel in known if kernel.release == word]:
        return exact[0]
    alike = [kernel.release for kernel in known if kernel.release.startswith(f"{word}.")]
    if alike:
        raise Usage(
            f"{word!r} names several kernels", ", ".join(alike), next_step=f"name one, as {alike[-1]}"
        )
    near = ", ".join(kernel.release for kernel in known[-5:])
    raise Usage(
        f"no suite of Debian's has a kernel {word!r}",
        f"the newest are {near}",
        next_step="lab kernels --list",
    )
