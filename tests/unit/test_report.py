"""A run drawn: what a chart may be, where its points are put, and that a page is safe to show."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser

import pytest

from lab import report, runs
from lab.chart import Chart, Mark, Series
from lab.drawing import look
from lab.drawing.axis import Axis, axis, some, thinned
from lab.drawing.labels import mark_rows
from lab.drawing.svg import drawn
from lab.errors import Unreadable, Usage
from lab.evidence import Run

DRAIN = Chart(
    family="time-wait",
    title="TIME_WAIT drains after 60 s",
    note="Forty sockets.",
    shape="steps",
    x="seconds after the close",
    y="sockets in TIME_WAIT",
    series=(Series("stock", ((0.0, 40), (60.4, 0))), Series("short", ((0.0, 40), (15.2, 0), (60.4, 0)))),
    marks=(Mark(15.0, "tcp_fin_timeout=15"),),
)
ROW = {"sentence": "It drains", "evidence": "in 60 s", "verdict": "holds"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m\udc80\u202e&"


def evidence(**changes: object) -> dict:
    """A chart as JSON, as it stands in a file; a field that is ... is left out."""
    data = {**json.loads(json.dumps(asdict(DRAIN))), **changes}
    return {name: value for name, value in data.items() if value is not ...}


def page(
    *charts: Chart, rows: tuple = (ROW,), run: str = "2026-11-25T16-11-00.156118Z", **machine: str
) -> str:
    named = {f"test_{at}/chart-x.json": chart for at, chart in enumerate(charts or (DRAIN,))}
    return report.page("time-wait", named, rows, run, machine)


def left(run, test: str, name: str, data: object) -> None:
    """What a test leaves in a run's folder."""
    (run / test).mkdir(parents=True, exist_ok=True)
    (run / test / f"{name}.json").write_text(json.dumps(data))


def test_a_chart_comes_back_as_it_was_kept(tmp_path):
    """Kept by lab.evidence, read from the run's folder: the same chart."""
    run = Run("then", tmp_path)
    run.keep("test_drain[stock]", "chart-drain", DRAIN)
    assert runs.charts(run.folder) == {"test_drain[stock]/chart-drain.json": DRAIN}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema 2; this version knows 1"),
        ({"schema": 2, "bars": []}, "schema 2; this version knows 1"),
        ({"schema": ...}, "a chart lacks schema"),
        ({"x": ..., "note": ...}, "a chart lacks note, x"),
        ({"colour": "red"}, "a chart has an unknown colour"),
        ({"shape": "pie"}, "shape 'pie'; there are: steps, lines, points"),
        ({"family": "../../etc/x"}, "family '../../etc/x' is no name for a page"),
        ({"family": "Time Wait"}, "family 'Time Wait' is no name for a page"),
        ({"title": ""}, "title: expected words, got ''"),
        ({"note": 7}, "note: expected words, got 7"),
        ({"series": []}, "no series"),
        ({"series": {}}, "series: expected a list, got {}"),
        ({"series": [{"name": "a", "points": []}]}, "a: no points"),
        ({"series": [{"name": "a"}]}, "a series lacks points"),
        ({"series": [{"name": "a", "points": [[1]]}]}, r"a: expected a point \[x, y\], got \(1,\)"),
        ({"series": [{"name": "a", "points": [7]}]}, "a point: expected a list, got 7"),
        ({"series": [{"name": "a", "points": [[0, "40"]]}]}, "a: a point: expected a number, got '40'"),
        ({"series": [{"name": "a", "points": [[0, True]]}]}, "a: a point: expected a number, got True"),
        ({"series": [{"name": "a", "points": [[0, float("nan")]]}]}, "a: a point: expected a number, got nan"),
        ({"series": [{"name": "a", "points": [[0, 1e300]]}]}, "a: a point: expected a number, got 1e"),
        ({"series": [{"name": "a", "points": [[1, 0], [0, 0]]}]}, "a: x goes back"),
        ({"series": [{"name": "a", "points": [[1, 0]]}] * 2}, "two series of one name: a"),
        ({"marks": [{"x": 1}]}, "a mark lacks label"),
        ({"marks": [{"x": None, "label": "m"}]}, "the x of a mark: expected a number, got None"),
    ],
)  # fmt: skip
def test_what_is_no_chart_is_loud(tmp_path, changes, words):
    """A ValueError that says what is wrong, and in which file."""
    left(tmp_path, "test_a", "chart-a", evidence(**changes))
    with pytest.raises(ValueError, match=rf"test_a/chart-a\.json: {words}"):
        runs.charts(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"\udc80"'.encode("utf-8", "surrogatepass")])
def test_what_is_no_json_is_loud(tmp_path, content):
    """Half a file, or another thing: it is not passed over."""
    left(tmp_path, "test_a", "chart-a", {})
    (tmp_path / "test_a/chart-a.json").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    with pytest.raises(Unreadable, match=r"test_a/chart-a\.json: "):
        runs.charts(tmp_path)


def test_a_mistake_is_seen_where_the_chart_is_made():
    """The test that builds it fails, not the one who draws the run."""
    with pytest.raises(ValueError, match="shape 'pie'"):
        replace(DRAIN, shape="pie")
    with pytest.raises(ValueError, match="schema 2; this version knows 1"):
        replace(DRAIN, schema=2)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 40], ["0", "10", "20", "30", "40"]),
        ([0, 3], ["0", "1", "2", "3"]),
        ([0, 1], ["0", "1"]),
        ([0, 0], ["0", "1"]),
        ([7, 7], ["0", "2", "4", "6", "8"]),
        ([0.11, 0.42], ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        ([32768, 60999], ["0", "20,000", "40,000", "60,000", "80,000"]),
        ([990, 1000], ["990", "992", "994", "996", "998", "1,000"]),
        ([-5, 5], ["-6", "-4", "-2", "0", "2", "4", "6"]),
        ([0.5, 11.7], ["0", "2.5", "5", "7.5", "10", "12.5"]),
    ],
)  # fmt: skip
def test_ticks_are_round(values, labels):
    """From 0 if that is near; no half sockets; the ends of the axis are ticks."""
    up = axis(values, (100, 0), ticks=5, zero=0.75, whole=True)
    assert [up.label(tick) for tick in up.ticks()] == labels
    assert up.low <= min(values) <= max(values) <= up.high
    assert (up.place(up.ticks()[0]), up.place(up.ticks()[-1])) == (100, 0)


