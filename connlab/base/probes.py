"""The programs of probes/, whose text travels with the command: a host has none of our folders."""

from __future__ import annotations

from connlab.base.checkout import HOME


def argv(probe: str, *arguments: object) -> list[str]:
    """Return the command that runs a probe on a host. Raises OSError if there is none of that name."""
    text = (HOME / "probes" / f"{probe}.py").read_text()
    return ["python3", "-S", "-E", "-c", text, *map(str, arguments)]
