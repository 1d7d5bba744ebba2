"""The verb `kernels`: claims on other kernels, each booted in emulation."""

from __future__ import annotations

from collections.abc import Sequence

import click

from connlab.base import output, settings
from connlab.base.errors import Usage
from connlab.cli.verbs.options import json_option, print_json


@click.command()
@click.argument("releases", nargs=-1, metavar="[VERSION...]")
@click.option("--claims", default="", metavar="ID,ID", help="Only these claims; all without it.")
@click.option("--list", "only_list", is_flag=True, help="List the kernels that there are, and boot none.")
@json_option
def kernels(releases: Sequence[str], claims: str, only_list: bool, as_json: bool) -> None:
    """Measure claims on Debian's kernels, booted in emulation: VERSIONs, `all`, or the newest of each suite."""
    from connlab.cli.show import matrix as show
    from connlab.kernels import archive, matrix, matrix_record
    from connlab.kernels.claims.registry import CLAIMS

    wanted = [each.strip() for each in claims.split(",") if each.strip()] or list(CLAIMS)
    if unknown := [each for each in wanted if each not in CLAIMS]:
        raise Usage(
            f"no claim is named {', '.join(unknown)}", next_step=f"one or several of {', '.join(CLAIMS)}"
        )
    knobs = settings.read()
    known = archive.listing(knobs)
    if only_list:
        rows = [kernel._asdict() for kernel in known]
        return print_json({"schema": 1, "kernels": rows}) if as_json else show.listing(known)
    found = matrix.measure(knobs, archive.choose(releases, known), wanted, output.notice)
    against = matrix.contradictions(found)
    found["contradictions"] = against
    folder = matrix_record.keep(found)
    if as_json:
        print_json(found)
    else:
        show.table(found, {claim: CLAIMS[claim].sentence for claim in wanted}, against)
    output.notice(f"evidence: {folder}")
    click.get_current_context().exit(1 if against else 0)