def test_an_axis_that_is_not_whole_ends_with_its_data():
    """Or at the next tick, if that is near: an empty quarter says nothing."""
    ends = [axis([0, high], (0, 1), ticks=8, zero=0.25, whole=False).high for high in (60.4, 79.8)]
    assert ends == [60.4, 80]


def plane(width: float = 500) -> tuple[Axis, Axis]:
    return Axis(0, 20000, 5000, 0, width), Axis(0, 100, 20, 260, 0)


def test_steps_keep_what_changes():
    """20,000 samples of a value that changed twice are three corners and an end."""
    points = [(float(x), 40 if x < 9000 else 20 if x < 9001 else 0) for x in range(20000)]
    assert thinned(points, "steps", *plane()) == [(0, 40), (9000, 20), (9001, 0), (19999, 0)]


@pytest.mark.parametrize("shape", ["lines", "steps"])
def test_a_thinned_line_looks_the_same(shape):
    """In each unit across, the first, the least, the greatest and the last value are what they were."""
    points = [(float(x), (x * 7919) % 101) for x in range(20000)]
    points[12345] = (12345.0, 100.5)
    few = thinned(points, shape, *plane())
    assert len(few) <= 4 * 500

    def outline(of):
        columns: dict[int, list[float]] = {}
        for x, y in of:
            columns.setdefault(int(x / 40), []).append(y)
        return {at: (ys[0], min(ys), max(ys), ys[-1]) for at, ys in columns.items()}

    assert outline(few) == outline(points)
    assert few == sorted(few)


