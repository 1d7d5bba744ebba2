"""One compose.yaml, several Compose: each must read the same lab out of it. Needs no engine.

`.ci/compose-wheels` fetches the releases that are not installed here. CONNLAB_REQUIRE_COMPOSE=3
makes fewer than three major versions a failure (CI), otherwise there must be two to compare.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
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


@pytest.fixture(scope="module")
def every_compose():
    found = composes()
    majors = {version.split(".")[0] for version in found}
    required = int(os.environ.get("CONNLAB_REQUIRE_COMPOSE", "0"))
    have = f"Compose found: {', '.join(found) or 'none'} (`make tools` fetches 2.40.3 and 5.6.1)"
    if len(majors) < required:
        pytest.fail(f"{required} major versions required; {have}")
    if len(found) < 2:
        pytest.skip(f"nothing to compare; {have}")
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


CHOICES = [
    pytest.param({}, id="menu"),
    pytest.param({"CLIENTS": "7", "CONNLIMIT": "3", "BACKLOG": "1", "SYSCTL": "stock"}, id="other-knobs"),
    pytest.param({"GREETING": 'a $HOME "b" # ${c} é'}, id="odd-characters"),
    pytest.param({"CLIENTS": "0", "BACKLOG": "", "GREETING": ""}, id="nothing"),
]


@pytest.mark.parametrize("knobs", CHOICES)
def test_every_compose_reads_the_same_lab(every_compose, knobs):
    (reference, argv), *others = every_compose.items()
    expected = read(argv, **knobs)
    for version, other in others:
        assert read(other, **knobs) == expected, f"{version} (left) and {reference} read two labs"


def test_knobs_and_profile_arrive(every_compose):
    """The control: readings that are equal because each ignores the knobs would pass above."""
    for version, argv in every_compose.items():
        services = read(argv, CLIENTS="7", CONNLIMIT="3", SYSCTL="stock", CLIENT_SYSCTL="article")["services"]
        assert services["client"]["deploy"] == {"replicas": 7}, version
        assert services["server"]["environment"]["CONNLIMIT"] == "3", version
        for service, name in (("server", "stock"), ("client", "article")):
            declared = yaml.safe_load((HOME / f"sysctl/{name}.yaml").read_text())["services"]["host"][
                "sysctls"
            ]
            assert services[service]["sysctls"] == declared, (version, service)
