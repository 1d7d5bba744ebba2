"""The verb `kernels`: claims on other kernels, each booted in emulation."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from connlab.base import output, settings
from connlab.base.errors import GaveUp, Usage
from connlab.cli.verbs.options import json_option, print_json


@click.command()
@click.argument("releases", nargs=-1, metavar="[VERSION...]")
@click.option("--claims", default="", metavar="ID,ID", help="Only these claims; all without it.")
@click.option("--list", "only_list", is_flag=True, help="List the kernels that there are, and boot none.")
@json_option
def kernels(releases: Sequence[str], claims: str, only_list: bool, as_json: bool) -> None:
    """Measure claims on the engine's own kernel (`engine`) and Debian's: VERSIONs, `all`, or the newest."""
    from connlab.cli.show import matrix as show
    from connlab.evidence import matrices
    from connlab.kernels import archive, choice, matrix
    from connlab.kernels.claims.registry import CLAIMS
    from connlab.report.run import draw_kernels

    wanted = list(dict.fromkeys(each.strip() for each in claims.split(",") if each.strip())) or list(CLAIMS)
    if unknown := [each for each in wanted if each not in CLAIMS]:
        raise Usage(
            f"no claim is named {', '.join(unknown)}", next_step=f"one or several of {', '.join(CLAIMS)}"
        )
    knobs = settings.read()
    known = [] if set(releases) == {choice.OWN} and not only_list else archive.listing(knobs)
    own = archive.engines_own()
    chosen = choice.choose(releases or [choice.ALL] * only_list, known, own)
    if only_list:
        rows = [kernel._asdict() for kernel in chosen]
        return print_json({"schema": 1, "kernels": rows}) if as_json else show.listing(chosen)
    found = matrix.measure(knobs, chosen, wanted, output.notice)
    found["complete"] = not releases and set(wanted) == set(CLAIMS)
    found["sentences"] = {claim: CLAIMS[claim].sentence for claim in wanted}
    found["contradictions"] = matrix.contradictions(found)
    folder = matrices.keep(found)
    page = draw_kernels(folder)
    print_json(found) if as_json else show.table(found)
    output.notice(f"evidence: {folder}, page: {page}")
    statuses = {row["status"] for row in found["kernels"] if row["where"] == matrix.GUEST}
    sys.exit(1 if found["contradictions"] else GaveUp.status if statuses == {matrix.GAVE_UP} else 0)
