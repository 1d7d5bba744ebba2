"""Findings: a closed set, each defined by what was observed. A module here has a group of them, as KINDS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connlab.trial.findings import (
    connections,
    limits,
    loading,
    logs,
    neighbours,
    openings,
    own_dials,
    rates,
    refusals,
    sharing,
)
from connlab.trial.findings.evidence import Evidence, Finding, Kind

__all__ = ["KINDS", "Evidence", "entry", "found"]

GROUPS = (loading, neighbours, limits, openings, sharing, connections, rates, refusals, own_dials, logs)
KINDS: Sequence[Kind] = tuple(kind for group in GROUPS for kind in group.KINDS)  # what matters first


def found(evidence: Evidence) -> list[tuple[str, Finding]]:
    """Return all findings with their ids, what matters first."""
    return [(kind.id, each) for kind in KINDS for each in kind.find(evidence)]


def entry(name: str, finding: Finding, instead: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return one of `findings[]`; `instead` is what would do what was probably meant."""
    file, line = finding.line or (None, None)
    row = finding.tried.row if finding.tried else None
    return {
        "id": name, "file": file, "line": line, "port": row.port if row else None,
        "family": row.family if row else None, "text": finding.text, "evidence": finding.evidence,
        "instead": instead,
    }  # fmt: skip
