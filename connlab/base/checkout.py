"""The checkout: the folder that a lab is made of, with compose.yaml, .env, server/, client/, firewall/ and sysctl/."""

from __future__ import annotations

import os
from pathlib import Path

from connlab.base.errors import NotFit

VARIABLE = "CONNLAB_HOME"  # names it for a connlab that was installed elsewhere
HOME = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2]).resolve()


def require(home: Path = HOME) -> None:
    """Refuse to go on without a checkout, and say how to name one. Raises `NotFit`."""
    if not any((home / part).exists() for part in ("compose.yaml", ".env")):
        raise NotFit(
            f"{home} is no checkout of connlab",
            "a lab is made of its compose.yaml, .env, server/, client/, firewall/ and sysctl/",
            next_step=f"{VARIABLE}=/the/folder/of/your/clone in the shell, or make up in that folder",
        )
