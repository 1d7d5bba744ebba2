"""An nft text with what it includes, on real hosts: the rules of all files, each with its own line."""

from __future__ import annotations

import json

import pytest

from tests.support.in_process import call_lab

pytestmark = pytest.mark.usefixtures("shared_sandboxes")
MAIN = """include "./ports.nft"
table ip f {
  include "rules/*.nft"
  chain in {
    type filter hook input priority 0; policy accept;
    tcp dport $WEB ct state new ct count over 5 reject with tcp reset
    jump more
  }
}
"""
MORE = "chain more {\n # ssh\n tcp dport 22 ct state new ct count over 3 drop\n}\n"


def test_rules_of_an_included_file_decide_by_their_own_line(tmp_path):
    """And what nft says of it names it."""
    main, more = tmp_path / "main.nft", tmp_path / "rules/a.nft"
    more.parent.mkdir()
    main.write_text(MAIN)
    (tmp_path / "ports.nft").write_text("define WEB = 443\n")
    more.write_text(MORE)
    answer = json.loads(call_lab("try", str(main), "--dials", "12", "--json").stdout)
    judges = {row["port"]: row["decided_by"] for row in answer["ports"] if row["family"] == 4}
    assert [(judges[port]["file"], judges[port]["line"]) for port in (443, 22)] == [
        (str(main), 6),
        (str(more), 3),
    ]
    more.write_text(f"{MORE}nonsense\n")
    answer = json.loads(call_lab("try", str(main), "--json").stdout)
    first = answer["files"][0]["messages"][0]
    assert first["line"] == 3
    assert first["text"].startswith(f"{more}:5:")
