"""A page as a browser lays it out: what Chromium says of it.

It opens a copy of the page with a script that measures appended, and is asked for the document. One Chromium opens all
pages: its start costs a second of processor time, a page a tenth. It is spoken to by the DevTools protocol over its
descriptors 3 and 4: JSON objects, each with a zero byte after it.
"""

from __future__ import annotations

import contextlib
import html
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from connlab.report.page import POLICY

NAMES = ("chromium", "chromium-browser", "google-chrome")
MEASURE = Path(__file__).with_name("measure.js").read_text()
# The protocol's descriptors are those that a child has; what Chromium says besides is of no interest.
PIPES = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'
DOCUMENT = "document.documentElement.outerHTML"


def chromium() -> str:
    """Return the browser; skip the test without one, except where CONNLAB_REQUIRE_CHROMIUM=1 promises one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        missing = f"no browser: none of {', '.join(NAMES)} is installed (`make tools`)"
        if os.environ.get("CONNLAB_REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


@dataclass
class Browser:
    """A running Chromium: requests go to its descriptor 3, answers and events come from its descriptor 4."""

    process: subprocess.Popen[bytes]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    unread: bytes = b""

    def request(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Send a request, of a page's session or of the browser itself, and return its result."""
        message = {"id": next(self.numbers), "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        answer = self.message(lambda said: said.get("id") == message["id"])
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def message(self, wanted) -> dict[str, Any]:
        """Read on until a message is what is wanted."""
        assert self.process.stdout
        while True:
            while b"\0" not in self.unread:
                more = os.read(self.process.stdout.fileno(), 1 << 20)
                assert more, f"the browser has ended, with {self.process.wait()}"
                self.unread += more
            said, _, self.unread = self.unread.partition(b"\0")
            if wanted(answer := json.loads(said)):
                return answer


@contextlib.contextmanager
def running(program: str, profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own; it ends with the block."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
    argv = ["sh", "-c", PIPES, "sh", program, *options, f"--user-data-dir={profile}"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        browser = Browser(process)
        try:
            yield browser
        finally:
            browser.request("Browser.close")


def document(browser: Browser, page: Path, width: int = 800, scheme: str = "light") -> str:
    """Return the document as it is once the browser has laid it out and run what it may run."""
    target = browser.request("Target.createTarget", url="about:blank")["targetId"]
    session = browser.request("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    size = {"width": width, "height": 1200, "deviceScaleFactor": 1, "mobile": False}
    browser.request("Emulation.setDeviceMetricsOverride", session, **size)
    scheme_feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.request("Emulation.setEmulatedMedia", session, features=[scheme_feature])
    browser.request("Page.enable", session)
    browser.request("Page.navigate", session, url=page.as_uri())
    browser.message(
        lambda said: (said.get("method"), said.get("sessionId")) == ("Page.loadEventFired", session)
    )
    result = browser.request("Runtime.evaluate", session, expression=DOCUMENT)["result"]
    browser.request("Target.closeTarget", targetId=target)
    return str(result["value"])


def measure(browser: Browser, page: Path, width: int, scheme: str) -> dict:
    """Return the browser's measures of a page at a window of that width, for a reader of light or dark pages."""
    source = page.read_text(encoding="utf-8")
    assert source.count(escape(POLICY)) == 1, "the policy that forbids scripts is not there"
    copy = page.with_suffix(".measured.html")
    opened = source.replace(escape(POLICY), "default-src * 'unsafe-inline'")
    copy.write_text(opened.replace("</body>", f"<script>{MEASURE}</script></body>"), encoding="utf-8")
    match = re.search(r'<pre id="measured">(.*?)</pre>', document(browser, copy, width, scheme), re.DOTALL)
    assert match, "the browser measured nothing"
    return json.loads(html.unescape(match[1]))
