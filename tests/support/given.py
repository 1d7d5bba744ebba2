"""What a host of a test is given: every profile of sysctl/, as the lab gives a host its own."""

import json
from pathlib import Path

from connlab.cluster import profiles

PROFILES = sorted(path.stem for path in (Path(__file__).parents[2] / "sysctl").glob("*.yaml"))
FILES = {f"sysctl/{name}.conf": profiles.conf(name) for name in PROFILES}


def given(**files: str) -> dict[str, str]:
    """The variable of a host that has these files as well: `given(**{"sysctl/own.conf": "..."})`."""
    return {"CONNLAB_FILES": json.dumps({**FILES, **files})}
