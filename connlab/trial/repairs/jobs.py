"""Which repairs are worth a try: what is known for the findings of a trial."""

from __future__ import annotations

from collections.abc import Sequence

from connlab.trial.findings.evidence import Evidence
from connlab.trial.repairs.chain_jobs import of_families, of_order, of_the_dead
from connlab.trial.repairs.job import Found, Job
from connlab.trial.repairs.line_jobs import of_lines

MOST = 16  # each is two or three scenarios


def jobs(evidence: Evidence, found: Sequence[Found]) -> list[Job]:
    """Return what is to be tried for all findings, at most 16."""
    kinds = (of_lines, of_order, of_families, of_the_dead)
    return [job for kind in kinds for job in kind(evidence, found)][:MOST]
