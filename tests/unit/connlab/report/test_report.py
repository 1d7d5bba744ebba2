"""A page of charts and claims: what it says, and that it is safe to show."""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser

import pytest

from connlab.base.errors import Unreadable
from connlab.evidence.charts import slope
from connlab.report import page as html
from connlab.report.run import draw
from tests.support.charts import (
    HOSTILE,
    ROW,
    chart_page,
    drain_chart,
    hostile_chart,
    panel_chart,
    write_evidence,
)

pytestmark = pytest.mark.xdist_group("drawing")  # who draws first in a process starts V8, for 0.5 s


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


@functools.cache
def plain_page() -> str:
    """Draw the page of one chart, once for all tests that read it."""
    return chart_page()


@functools.cache
def hostile_page(words: str) -> str:
    """Draw a page every word of which somebody else chose."""
    row = dict.fromkeys(html.COLUMNS, words)
    return html.page(words, {words: hostile_chart(words)}, [row], words, {"kernel": words, "engine": words})


def test_words_of_others_are_words():
    """Markup and quotes in evidence make no element and no attribute; the words themselves are shown."""
    elements, plain = Elements(hostile_page(HOSTILE)), Elements(hostile_page("words"))
    assert set(elements.tags) == set(plain.tags)
    assert {each[:2] for each in elements.attributes} == {each[:2] for each in plain.attributes}
    assert "".join(elements.words).count("<script>alert(1)</script>\"'>") >= 10


def test_what_cannot_be_printed_is_escaped():
    """No byte of a terminal's language, no turning of the text, nothing that UTF-8 cannot carry."""
    source = hostile_page(HOSTILE)
    source.encode()
    assert [letter for letter in source if not letter.isprintable() and letter != "\n"] == []
    assert r"\x1b[31m\udc80\u202e&amp;" in source


@pytest.mark.parametrize("draw_page", [plain_page, lambda: hostile_page(HOSTILE)], ids=["plain", "hostile"])
def test_a_page_needs_nothing_but_itself(draw_page):
    """No script, no address, no element or attribute that would fetch or run; its policy forbids them too."""
    source = draw_page()
    elements = Elements(source)
    assert not {"script", "link", "img", "iframe", "object", "embed", "image", "use", "a"} & set(
        elements.tags
    )
    assert not re.search(r"https?://|@import|javascript:", source)
    assert [
        name for _, name, _ in elements.attributes if name.startswith("on") or name in {"src", "href"}
    ] == []
    assert "url(" not in source
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in elements.attributes


def test_the_same_evidence_is_the_same_page(tmp_path):
    """To the byte, whatever the order in which the files were written."""
    pages = []
    for order in ((0, 1, 2), (2, 0, 1)):
        run = tmp_path / str(order[0]) / "run"
        for at in order:
            write_evidence(run, f"test_{at}", "chart-a", drain_chart(title=f"chart {at}"))
        pages.append(draw(run, [{**ROW, "family": "time-wait"}])["time-wait"].read_bytes())
    assert pages[0] == pages[1]
    assert [pages[0].count(f"<h2>chart {at}</h2>".encode()) for at in range(3)] == [1, 1, 1]


CLIPPED = panel_chart(slope("a", [(0, 1), (9, 3)]))
CLIPPED["vconcat"][0]["layer"][0]["mark"]["clip"] = True


def test_ids_of_a_page_are_unique():
    """Two charts, and the two sizes of one, do not take each other's clipping paths."""
    source = chart_page(CLIPPED, CLIPPED)
    ids = [value for _, name, value in Elements(source).attributes if name == "id"]
    assert len(ids) == len(set(ids)) >= 4
    assert set(re.findall(r"url\(#([^)]+)\)", source)) <= set(ids)


