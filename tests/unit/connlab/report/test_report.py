"""A page of charts and claims: what it says, and that it is safe to show."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from connlab.evidence.chart import Mark, Series
from connlab.report import page as html
from connlab.report.run import draw
from tests.support.charts import DRAIN, HOSTILE, ROW, evidence, left, page


class Elements(HTMLParser):
    """The elements and attributes of a page, as a browser reads them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.words.append(data)


def chosen(words: str) -> str:
    """A page every word of which somebody else chose."""
    chart = replace(DRAIN, title=words, note=words, x=words, y=words, marks=(Mark(1, words),),
                    series=(Series(words, ((0, 1),)),))  # fmt: skip
    row = dict.fromkeys(html.COLUMNS, words)
    return html.page(words, {words: chart}, [row], words, {"kernel": words, "engine": words})


def test_words_of_others_are_words():
    """Markup and quotes in evidence make no element and no attribute; the words themselves are shown."""
    seen, plain = Elements(chosen(HOSTILE)), Elements(chosen("words"))
    assert set(seen.tags) == set(plain.tags)
    assert {each[:2] for each in seen.attributes} == {each[:2] for each in plain.attributes}
    assert "".join(seen.words).count("<script>alert(1)</script>\"'>") >= 10


def test_what_cannot_be_printed_is_escaped():
    """No byte of a terminal's language, no turning of the text, nothing that UTF-8 cannot carry."""
    source = chosen(HOSTILE)
    source.encode()
    assert [letter for letter in source if not letter.isprintable() and letter != "\n"] == []
    assert r"\x1b[31m\udc80\u202e&amp;" in source


@pytest.mark.parametrize("source", [page(), chosen(HOSTILE)], ids=["plain", "hostile"])
def test_a_page_needs_nothing_but_itself(source):
    """No script, no address, no element or attribute that would fetch or run; its policy forbids them too."""
    seen = Elements(source)
    assert not {"script", "link", "img", "iframe", "object", "embed", "image", "use", "a"} & set(seen.tags)
    assert not re.search(r"https?://|@import|javascript:", source)
    assert [name for _, name, _ in seen.attributes if name.startswith("on") or name in {"src", "href"}] == []
    assert re.findall(r"url\((.)", source).count("#") == len(re.findall(r"url\(", source)) > 0
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in seen.attributes


def test_the_same_evidence_is_the_same_page(tmp_path):
    """To the byte, whatever the order in which the files were written."""
    pages = []
    for order in ((0, 1, 2), (2, 0, 1)):
        run = tmp_path / str(order[0]) / "run"
        for at in order:
            left(run, f"test_{at}", "chart-a", evidence(title=f"chart {at}"))
        pages.append(draw(run, [{**ROW, "family": "time-wait"}])["time-wait"].read_bytes())
    assert pages[0] == pages[1]
    assert [pages[0].count(f"<h2>chart {at}</h2>".encode()) for at in range(3)] == [1, 1, 1]


def test_ids_of_a_page_are_unique():
    """Two charts do not take each other's markers."""
    ids = [value for _, name, value in Elements(page(DRAIN, DRAIN)).attributes if name == "id"]
    assert len(ids) == len(set(ids)) == 4


def test_a_chart_says_what_it_is_without_being_seen():
    """An image with a label, and its numbers in a table below."""
    seen = Elements(page())
    assert ("svg", "role", "img") in seen.attributes
    assert ("svg", "aria-label", "TIME_WAIT drains after 60 s. Forty sockets.") in seen.attributes
    cells = re.findall(r"<td>([\d.,]+)</td>", page())
    assert cells == ["0", "40", "60.4", "0", "0", "40", "15.2", "0", "60.4", "0"]


def test_a_point_tells_its_values():
    """With the words of the axes."""
    assert "<title>stock\n60.4 seconds after the close\n0 sockets in TIME_WAIT</title>" in page()


def test_a_long_table_says_what_it_leaves_out():
    """Of steps what changes; else evenly picked."""
    points = tuple((float(x), x % 50) for x in range(1000))
    assert "noise (300 of 1,000 points)" in page(
        replace(DRAIN, shape="lines", series=(Series("noise", points),))
    )
    still = tuple((float(x), 1) for x in range(1000))
    assert "still (2 of 1,000 points)" in page(replace(DRAIN, series=(Series("still", still),)))


def test_the_page_says_which_run_it_is():
    """Folder, kernel and engine; a run that left no word of its machine has the folder."""
    assert "connlab, run 2026-11-25T16-11-00.156118Z</p>" in page()
    assert "156118Z · kernel 6.18 · engine Docker 20.10</p>" in page(kernel="6.18", engine="Docker 20.10")


def test_claims_stand_above_the_charts():
    """Only the columns that a row fills; verdicts are words, and not run is pale."""
    source = page(rows=(ROW, {**ROW, "setting": "tcp_tw_reuse", "side": "client", "verdict": "not run"}))
    assert re.findall(r'<th scope="col">(\w+)</th>', source)[:5] == [
        "setting",
        "side",
        "claim",
        "measured",
        "verdict",
    ]
    assert re.findall(r'<th scope="col">(\w+)</th>', page())[:3] == ["claim", "measured", "verdict"]
    assert source.index("It drains") < source.index("<figure>")
    assert '<tr class="none"><td>tcp_tw_reuse</td><td>client</td><td>It drains</td><td>in 60 s</td>' in source
    assert '<tr class="judged">' in source
    assert 'class="claims"' not in page(rows=())
