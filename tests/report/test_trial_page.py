"""The page of a trial as a browser lays it out: it fits, fetches and runs nothing, and dark is dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from connlab.cli.show.trial import LETTERS
from connlab.report.trial_page import trial_page
from connlab.trial.answer.summary import summary
from tests.report.browser import measure
from tests.support.trial_answers import PATH, RULES, answer, finding, row

pytestmark = pytest.mark.xdist_group("browser")  # one Chromium for all

HOSTILE = "<script>pwned=1</script><img src=x onerror=pwned=1>\"'"
LONG = "x" * 400  # a word that nothing breaks


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw the page of an answer whose words are hostile, or too long for a narrow window."""
    judge = {"file": PATH, "line": 3, "rule": HOSTILE}
    tried = answer(
        ports=[
            row(decided_by=judge),
            row(8443, again="R14"),
            row(22, decided_by={**judge, "line": None, "rule": LONG}),
        ],
        findings=[{**finding("bans"), "text": HOSTILE, "evidence": LONG}],
        expectations=[{"text": HOSTILE, "holds": False, "got": LONG}],
    )
    texts = {PATH: f"{RULES}{HOSTILE}\n{LONG}\n"}
    found = summary(tried, texts)
    path = tmp_path_factory.mktemp("trial") / "try.html"
    path.write_text(trial_page(found, {found.files[0]: texts[PATH]}, "2026-try", LETTERS))
    return path


@pytest.mark.parametrize(
    ("width", "scheme", "paper"), [(500, "dark", "rgb(20, 23, 26)"), (1100, "light", "rgb(255, 255, 255)")]
)
def test_it_fits_and_runs_nothing(browser, page, width, scheme, paper):
    """Nothing is wider than the window, no word of a file is an element, and the colours are those asked for."""
    measured = measure(browser, page, width, scheme)
    assert measured["wide"] <= 0
    assert (measured["pwned"], measured["scripts"], measured["images"], measured["fetched"]) == (
        "undefined",
        1,
        0,
        0,
    )
    assert measured["paper"] == paper
