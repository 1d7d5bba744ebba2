"""The two sides of the agent's protocol: the lab cannot import client/, so each has records of its own."""

from __future__ import annotations

import dataclasses
from typing import get_type_hints

import pytest

from client import answers as said
from client import messages, protocol
from client.attempt import Attempt
from connlab.agent import answers, requests
from connlab.base import model

# What a person's script may ask and the lab does not.
SCRIPTS_ALONE = {"listen": {"address"}}


@pytest.mark.parametrize("verb", sorted(protocol.REQUESTS.keys() - {"quit"}))
def test_both_sides_name_the_same_fields_of_a_request(verb):
    """Field for field, except what is a script's alone; `quit` is one as a whole."""
    request = protocol.REQUESTS[verb]
    asked = get_type_hints(getattr(requests, request.__name__))
    assert set(asked) == set(request._fields) - SCRIPTS_ALONE.get(verb, set())


@pytest.mark.parametrize(
    ("answer", "record"),
    [
        (Attempt, model.Attempt),
        (said.Talked, answers.Talked),
        (said.Closed, answers.Closed),
        (said.Sent, answers.Sent),
        (said.Received, answers.Received),
        (said.Listener, answers.Listener),
        (said.Accepted, answers.Accepted),
        (said.Resolution, answers.Resolution),
        (said.HostFacts, answers.Facts),
    ],
    ids=lambda kind: kind.__name__,
)
def test_both_sides_name_the_same_fields_of_an_answer(answer, record):
    """In any order: on the wire they are the names of a JSON object."""
    assert set(answer._fields) == {field.name for field in dataclasses.fields(record)}


@pytest.mark.parametrize("verb", ["open", "salvo", "close", "recv", "accept", "churn", "talk"])
def test_both_sides_have_the_same_defaults(verb):
    """How long a request may take is reckoned with them where it says nothing: the same as if it said them."""
    least = {"conn": 1} if verb == "accept" else {}
    request = messages.read_request({"verb": verb, **least}, {"port": 1})
    assert request.timeout_ms == requests.TIMEOUT_MS
    assert requests.allowance(verb, {}) == requests.allowance(verb, request._asdict())
