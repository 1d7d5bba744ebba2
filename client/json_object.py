"""A JSON object as a type: the knobs, the fields of a request and of its answer, an attempt."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time typing would cost each start 5 ms
    from typing import Any

    JsonObject = dict[str, Any]
else:
    JsonObject = dict
