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

from connlab.report.page import POLICY

NAMES = ("chromium", "chromium-browser", "google-chrome")
MEASURE = """
const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] };
const all = (e, what, how) => [...e.querySelectorAll(what)].map(how);
const along = p => { const n = p.getTotalLength(), steps = Math.max(1, Math.min(4000, Math.ceil(n))), found = [];
  for (let i = 0; i <= steps; i++) { const at = p.getPointAtLength(n * i / steps); found.push([at.x, at.y]) }
  return found };
const charts = all(document, 'svg.chart', svg => ({
  label: svg.getAttribute('aria-label'), box: box(svg),
  texts: all(svg, 'text', t => [t.lastChild.textContent, box(t)]),
  x: all(svg, 'line.x', l => l.getBBox().x), xs: all(svg, 'text.tick.x', t => t.textContent),
  y: all(svg, 'line.y', l => l.getBBox().y), ys: all(svg, 'text.tick.y', t => t.textContent),
  marks: all(svg, 'line.mark', l => l.getBBox().x),
  lines: all(svg, 'path.line', p => ({points: along(p), stroke: getComputedStyle(p).stroke,
    dash: getComputedStyle(p).strokeDasharray, seen: p.getBoundingClientRect().width > 0})),
  dots: all(svg, 'path.dots', p => { const b = p.getBBox(); return [b.x, b.y + b.height, b.x + b.width, b.y] }),
  tips: all(svg, 'circle.tip > title', t => t.textContent),
}));
const said = document.createElement('pre');
said.id = 'measured';
said.textContent = JSON.stringify({charts, pwned: typeof pwned,
  scripts: document.scripts.length, images: document.images.length,
  fetched: performance.getEntriesByType('resource').length, wide: document.documentElement.scrollWidth - innerWidth,
  scrolled: all(document, 'figure .wide', d => d.scrollWidth - d.clientWidth),
  open: all(document, 'details', d => d.open), cells: all(document, 'figure td', d => d.textContent),
  claims: all(document, '.claims tbody tr', r => r.textContent)});
document.body.append(said);
"""


def chromium() -> str:
    """The browser; without one the test is skipped, except where CONNLAB_REQUIRE_CHROMIUM=1 promises one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        missing = f"no browser: none of {', '.join(NAMES)} is installed (`make tools`)"
        if os.environ.get("CONNLAB_REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def dumped(browser: str, page: Path, *options: str) -> str:
    """The document as it is once the browser has laid it out and run what it may run."""
    always = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'browser'}"]
    argv = [browser, *always, *options, "--dump-dom", page.as_uri()]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout


def seen_by(browser: str, page: Path, width: int) -> dict:
    """What the browser says of a page at a window of that width."""
    source = page.read_text(encoding="utf-8")
    assert source.count(html.escape(POLICY)) == 1, "the policy that forbids scripts is not there"
    copy = page.with_suffix(".measured.html")
    opened = source.replace(html.escape(POLICY), "default-src * 'unsafe-inline'")
    copy.write_text(opened.replace("</body>", f"<script>{MEASURE}</script></body>"), encoding="utf-8")
    document = dumped(browser, copy, "--hide-scrollbars", f"--window-size={width},1200")
    said = re.search(r'<pre id="measured">(.*?)</pre>', document, re.DOTALL)
    assert said, "the browser measured nothing"
    return json.loads(html.unescape(said[1]))
