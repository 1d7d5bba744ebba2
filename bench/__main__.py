"""`make bench`: the lab side by side with bare Compose and the bare Docker API, and what was promised.

A target that is not met is told, not punished: figures are of a machine and of its load. Exit codes are
the lab's (README.md): 0 measured, 1 failed, 2 usage, 3 not fit, 4 gave up, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from bench import history, report, session
from bench.figures import DENSE
from bench.guard import guarded
from connlab.base.errors import Usage
from connlab.base.knob_values import whole_number
from connlab.base.settings import HOME

SIZES, ONCE = (20, 100), (200,)  # clients: in every round, in the first alone
QUICK = (20,)


def main() -> int:
    """Parse, measure, print; every refusal becomes words and an exit code."""
    arguments = _arguments()
    return guarded("bench", lambda: _measure(arguments))


def _measure(arguments: argparse.Namespace) -> None:
    if problem := whole_number(1, 20)(arguments.rounds):
        raise Usage(f"ROUNDS={arguments.rounds!r} {problem}")
    if arguments.quick:
        samples, document = session.measure([QUICK])
    else:
        turns = [SIZES + ONCE, *[SIZES] * (int(arguments.rounds) - 1)]
        samples, document = session.measure(turns, DENSE)
    # Times alone: what else the machine does is in MemAvailable too, and there it is not the same for all.
    timed = [
        figure for figure in document["figures"] if figure["ratio"] is not None and figure["unit"] == "s"
    ]
    ratios = {figure["key"]: figure["ratio"] for figure in timed}
    document["falls"] = [fall.text() for fall in history.keep("bench", ratios, "less", document["machine"])]
    path = report.save(document)
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        report.table(samples)
        _tell(document)
    print(f"bench: {document['seconds']:g} s; all of it is in {path.relative_to(HOME)}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", default=os.environ.get("ROUNDS") or "3", metavar="N",
                        help="rounds of each journey, as time allows (3, or $ROUNDS)")  # fmt: skip
    parser.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")),
                        help="one round of 20 clients (or QUICK=1)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print data instead of a table")
    return parser.parse_args()


def _tell(document: dict[str, Any]) -> None:
    facts = document["machine"]
    load = (
        "load not known (the engine is elsewhere)" if facts["load"] is None else f"load {facts['load']:.1f}"
    )
    print(
        f"Linux {facts['kernel']}, {facts['cpus']} CPUs, {facts['memory_bytes'] / 1e9:.0f} GB, "
        f"{load}; engine {facts['engine']} on {facts['storage']}; {facts['compose']}"
    )
    for note in document["notes"]:
        print(f"note: {note}")
    for fall in document["falls"]:
        print(f"fell: {fall}")


if __name__ == "__main__":
    sys.exit(main())
