"""docs/try.schema.json held against what `lab try --json` prints."""

from __future__ import annotations

import functools
import json
from typing import Any

import jsonschema

from connlab.base.settings import HOME

FILE = HOME / "docs/try.schema.json"


@functools.cache
def validator() -> jsonschema.Draft202012Validator:
    """Return the schema's validator; the schema is one itself."""
    schema = json.loads(FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(answer: Any) -> list[str]:
    """Say where an answer is not what the schema says."""
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(answer)]
