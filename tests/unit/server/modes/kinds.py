"""The concurrency models of server/modes/, by what they do."""

from __future__ import annotations

import importlib

from tests.support.variations import variations
from tests.unit.server.process import HOME, KNOBS

MODES = sorted(path.stem for path in (HOME / "server/modes").glob("*.py") if path.stem[0] != "_")
MODULES = {mode: importlib.import_module(f"server.modes.{mode}") for mode in MODES}
ECHOING = [mode for mode in MODES if "GREETING" in MODULES[mode].KNOBS]
WITH_HANDLER = [mode for mode in MODES if "HANDLER" in MODULES[mode].KNOBS]
# Clients served at once, of the modes that have a bound: a number, or the knob that has it.
BOUND = {
    mode: int(KNOBS.get(module.SERVED_AT_ONCE, module.SERVED_AT_ONCE))
    for mode, module in MODULES.items()
    if module.SERVED_AT_ONCE is not None
}
UNBOUNDED = [mode for mode in MODES if mode not in BOUND]
# For tests of the supervisor, which does the same in each mode: with processes, workers and threads; others vary it.
SUPERVISED = ["forking", "prefork", "threading"]
SUPERVISED += variations(*(mode for mode in MODES if mode not in SUPERVISED))
