"""What several verbs take and give: options, a client's number, JSON."""

from __future__ import annotations

import json

import click

from connlab.base import knob_values
from connlab.base import settings as knobs
from connlab.base.errors import Usage

json_option = click.option("--json", "as_json", is_flag=True, help="Print data instead of a table.")
client_option = click.option("--client", "-c", "number", default="1", help="Number of the client host.")


def whole(name: str, text: str, low: int, high: int) -> int:
    """Read a whole number from `low` to `high`, as typed for `name`. Raises `Usage`."""
    if problem := knob_values.whole(low, high)(text):
        raise Usage(f"{name}={text!r} {problem}")
    return int(text)


def running_lab() -> knobs.Settings:
    """Read the lab's own knobs, whatever .env says by now. Raises `LabError` if there is no lab."""
    from connlab.cluster import lab_knobs

    return lab_knobs.running_settings(knobs.unchecked())


def client_number(text: str) -> int:
    """Read a client host's number as typed. Raises `Usage`."""
    return whole("client", text, 1, 1000)


def print_json(data: object) -> None:
    """Print data for programs on standard output."""
    print(json.dumps(data, indent=2))