def test_a_chart_says_what_it_is_without_being_seen():
    """An image with a label, and its numbers in a table below, under the words of the axes."""
    elements = Elements(plain_page())
    assert ("svg", "role", "img") in elements.attributes
    assert ("svg", "aria-label", "TIME_WAIT drains after 60 s. Forty sockets.") in elements.attributes
    assert (
        '<caption>sockets in TIME_WAIT</caption>\n<thead><tr><th scope="col">seconds after the close</th>'
        in plain_page()
    )
    cells = re.findall(r"<td>([\d.,]+)</td>", plain_page())
    assert cells == ["0", "40", "60.4", "0", "0", "40", "15.2", "0", "60.4", "0"]


def test_a_long_table_says_what_it_leaves_out():
    """Evenly picked, the first and the last among them."""
    source = chart_page(panel_chart(slope("noise", [(x, x % 50) for x in range(1000)])))
    assert "noise (300 of 1,000 rows)" in source
    assert re.findall(r"<tr><td>(\d+)</td>", source)[::299] == ["0", "999"]


def test_what_cannot_be_drawn_is_told(tmp_path):
    """With the file, in a line; and nothing is written."""
    write_evidence(
        tmp_path,
        "test_a",
        "chart-a",
        {**drain_chart(), "vconcat": [{"data": {"values": [{"a": 1}]}, "mark": "pie"}]},
    )
    with pytest.raises(
        Unreadable, match=r"test_a/chart-a\.json: Vega-Lite to SVG conversion failed: .*[^\n]$"
    ):
        draw(tmp_path, [])
    assert list(tmp_path.glob("*.html")) == []


@pytest.mark.parametrize(
    "element",
    ["<script/>", "<image/>", "<a/>", "<style/>", "<g onclick='x'/>", "<g href='x'/>", "<g style='x'/>",
     "<g xmlns:l='http://www.w3.org/1999/xlink' l:href='x'/>", "<g"],
)  # fmt: skip
def test_a_drawing_is_shapes_and_words(monkeypatch, element):
    """Whatever a specification may ask Vega-Lite for, nothing that fetches, runs or restyles gets into the page."""
    svg = f"<svg xmlns='http://www.w3.org/2000/svg'>{element}</svg>"
    monkeypatch.setattr("vl_convert.vegalite_to_svg", lambda *_, **__: svg)
    with pytest.raises(ValueError, match=r"a chart is shapes and words, and this one has|not well-formed"):
        chart_page()


def test_dark_is_for_screens():
    """Each colour of a drawing is traded for one that dark pages have; paper has the light ones."""
    source = plain_page()
    dark = source[
        source.index("@media screen and (prefers-color-scheme:dark){") : source.index("*{box-sizing")
    ]
    colours = set(re.findall(r'(?:fill|stroke)="(#\w+)"', source[source.index("<svg") :]))
    assert len(colours) >= 5
    assert {colour for colour in colours if f'[fill="{colour}"]' not in dark} == set()


def test_the_page_says_which_run_it_is():
    """Folder, kernel and engine; a run that left no word of its machine has the folder."""
    assert "connlab, run 2026-11-25T16-11-00.156118Z</p>" in plain_page()
    assert "156118Z · kernel 6.18 · engine Docker 20.10</p>" in chart_page(
        kernel="6.18", engine="Docker 20.10"
    )


def test_claims_stand_above_the_charts():
    """Only the columns that a row fills; verdicts are words, and not run is pale."""
    source = chart_page(
        rows=(ROW, {**ROW, "setting": "tcp_tw_reuse", "side": "client", "verdict": "not run"})
    )
    heads = re.findall(r'<th scope="col">(\w+)</th>', source)[:5]
    assert heads == ["setting", "side", "claim", "measured", "verdict"]
    assert re.findall(r'<th scope="col">(\w+)</th>', plain_page())[:3] == ["claim", "measured", "verdict"]
    assert source.index("It drains") < source.index("<figure>")
    assert '<tr class="none"><td>tcp_tw_reuse</td><td>client</td><td>It drains</td><td>in 60 s</td>' in source
    assert '<tr class="judged">' in source
    assert 'class="claims"' not in chart_page(rows=())
