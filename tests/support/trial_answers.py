"""An answer of `lab try` by hand: rows, findings and the rest, for what reads answers and tries nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RULES = """*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 443 -m connlimit --connlimit-above 20 --connlimit-mask 24 -j DROP
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
\t-A INPUT -p tcp -m tcp --dport 443 -j LOG --log-prefix "<b>\x1b[31m"
COMMIT
"""
ALONE = {"took_ms": [4, 4, 4], "alone": 30, "alone_established": 30}
BEYOND = 10  # dials after the last that got in
PATH = "/etc/iptables/rules.v4"
TEXTS = {PATH: RULES}


def row(port: int = 443, family: int = 4, limit: int | None = 20, **more: Any) -> dict[str, Any]:
    """Return a row of `ports[]`; without a limit nobody looks at it."""
    judge = {"file": PATH, "line": 3, "rule": RULES.splitlines()[2]}
    if limit is None:
        judge = {"file": None, "line": None, "rule": "no rule"}
    shut, is_open = limit == 0, limit is None
    return {
        "port": port, "family": family, "from": "any", "via": "eth0", "limit": limit, "cap": 64,
        "shared_by": None if shut or is_open else "/24", "ports": [port], "refusal": "none" if is_open else "silence",
        "decided_by": judge, "pattern": "E64" if is_open else "T10" if shut else f"E{limit} T{BEYOND}",
        "late": None if is_open else "T10", "burst": None if is_open else
        {"dials": (limit or 0) + 10, "established": limit or 0, "refused": 0, "silent": 10},
        "bursts": None if shut or is_open else {"dials": 45, "established": [limit] * 3, **ALONE},
        "loopback": ["E2"], "live": None if shut else "unharmed", "live_untracked": None if is_open else "eeeeeeee",
        "live_tracked": None if is_open else "eeeeeeee", "frees": None if shut or is_open else "at once",
        "again": None if is_open else "T10" if shut else f"E{limit} T{BEYOND}", "witnesses_agree": True, **more,
    }  # fmt: skip


def finding(
    name: str, port: int | None = 443, family: int | None = 4, line: int | None = 3
) -> dict[str, Any]:
    """Return one of `findings[]`."""
    return {
        "id": name, "file": PATH if line else None, "line": line, "port": port, "family": family,
        "text": f"port {port} is so" if port else "it is so", "evidence": "E20 T10", "instead": None,
    }  # fmt: skip


def answer(**more: Any) -> dict[str, Any]:
    """Return an answer; what is given replaces a part of it."""
    texts = [line.strip() for line in RULES.splitlines()]
    rules = [
        {"file": PATH, "line": line, "rule": texts[line - 1], "packets": packets, "decided": packets}
        for line, packets in ((3, 10), (4, 20), (5, 0))
    ]
    return {
        "schema": 1, "kernel": {"release": "6.12.57", "package": None, "uname": None},
        "files": [{"path": PATH, "form": "iptables-save", "loaded": True, "exit": 0, "messages": []}],
        "ports": [row(), row(family=6, limit=None), row(port=8090, limit=0), row(port=8090, family=6, limit=None)],
        "rules": rules,
        "findings": [finding("shared-by-net"), finding("never-reached", None, None, 5)],
        "repairs": {"tried": 0, "not_tried": 0, "why": None},
        "sysctls": [], "offices": [], "expectations": [], "set": [], **more,
    }  # fmt: skip


def doubtful_rows(answer: Mapping[str, Any]) -> list[tuple[int, int, bool | None, list[str]]]:
    """List rows whose witnesses do not agree: port, family, what is said of it, and who contradicts whom."""
    return [
        (each["port"], each["family"], each["witnesses_agree"], each.get("disagreements", []))
        for each in answer["ports"]
        if each["witnesses_agree"] is not True
    ]
