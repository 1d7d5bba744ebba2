"""What several verbs take and give: options, a client's number, JSON."""

from __future__ import annotations

import json
from typing import Any

import click

from connlab.base import knob_values
from connlab.base import settings as knobs
from connlab.base.errors import Usage


class WholeNumber(click.IntRange):
    """Click's whole numbers from `low` to `high`, without what it takes beside digits (`1_000`), in the lab's words."""

    name = "n"  # how help shows it

    def __init__(self, low: int, high: int) -> None:
        super().__init__(low, high)
        self._check = knob_values.whole_number(low, high)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number that was typed. Raises `Usage`."""
        if isinstance(value, str) and (problem := self._check(value)):
            name = param.opts[0].lstrip("-") if param else "number"
            raise Usage(f"{name}={value!r} {problem}")
        return int(value)


json_option = click.option("--json", "as_json", is_flag=True, help="Print data instead of a table.")
client_option = click.option(
    "--client", "-c", default=1, type=WholeNumber(1, 1000), help="Number of the client host."
)


def running_lab() -> knobs.Settings:
    """Read the lab's own knobs, whatever .env says by now. Raises `LabError` if there is no lab."""
    from connlab.cluster import lab_knobs

    return lab_knobs.running_settings(knobs.unchecked())


def print_json(data: object) -> None:
    """Print data for programs on standard output."""
    print(json.dumps(data, indent=2))
