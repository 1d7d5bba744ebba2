"""Every Compose of this machine, and what each makes of compose.yaml. Needs no engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.support import menu

HOME = Path(__file__).parents[2]
UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def composes():
    """Every Compose of this machine, by version: {"1.29.2": ["docker-compose"], ...}."""
    fetched = [[str(path)] for path in sorted((HOME / ".venv/compose").glob("docker-compose-*"))]
    found = {}
    for argv in (["docker-compose"], ["docker", "compose"], *fetched):
        if shutil.which(argv[0]):
            asked = subprocess.run([*argv, "version", "--short"], capture_output=True, text=True, check=False)
            if asked.returncode == 0:
                found.setdefault(asked.stdout.strip().lstrip("v"), argv)
    return found


def read(argv, **knobs):
    """What this Compose makes of compose.yaml with these knobs, in the words all of them share."""
    command = [*argv, "--env-file", str(menu.FILE), "config"]
    answer = subprocess.run(
        command, cwd=HOME, env={**os.environ, **knobs}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, f"{argv}: {answer.stderr}"
    lab = yaml.safe_load(answer.stdout)
    return {
        "services": {name: plain(service) for name, service in lab["services"].items()},
        "networks": {name: unnamed(network) for name, network in lab["networks"].items()},
    }


def plain(service):
    """A service without the three spellings of one meaning."""
    said = dict(service)
    for key in said.keys() & {"mem_limit", "memswap_limit", "mem_reservation"}:
        number, unit = re.fullmatch(r"(\d+)([bkmg]?)b?", str(said[key]).lower()).groups()
        said[key] = int(number) * UNITS[unit]
    for key in said.keys() & {"cap_add", "cap_drop"}:
        said[key] = sorted(said[key])
    if "cpus" in said:
        said["cpus"] = float(said["cpus"])
    said["networks"] = {name: options or {} for name, options in said["networks"].items()}
    wanted = said.get("depends_on", {})
    said["depends_on"] = {
        name: wanted[name]["condition"] if isinstance(wanted, dict) else "service_started" for name in wanted
    }
    # 2.x and 5.x print null for what the file leaves to the image; 1.29 leaves it out.
    return {key: value for key, value in said.items() if value is not None}


def unnamed(network):
    """A network without what only some print: its full name, and an IPAM that was not asked for."""
    return {key: value for key, value in network.items() if key != "name" and value != {}}
