"""Every Compose of this machine, and what each makes of compose.yaml. Needs no engine."""

import functools
import os
import re
import shutil
from pathlib import Path

import yaml

from tests.support import menu
from tests.support.processes import run_program

HOME = Path(__file__).parents[2]
UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}


@functools.cache
def composes():
    """Find every Compose of this machine, by version: {"1.29.2": ["docker-compose"], ...}."""
    fetched = [[str(path)] for path in sorted((HOME / ".venv/compose").glob("docker-compose-*"))]
    programs = {}
    for argv in (["docker-compose"], ["docker", "compose"], *fetched):
        if shutil.which(argv[0]):
            result = run_program([*argv, "version", "--short"])
            if result.returncode == 0:
                programs.setdefault(result.stdout.strip().lstrip("v"), argv)
    return programs


def read_config(argv, files=("compose.yaml",), **knobs):
    """Return what this Compose makes of these files with these knobs, in the words all of them share."""
    named = [part for file in files for part in ("-f", file)]
    answer = run_program([*argv, *named, "--env-file", str(menu.FILE), "config"], env={**os.environ, **knobs})
    assert answer.returncode == 0, f"{argv}: {answer.stderr}"
    lab = yaml.safe_load(answer.stdout)
    return {
        "services": {name: plain_service(service) for name, service in lab["services"].items()},
        "networks": {name: plain_network(network) for name, network in lab["networks"].items()},
    }


def plain_service(service):
    """Return a service without the three spellings of one meaning."""
    fields = dict(service)
    for key in fields.keys() & {"mem_limit", "memswap_limit", "mem_reservation"}:
        number, unit = re.fullmatch(r"(\d+)([bkmg]?)b?", str(fields[key]).lower()).groups()
        fields[key] = int(number) * UNITS[unit]
    for key in fields.keys() & {"cap_add", "cap_drop"}:
        fields[key] = sorted(fields[key])
    if "cpus" in fields:
        fields["cpus"] = float(fields["cpus"])
    fields["networks"] = {name: options or {} for name, options in fields["networks"].items()}
    dependencies = fields.get("depends_on", {})
    fields["depends_on"] = {
        name: dependencies[name]["condition"] if isinstance(dependencies, dict) else "service_started"
        for name in dependencies
    }
    # 2.x and 5.x print null for what the file leaves to the image; 1.29 leaves it out.
    return {key: value for key, value in fields.items() if value is not None}


def plain_network(network):
    """Return a network without what only some print: its full name, and an IPAM that was not asked for."""
    return {key: value for key, value in network.items() if key != "name" and value != {}}
