"""What the engine keeps of a lab beside its hosts: the knobs it was given, and what `.env` said then.

It is kept in the labels of a volume of the project, because those of containers cannot change, and a file here would be
on the wrong machine if DOCKER_HOST names another. Labels of a volume cannot change either: each change is a new volume,
and the one with the highest revision counts, so that an interrupted change loses nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connlab.cluster.engine import Refused, client
from connlab.cluster.hosts import PROJECT

REVISION, KNOBS, MENU = "connlab.revision", "connlab.knobs", "connlab.env"


@dataclass(frozen=True)
class Record:
    """The knobs of a lab, CLIENTS being the number that it was last scaled to, and the lines of `.env` at that time."""

    knobs: Mapping[str, str]
    menu: Mapping[str, str]


def read(project: str) -> Record | None:
    """Read the record of a lab; None if there is none that this version understands."""
    for volume in _volumes(project):
        try:
            parts = [json.loads(volume["Labels"][name]) for name in (KNOBS, MENU)]
            return Record(*({str(knob): str(value) for knob, value in part.items()} for part in parts))
        except (KeyError, ValueError, AttributeError):
            continue
    return None


def write(project: str, record: Record) -> None:
    """Keep this record instead of the one before."""
    before = _volumes(project)
    if before and read(project) == record:
        return
    revision = _revision(before[0]) + 1 if before else 1
    labels = {
        PROJECT: project, REVISION: str(revision),
        KNOBS: json.dumps(dict(record.knobs)), MENU: json.dumps(dict(record.menu)),
    }  # fmt: skip
    client().api.create_volume(f"{project}_connlab_{revision}", labels=labels)
    for volume in before:
        with contextlib.suppress(Refused):  # somebody removed it meanwhile
            client().api.remove_volume(volume["Name"])


def _volumes(project: str) -> list[dict[str, Any]]:
    """List the volumes that hold a record, the newest first."""
    labels = [f"{PROJECT}={project}", REVISION]
    entries: list[dict[str, Any]] = client().api.volumes(filters={"label": labels})["Volumes"] or []
    return sorted(entries, key=_revision, reverse=True)


def _revision(volume: Mapping[str, Any]) -> int:
    text = volume["Labels"][REVISION]
    return int(text) if text.isdecimal() else 0
