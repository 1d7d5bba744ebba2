"""The sources of a dense lab, told by client."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from connlab.actions.blocks_of_sources import block, by_client, source
from connlab.base.errors import Usage
from connlab.cluster.blocks import Blocks
from connlab.cluster.host import Host

FOUND = Blocks(IPv4Network("198.18.0.0/21"), 256)
CLIENT = Host("c2", "client", 2, "198.18.0.5", "running", "Up 2 minutes")


def row(
    address: str, number: int | None = 1, *, earlier: bool = False, at_least: bool = False
) -> dict[str, object]:
    return {
        "address": address, "earlier": earlier, "held": number, "counted": number, "counted_at_least": False,
        "accepted": number, "accepted_at_least": False, "refused": number, "refused_at_least": at_least,
    }  # fmt: skip


def test_rows_are_parted_by_block():
    """A row is its client's; that of an earlier host, and of a stranger, is nobody's."""
    rows = [row("198.18.4.0"), row("198.18.5.0"), row("198.18.5.255"), row("198.18.0.9"), row("10.0.0.1"),
            row("198.18.5.1", earlier=True)]  # fmt: skip
    owned, others = by_client(rows, FOUND)
    assert {n: [r["address"] for r in mine] for n, mine in owned.items()} == {
        1: ["198.18.4.0"], 2: ["198.18.5.0", "198.18.5.255"],
    }  # fmt: skip
    assert [r["address"] for r in others] == ["198.18.0.9", "10.0.0.1", "198.18.5.1"]
    assert by_client(rows, None) == ({}, rows)


def test_a_block_has_the_sums_of_its_sources():
    """A number that nobody knows makes a sum that nobody knows; one that may be too small, a sum that may be."""
    whole = block(FOUND, CLIENT, [row("198.18.5.0"), row("198.18.5.1", at_least=True)])
    assert (whole["address"], whole["size"], len(whole["sources"])) == ("198.18.5.0/24", 256, 2)
    assert (whole["held"], whole["refused"], whole["refused_at_least"], whole["accepted_at_least"]) == (
        2,
        2,
        True,
        False,
    )
    assert block(FOUND, CLIENT, [row("198.18.5.0"), row("198.18.5.1", None)])["refused"] is None
    assert block(FOUND, CLIENT, [])["held"] == 0


@pytest.mark.parametrize(
    ("text", "address"),
    [("1", "198.18.5.0"), ("256", "198.18.5.255"), ("198.18.5.7", "198.18.5.7"), ("007", "198.18.5.6")],
)
def test_a_source_is_named_by_number_or_address(text, address):
    assert source(text, CLIENT, FOUND) == address


@pytest.mark.parametrize(
    "text", ["0", "257", "-1", "", "198.18.4.255", "198.18.0.5", "one", "٣", "198.18.5.0/24"]
)
def test_what_is_no_source_of_this_client_is_refused(text):
    with pytest.raises(Usage, match=r"is no source of client-2, which has 198\.18\.5\.0/24") as refusal:
        source(text, CLIENT, FOUND)
    assert "a number from 1 to 256" in str(refusal.value)


def test_a_client_with_one_address_has_no_choice():
    with pytest.raises(Usage, match="client-2 has one address"):
        source("1", CLIENT, None)
