"""The big run: every source of thousands is judged."""

from __future__ import annotations

import sys

import click

from connlab.base import settings as knobs
from connlab.cli.verbs.options import WholeNumber, json_option, print_json


@click.command("truth-at-scale")
@click.option(
    "--sources", default=1024, type=WholeNumber(1, 2**20), help="How many sources dial, a power of two."
)
@click.option(
    "--in-flight",
    default=1,
    type=WholeNumber(1, 1024),
    help="How many dials of a client are under way at once.",
)
@json_option
def truth_at_scale(sources: int, in_flight: int, as_json: bool) -> None:
    """Dial 20 times from each of many sources, in a lab of its own. Exit code 1 unless each was admitted to 15."""
    from connlab.actions import truth_at_scale as big
    from connlab.base.output import notice
    from connlab.cli.show import scale as show
    from connlab.evidence import big_runs

    answer = big.truth_at_scale(knobs.read(), sources, notice, in_flight)
    folder = big_runs.keep(answer)
    if as_json:
        print_json({**answer, "evidence": f"runs/{folder.name}"})
    else:
        show.screen(answer)
    notice(f"evidence: runs/{folder.name}; make report RUN=runs/{folder.name} draws it")
    if not answer["exact"]:
        sys.exit(1)
