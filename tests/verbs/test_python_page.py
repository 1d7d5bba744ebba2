"""docs/python.md: what a reader types does what the page shows."""

from __future__ import annotations

import doctest

import pytest

from connlab.base.settings import HOME
from tests.support.laboratory import own_settings, temporary_project

PAGE = HOME / "docs/python.md"
NAME = '"python-page"'


@pytest.mark.variation
def test_the_page_is_true() -> None:
    """Each of its examples, in their order, on a lab of a name of our own."""
    lab_settings = own_settings()
    text = PAGE.read_text()
    assert text.count(NAME) == 1
    page = doctest.DocTestParser().get_doctest(
        text.replace(NAME, repr(lab_settings.project)), {}, PAGE.name, str(PAGE), 0
    )
    with temporary_project(lab_settings):
        result = doctest.DocTestRunner().run(page)
    assert (result.failed, result.attempted) == (0, len(page.examples))
    assert result.attempted > 10