def test_thinned_dots_cover_the_same_ground():
    """A dot that is left out has another within its own size."""
    points = [(float(x), (x * 7919) % 101) for x in range(20000)]
    across, up = plane()
    few = thinned(points, "points", across, up)
    assert len(few) < 126 * 66
    squares = [{(across.place(x) // 4, up.place(y) // 4) for x, y in of} for of in (few, points)]
    assert squares[0] == squares[1]


@pytest.mark.parametrize("shape", ["steps", "lines", "points"])
def test_few_points_are_all_drawn(shape):
    """What can be seen one by one is left as it is."""
    points = [(200.0 * x, float(x % 7)) for x in range(100)]
    assert thinned(points, shape, *plane()) == points


def test_some_keep_both_ends():
    """Evenly picked, first and last among them; no more than there are."""
    assert some([(x, 0) for x in range(101)], 3) == [(0, 0), (50, 0), (100, 0)]
    assert some([(1, 0), (2, 0)], 3) == [(1, 0), (2, 0)]


def test_a_big_series_is_no_huge_page():
    """20,000 points of noise, in every shape, in less than 200 kB each."""
    points = tuple((float(x), (x * 7919) % 101) for x in range(20000))
    for shape in ("steps", "lines", "points"):
        assert len(page(replace(DRAIN, shape=shape, series=(Series("noise", points),)))) < 200_000, shape


def test_a_step_goes_across_and_then_down():
    """The old value holds until the new moment."""
    line = re.search(r'<path d="M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)" class="line', drawn(DRAIN, "c"))
    left, top, right, bottom = map(float, line.groups())
    assert (left < right, top, bottom) == (True, 0, 260)


def test_lines_on_one_another_can_be_told_apart():
    """Same points: another colour and another dash, and markers at other places."""
    points = tuple((float(x), 40.0) for x in range(81))
    svg = drawn(replace(DRAIN, series=tuple(Series(name, points) for name in "abc")), "c")
    looks = re.findall(r'class="line (s\d) (d\d)"', svg)
    assert len(set(looks)) == len({s for s, _ in looks}) == len({d for _, d in looks}) == 3
    places = [re.findall(r"[\d.]+ 0", path) for path in re.findall(r'<path d="M([^"]*)" class="dots"', svg)]
    assert [len(each) for each in places] == [8, 8, 8]
    assert (
        not set(places[0]) & set(places[1])
        | set(places[0]) & set(places[2])
        | set(places[1]) & set(places[2])
    )


def test_thirty_series_look_different():
    """Colours and dashes repeat at different turns."""
    series = tuple(Series(f"series {at}", ((0.0, at), (1.0, at))) for at in range(30))
    looks = re.findall(r'class="line ([^"]*)"', drawn(replace(DRAIN, series=series), "c"))
    assert len(set(looks)) == 30


def test_a_mark_s_label_is_below_those_that_its_line_would_cut():
    """Labels beside one another share a row; one that would leave the page has a row of its own."""
    across = Axis(0, 100, 10, 0, 500)
    marks = [
        Mark(0, "first, and rather long"),
        Mark(5, "second"),
        Mark(60, "third"),
        Mark(99, "too long " * 6),
    ]
    assert [(mark.label[:5], row) for mark, _, row in mark_rows(marks, across)] == [
        ("first", 0), ("secon", 1), ("third", 0), ("too l", 2)
    ]  # fmt: skip


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
    row = dict.fromkeys(report.COLUMNS, words)
    return report.page(words, {words: chart}, [row], words, {"kernel": words, "engine": words})


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
        pages.append(runs.draw(run, [{**ROW, "family": "time-wait"}])["time-wait"].read_bytes())
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


def test_the_machine_is_read_from_the_run(tmp_path):
    """As tests/conftest.py leaves it; nothing if there is nothing."""
    assert runs.machine(tmp_path) == {}
    left(tmp_path, "", "machine", {"kernel": "6.18", "engine": {"Version": "20.10", "Os": "linux"}})
    assert runs.machine(tmp_path) == {"kernel": "6.18", "engine": "Docker 20.10"}
    for wrong in (["?"], {"kernel": "6.18"}, {"kernel": "6.18", "engine": "old"}, 7):
        left(tmp_path, "", "machine", wrong)
        with pytest.raises(Unreadable, match=r"machine\.json: no kernel and engine"):
            runs.machine(tmp_path)
    (tmp_path / "machine.json").write_text("{")
    with pytest.raises(Unreadable, match=r"machine\.json: "):
        runs.machine(tmp_path)


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


def contrast(one: str, other: str) -> float:
    """WCAG 2: how far apart in light two colours are, from 1 to 21."""

    def light(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [look.LIGHT, look.DARK], ids=["light", "dark"])
def test_every_colour_can_be_seen(colours):
    """Lines have a contrast of 3 to the page, words one of 4.5."""
    least = {name: 3.0 for name in colours if name[0] == "s" and name[1:].isdigit()} | {"mark": 3.0}
    least |= dict.fromkeys(("ink", "soft", "good", "bad", "fair"), 4.5)
    assert len(least) == 12
    assert {name: contrast(colours[name], colours["bg"]) for name in least} == {
        name: pytest.approx(max(floor, contrast(colours[name], colours["bg"])))
        for name, floor in least.items()
    }


def test_each_family_has_a_page(tmp_path):
    """With its own charts only; a page that is there is drawn again."""
    left(tmp_path, "test_a", "chart-a", evidence(title="of one"))
    left(tmp_path, "test_b", "chart-b", evidence(title="of another", family="backlog"))
    left(tmp_path, "test_b", "attempts", {"no": "chart"})
    rows = [{**ROW, "family": "backlog"}, {**ROW, "sentence": "of no page", "family": "sockets"}]
    assert runs.draw(tmp_path, rows) == {
        family: tmp_path / f"{family}.html" for family in ("backlog", "time-wait")
    }
    pages = {path.name: path.read_text() for path in tmp_path.glob("*.html")}
    assert {name: ("of one" in source, "of another" in source) for name, source in pages.items()} == {
        "time-wait.html": (True, False),
        "backlog.html": (False, True),
    }


def test_no_run_and_no_charts_are_told(tmp_path):
    """What, why, and the next step."""
    with pytest.raises(Usage, match=r"runs/never is no run\n  next: make test"):
        runs.find("runs/never")
    with pytest.raises(Usage, match=r"has no charts: no test left a chart-\*\.json in it\n  next: make test"):
        runs.draw(tmp_path, [])


def test_latest_is_called_by_its_name(tmp_path):
    """The page stays in the run that it shows, and says which."""
    run = Run("2026-11-25", tmp_path)
    assert runs.find(str(tmp_path / "runs/latest")) == run.folder
