"""The variable CONNLAB_FILES of a host in a test: every profile of sysctl/, as the lab gives a host its own."""

import json
from pathlib import Path

from connlab.cluster import profiles

PROFILES = sorted(path.stem for path in (Path(__file__).parents[2] / "sysctl").glob("*.yaml"))
FILES = {f"sysctl/{name}.conf": profiles.conf(name) for name in PROFILES}


def files_variable(**files: str) -> dict[str, str]:
    """Return the variable, with these files as well: `files_variable(**{"sysctl/own.conf": "..."})`."""
    return {"CONNLAB_FILES": json.dumps({**FILES, **files})}
