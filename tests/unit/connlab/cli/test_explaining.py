"""`lab explain LINE` of what a trial left, where it left less than a trial of rules does."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.in_process import call_lab

SETTING = {"file": "mine.conf", "line": 2, "key": "net.ipv4.tcp_syncookies", "asked": "1"}


def test_a_line_of_kernel_settings_alone_is_explained(tmp_path: Path) -> None:
    """No rule was dialled, so there is no file of exchanges; the line has its setting."""
    answer = {
        "files": [{"path": "mine.conf", "loaded": True}],
        "rules": [],
        "offices": [],
        "sysctls": [SETTING],
    }
    (tmp_path / "try.json").write_text(json.dumps(answer))
    (tmp_path / "rules.json").write_text(json.dumps({"texts": "", "rules": []}))
    (tmp_path / "files").mkdir()
    (tmp_path / "files/1-mine.conf").write_text("# wanted\nnet.ipv4.tcp_syncookies = 1\n")
    explained = call_lab("explain", "--json", "mine.conf:2", "--run", str(tmp_path))
    assert (explained.returncode, explained.stderr) == (0, "")
    found = json.loads(explained.stdout)
    assert (found["sysctls"], found["ways"], found["loaded"]) == ([SETTING], [], True)
