"""Which repairs are worth a try: what is known for the findings of a trial."""

from __future__ import annotations

from collections.abc import Sequence

from connlab.trial.findings.evidence import Evidence
from connlab.trial.repairs.chain_jobs import of_families, of_order, of_the_dead
from connlab.trial.repairs.job import Found, Job
from connlab.trial.repairs.line_jobs import of_lines
from connlab.trial.repairs.rate_jobs import of_rates

MOST = 16  # each is two or three scenarios


def jobs(evidence: Evidence, found: Sequence[Found]) -> tuple[list[Job], list[Job]]:
    """Return what is to be tried for all findings, at most 16, and what is not.

    What changes other rules than those before comes first: on another port the same change mostly does the same.
    """
    kinds = (of_lines, of_rates, of_order, of_families, of_the_dead)
    known = [job for kind in kinds for job in kind(evidence, found)]
    texts = [job.texts for job in known]
    again = [texts[number] in texts[:number] for number in range(len(known))]
    ordered = [known[number] for number in sorted(range(len(known)), key=again.__getitem__)]
    return ordered[:MOST], ordered[MOST:]
