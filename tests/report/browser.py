"""A page as a browser lays it out: what Chromium says of it.

It opens a copy of the page with a script that measures appended, and prints the document.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from markupsafe import escape

from connlab.report.page import POLICY

NAMES = ("chromium", "chromium-browser", "google-chrome")
SCHEMES = {"dark": 0, "light": 1}  # as Chromium counts them
MEASURE = Path(__file__).with_name("measure.js").read_text()


def chromium() -> str:
    """Return the browser; skip the test without one, except where CONNLAB_REQUIRE_CHROMIUM=1 promises one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        missing = f"no browser: none of {', '.join(NAMES)} is installed (`make tools`)"
        if os.environ.get("CONNLAB_REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def dump_document(browser: str, page: Path, *options: str) -> str:
    """Return the document as it is once the browser has laid it out and run what it may run."""
    always = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'browser'}"]
    argv = [browser, *always, *options, "--dump-dom", page.as_uri()]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout


def measure(browser: str, page: Path, width: int, scheme: str) -> dict:
    """Return the browser's measures of a page at a window of that width, for a reader of light or dark pages."""
    source = page.read_text(encoding="utf-8")
    assert source.count(escape(POLICY)) == 1, "the policy that forbids scripts is not there"
    copy = page.with_suffix(".measured.html")
    opened = source.replace(escape(POLICY), "default-src * 'unsafe-inline'")
    copy.write_text(opened.replace("</body>", f"<script>{MEASURE}</script></body>"), encoding="utf-8")
    document = dump_document(browser, copy, "--hide-scrollbars", f"--window-size={width},1200",
                      f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}")  # fmt: skip
    match = re.search(r'<pre id="measured">(.*?)</pre>', document, re.DOTALL)
    assert match, "the browser measured nothing"
    return json.loads(html.unescape(match[1]))
