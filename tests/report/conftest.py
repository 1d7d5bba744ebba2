"""One browser for all pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.report.browser import Browser, chromium, running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return the browser; it is looked for before a page is drawn for it."""
    with running(chromium(), tmp_path_factory.mktemp("browser")) as browser:
        yield browser
