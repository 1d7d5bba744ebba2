"""Findings: a closed set, each defined by what was observed. A module here has a group of them, as KINDS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connlab.trial.findings import (
    connections,
    limits,
    loading,
    logs,
    openings,
    own_dials,
    rates,
    refusals,
    sharing,
)
from connlab.trial.findings.evidence import Evidence, Finding, Kind

__all__ = ["KINDS", "Evidence", "findings"]

GROUPS = (loading, limits, openings, sharing, connections, rates, refusals, own_dials, logs)
KINDS: Sequence[Kind] = tuple(kind for group in GROUPS for kind in group.KINDS)  # what matters first


def findings(evidence: Evidence) -> list[dict[str, Any]]:
    """Return `findings[]`, what matters first."""
    return [_entry(kind.id, each) for kind in KINDS for each in kind.find(evidence)]


def _entry(name: str, found: Finding) -> dict[str, Any]:
    file, line = found.line or (None, None)
    row = found.tried.row if found.tried else None
    return {
        "id": name, "file": file, "line": line, "port": row.port if row else None,
        "family": row.family if row else None, "text": found.text, "evidence": found.evidence,
    }  # fmt: skip
