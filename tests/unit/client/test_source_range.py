"""Ranges of source addresses: what is one, which address has which dial, and what is none."""

import pytest

from client.source_range import read


@pytest.mark.parametrize(
    ("text", "dials"),
    [
        ("198.18.64.0/24", {1: "198.18.64.0", 256: "198.18.64.255", 257: "198.18.64.0"}),
        ("198.18.0.0/16", {65_536: "198.18.255.255", 65_537: "198.18.0.0"}),
        ("198.18.64.7/32", {1: "198.18.64.7", 2: "198.18.64.7"}),
        ("198.18.64.7", {1: "198.18.64.7", 2: "198.18.64.7"}),
        ("198.18.64.255-198.18.65.1", {2: "198.18.65.0", 3: "198.18.65.1", 4: "198.18.64.255"}),
        ("255.255.255.254/31", {2: "255.255.255.255"}),
    ],
)
def test_each_dial_has_the_next_address(text, dials):
    """Dial 1 has the first one; the range begins again after its last."""
    sources = read(text)
    assert {number: sources.of(number) for number in dials} == dials


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "/", "198.18.64", "198.18.64.0/", "198.18.64.0-", "-198.18.64.9", "198.18.64.0/15", "198.18.64.0/33",
        "198.18.64.0/024", "198.18.64.0/٢٤", "198.18.64.1/24", "198.18.64.9-198.18.64.8", "198.18.0.0-198.19.0.0",
        "198.18.64.0/24-198.18.64.9", "198.18.64.0 /24", "name/24", None, 7, ["198.18.64.0/24"],
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_words(text):
    """Also a prefix whose address is not its first, a range backwards, and one of more than a /16."""
    with pytest.raises(ValueError, match=r"source addresses as 198.18.64.0/24 \(/16 to /32\) or"):
        read(text)
