"""A repair to be tried for a row, and what shows whether it makes a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connlab.trial.dialling.tried import Tried
from connlab.trial.findings.evidence import Finding
from connlab.trial.repairs.edits import Text

Found = tuple[str, Finding]  # the id of a finding, and what it says
FAMILIES = {4: {"ip", "inet"}, 6: {"ip6", "inet"}}


class Job(NamedTuple):
    """One repair for one row: texts to load after the files; `about`: by a finding's number what shows it."""

    words: str
    texts: Sequence[Text]
    tried: Tried
    about: Mapping[int, str]
