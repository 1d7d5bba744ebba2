"""The lines of the agent's stream: a JSON object each, read into a request, or made of an answer (docs/agent.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from client.answers import LISTS
from client.protocol import REQUESTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from client.answers import Answer
    from client.attempt import Attempt
    from client.attempts import Attempts
    from client.fields import Field
    from client.json_object import JsonObject
    from client.protocol import Request

LONGEST_LINE = 2**20  # bytes
LONGEST_ID = 2**53  # whole numbers up to here are the same in every reader of JSON (RFC 8259 6)


class BadRequest(ValueError):
    """The request cannot be carried out as it is written; its text is the answer's `error`."""


def parse(line: bytes) -> JsonObject:
    """Return the JSON object of a line. Raises BadRequest: it is none (NaN is none), or nested too deep."""
    try:
        asked = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise BadRequest(f"expected a line with one JSON object of up to {LONGEST_LINE} bytes")
    return asked


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def read_id(asked: JsonObject) -> object:
    """Return the number or name of a request, which its answers carry. Raises BadRequest for what is neither."""
    number = asked.get("id")
    small = type(number) is int and abs(number) <= LONGEST_ID
    if not (small or number is None or type(number) is str):
        raise BadRequest(f"id: expected a string, a whole number up to {LONGEST_ID} or null")
    return number


def read_request(asked: JsonObject, knobs: JsonObject) -> Request:
    """Return the record of a request, what it leaves out filled in. Raises BadRequest."""
    verb = asked.get("verb")
    if not isinstance(verb, str) or verb not in REQUESTS:
        raise BadRequest(f"verb: expected one of {', '.join(REQUESTS)}, got {verb!r:.80}")
    known: dict[str, Field] = REQUESTS[verb]._field_defaults
    for name in asked:
        if name not in ("id", "verb", *known):
            raise BadRequest(f"{verb} takes no field {name!r}; it takes: {', '.join(known) or 'none'}")
    return REQUESTS[verb](**{name: _value(verb, name, known[name], asked, knobs) for name in known})


def _value(verb: str, name: str, field: Field, asked: JsonObject, knobs: JsonObject) -> Any:
    if name in asked:
        try:
            return field.check(asked[name])
        except ValueError as error:
            raise BadRequest(f"{name}: expected {error}, got {asked[name]!r:.80}") from None
    if field.required:
        raise BadRequest(f"{verb} needs a field {name!r}")
    return knobs[field.knob] if field.knob else field.default


def hello(host: str, address: str | None, monotonic_ns: int) -> JsonObject:
    """Return the first line, which nobody asked for."""
    return {"agent": "connlab", "schema": 1, "host": host, "address": address, "monotonic_ns": monotonic_ns}


def part(number: object, attempt: Attempt) -> JsonObject:
    """Return the line of one attempt of request `number`, which goes on."""
    return {"id": number, "ok": True, "partial": True, "attempt": attempt._asdict()}


def answer_lines(number: object, request: Request, answer: Answer) -> Iterator[JsonObject]:
    """Yield the lines that answer request `number`: attempts in columns, if it asked for them, and the answer.

    A field of `answer` that has its default is left out.
    """
    if isinstance(answer, list):
        yield {"id": number, "ok": True, LISTS[type(request)]: [each._asdict() for each in answer]}
        return
    defaults = answer._field_defaults
    fields = {name: value for name, value in answer._asdict().items() if value != defaults.get(name, ...)}
    attempts: Attempts | None = fields.pop("attempts", None)
    if attempts and getattr(request, "columns", False):
        for columns in attempts.columns():
            yield {"id": number, "ok": True, "partial": True, "columns": columns}
    elif attempts:
        fields["attempts"] = [attempt._asdict() for attempt in attempts.records()]
    yield {"id": number, "ok": True, **fields}


def failure(number: object, error: Exception) -> JsonObject:
    """Return the line that says why request `number` was not carried out."""
    return {"id": number, "ok": False, "error": str(error)}
