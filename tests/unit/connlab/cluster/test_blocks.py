"""Which addresses each client of a dense lab has, and which network a new one gets."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv4Network

import pytest

from connlab.cluster.blocks import HOSTS, POOL, Blocks, choose, most_clients

SMALL = Blocks(IPv4Network("198.18.64.0/21"), 256)


def networks(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


@pytest.mark.parametrize("sources", [2, 16, 256, 1024])
def test_blocks_follow_the_hosts_and_meet_nowhere(sources):
    """Each is of that size, within the network, after the engine's own part; the last ends before the network does."""
    found = Blocks(choose([], 60, sources) or POOL, sources)
    blocks = [found.of(number) for number in range(1, found.clients + 1)]
    assert found.hosts.num_addresses == HOSTS
    assert found.hosts[-1] + 1 == blocks[0][0]
    assert all(block.num_addresses == sources and block.subnet_of(found.network) for block in blocks)
    assert all(before[-1] + 1 == after[0] for before, after in itertools.pairwise(blocks))
    assert blocks[-1][-1] <= found.network[-1]
    assert found.clients >= 60


def test_an_address_has_one_owner():
    """The first and the last address of each block; a host's own address, and one outside, have none."""
    assert [SMALL.owner(str(SMALL.of(2)[at])) for at in (0, 255)] == [2, 2]
    assert SMALL.owner(str(SMALL.of(1)[0] - 1)) is None
    assert SMALL.owner(str(SMALL.of(4)[255])) == 4
    assert SMALL.owner(str(SMALL.of(4)[255] + 1)) is None
    assert SMALL.owner("172.18.0.2") is None


def test_networks_of_others_are_left_alone():
    """Also where they only overlap, and where nothing is free."""
    first = choose([], 4, 256)
    assert first == IPv4Network("198.18.0.0/18")
    assert choose([first], 4, 256) == IPv4Network("198.18.64.0/18")
    assert choose(networks("198.18.9.0/24", "198.16.0.0/13", "172.17.0.0/16"), 4, 256) is None
    assert choose(networks("198.18.9.0/24", "10.0.0.0/8"), 4, 256) == IPv4Network("198.18.64.0/18")


def test_a_crowded_pool_still_has_room_for_what_is_asked():
    """Room for more clients is a wish, not a need."""
    taken = [net for net in POOL.subnets(new_prefix=18) if net[0] != IPv4Address("198.19.0.0")]
    taken.append(IPv4Network("198.19.0.0/24"))
    assert choose(taken, 4, 256) == IPv4Network("198.19.8.0/21")
    assert choose(taken, 64, 256) is None


@pytest.mark.parametrize("sources", [2, 256, 1024])
def test_the_most_clients_fit_and_one_more_does_not(sources):
    """What a refusal says is true."""
    most = most_clients(sources)
    assert choose([], most, sources) is not None
    assert choose([], most + 1, sources) is None
