"""A text for iptables-restore in pieces: together they say the same, in the same order, on the same lines."""

from __future__ import annotations

from namespaces.pieces import MOST_RULES, pieces

RULES = [f"-A INPUT -p tcp --dport {port} -j W" for port in range(MOST_RULES * 2 + 1)]
LONG = "\n".join([
    "# head", "*raw", ":OUTPUT ACCEPT [0:0]", "COMMIT", "*filter", ":INPUT DROP [0:0]", ":W - [0:0]", *RULES,
    "-I W 1 -j DROP", "COMMIT", "",
])  # fmt: skip


def said(text: str) -> list[tuple[int, str]]:
    """Return what a text says, with the numbers of lines."""
    return [(number, line) for number, line in enumerate(text.split("\n")) if line]


def test_a_text_that_fits_is_left_alone():
    """As it came, also without an end."""
    short = "*filter\n-A INPUT -j DROP"
    assert pieces(short) == [(short, False)]


def test_each_line_is_in_one_piece_under_its_number():
    """The table and its end are in each; chains only in the first, where they are declared."""
    found = pieces(LONG)
    assert [goes_on for _, goes_on in found] == [False, False, True, True]
    rules = [each for text, _ in found for each in said(text) if each[1].startswith("-")]
    assert rules == [each for each in said(LONG) if each[1].startswith("-")]
    last = said(LONG)[-1]
    for text, goes_on in found[1:]:
        assert said(text)[0] == (4, "*filter")
        assert said(text)[-1] == last
        assert (":W - [0:0]" in text) is not goes_on


def test_a_text_without_an_end_has_none_in_pieces():
    """The tool then loads nothing of it, and says nothing."""
    assert all(
        "COMMIT" not in text for text, _ in pieces(LONG.rsplit("COMMIT", 1)[0].replace("COMMIT\n", ""))
    )
