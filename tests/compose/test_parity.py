"""One compose.yaml, several Compose: each must read the same lab out of it. Needs no engine.

`.ci/compose-wheels` fetches the releases that are not installed here. CONNLAB_REQUIRE_COMPOSE=3
makes fewer than three major versions a failure (CI), otherwise there must be two to compare.
"""

import os

import pytest
import yaml

from connlab.cluster import dense
from tests.support.composes import HOME, composes, read_config
from tests.support.variations import then_variations

pytestmark = pytest.mark.xdist_group("compose")  # see tests/compose/test_profiles.py


@pytest.fixture(scope="module")
def every_compose():
    programs = composes()
    majors = {version.split(".")[0] for version in programs}
    required = int(os.environ.get("CONNLAB_REQUIRE_COMPOSE", "0"))
    have = f"Compose found: {', '.join(programs) or 'none'} (`make tools` fetches 2.40.3 and 5.6.1)"
    if len(majors) < required:
        pytest.fail(f"{required} major versions required; {have}")
    if len(programs) < 2:
        pytest.skip(f"nothing to compare; {have}")
    return programs


CHOICES = [
    pytest.param({"GREETING": 'a $HOME "b" # ${c} é'}, id="odd-characters"),
    pytest.param({}, id="menu"),
    pytest.param({"CLIENTS": "7", "CONNLIMIT": "3", "BACKLOG": "1", "SYSCTL": "stock"}, id="other-knobs"),
    pytest.param({"CLIENTS": "0", "BACKLOG": "", "GREETING": ""}, id="nothing"),
]


@pytest.mark.parametrize("knobs", then_variations(*CHOICES))
def test_every_compose_reads_the_same_lab(every_compose, knobs):
    (reference, argv), *others = every_compose.items()
    expected = read_config(argv, **knobs)
    for version, other in others:
        assert read_config(other, **knobs) == expected, f"{version} (left) and {reference} read two labs"


DENSE = {"SOURCES_PER_CLIENT": "256", "LAB_SUBNET": "198.18.64.0/18", "LAB_HOSTS": "198.18.64.0/22"}


def test_every_compose_reads_the_same_dense_network(every_compose):
    """Of two files, one over the other: the network of the second, as closed as that of the first."""
    files = ("compose.yaml", dense.FILE)
    configs = {version: read_config(argv, files, **DENSE) for version, argv in every_compose.items()}
    (reference, expected), *others = configs.items()
    for version, config in others:
        assert config == expected, f"{version} (left) and {reference} read two labs"
    network = expected["networks"]["lab"]
    assert network.pop("labels") == {"connlab.sources": "256"}
    assert network.pop("ipam") == {
        "config": [{"subnet": DENSE["LAB_SUBNET"], "ip_range": DENSE["LAB_HOSTS"]}]
    }
    assert network == read_config(every_compose[reference])["networks"]["lab"]


def test_knobs_and_profile_arrive(every_compose):
    """The control: readings that are equal because each ignores the knobs would pass above."""
    for version, argv in every_compose.items():
        services = read_config(argv, CLIENTS="7", CONNLIMIT="3", SYSCTL="stock", CLIENT_SYSCTL="article")[
            "services"
        ]
        assert services["client"]["deploy"] == {"replicas": 7}, version
        assert services["server"]["environment"]["CONNLIMIT"] == "3", version
        for service, name in (("server", "stock"), ("client", "article")):
            declared = yaml.safe_load((HOME / f"sysctl/{name}.yaml").read_text())["services"]["host"][
                "sysctls"
            ]
            assert services[service]["sysctls"] == declared, (version, service)
