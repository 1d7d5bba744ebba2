"""docs/try.schema.json: what an answer has, for programs; real answers are held against it in tests/trial."""

from __future__ import annotations

from typing import Any

import pytest

from connlab.base.errors import NotFit, interrupted
from connlab.trial.answer import vocabulary
from tests.support.trial_answers import answer, finding, row
from tests.support.trial_schema import problems, validator

SYSCTL = {
    "file": "x.conf", "line": 1, "key": "net.core.somaxconn", "asked": "9", "before": "4096", "after": "9",
    "verdict": ["lower-than-default"], "text": "acts on the server",
}  # fmt: skip
OFFICE = {"port": 443, "people": 2, "each": 3, "got": 3, "per_person": [2, 1], "neighbour": "E3"}
# Another answer, and where it is wrong.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"schema": 2}, "$.schema"),
    ({"ports": [row(family=5)]}, "$.ports[0].family"),
    ({"ports": [{**row(), "limit": -1}]}, "$.ports[0].limit"),
    ({"ports": [row(shared_by="24")]}, "$.ports[0].shared_by"),
    ({"ports": [row(refusal="reset")]}, "$.ports[0].refusal"),
    ({"ports": [row(pattern="E20 X1")]}, "$.ports[0].pattern"),
    ({"ports": [row(live="fine")]}, "$.ports[0].live"),
    ({"ports": [row(frees=0)]}, "$.ports[0].frees"),
    ({"ports": [row(live_tracked="EEE")]}, "$.ports[0].live_tracked"),
    ({"ports": [row(more=1)]}, "$.ports[0]"),
    ({"ports": [{key: value for key, value in row().items() if key != "late"}]}, "$.ports[0]"),
    ({"findings": [finding("unlimted")]}, "$.findings[0].id"),
    ({"findings": [finding("bans", line=0)]}, "$.findings[0].line"),
    ({"sysctls": [{**SYSCTL, "verdict": "applied"}]}, "$.sysctls[0].verdict"),
    ({"sysctls": [{**SYSCTL, "before": 4096}]}, "$.sysctls[0].before"),
    ({"expectations": [{"text": "port 443: 20", "holds": None, "got": "20"}]}, "$.expectations[0].holds"),
    ({"files": [{**answer()["files"][0], "loaded": "no"}]}, "$.files[0].loaded"),
]


def test_an_answer_is_what_the_schema_says():
    """With something in each of its lists."""
    full = answer(
        sysctls=[SYSCTL], offices=[OFFICE], expectations=[{"text": "x", "holds": True, "got": "20"}]
    )
    assert problems(full) == []
    assert problems({key: value for key, value in full.items() if key != "set"}) != []


@pytest.mark.parametrize("error", [NotFit("no engine", next_step="make doctor"), interrupted()])
def test_a_refusal_is_what_the_schema_says(error):
    """The same file is for both."""
    assert problems(error.as_json()) == []
    assert problems({**error.as_json(), "exit": 5}) != []


@pytest.mark.parametrize(("more", "where"), WRONG)
def test_what_is_wrong_is_found_where_it_is(more, where):
    """The control: a schema that takes anything would agree with any answer."""
    assert [problem.partition(":")[0].split(" ")[0] for problem in problems(answer(**more))] == [where]


def test_it_has_the_closed_sets_of_the_code():
    """No finding, verdict or refusal is in one of them alone, and the fields that can be expected are a row's."""
    defs = validator().schema["$defs"]
    fields = {name: list(defs[name]["required"]) for name in ("port", "office")}
    assert fields == {"port": list(vocabulary.PORT_FIELDS), "office": list(vocabulary.OFFICE_FIELDS)}
    assert set(defs["finding"]["properties"]["id"]["enum"]) == {*vocabulary.FINDINGS, *vocabulary.VERDICTS}
    assert defs["sysctl"]["properties"]["verdict"]["items"]["enum"] == list(vocabulary.VERDICTS)
    assert defs["difference"]["properties"]["id"]["const"] == vocabulary.DIFFERENCE
    assert defs["port"]["properties"]["refusal"]["enum"] == list(vocabulary.REFUSALS)
    assert defs["port"]["properties"]["live"]["enum"] == [*vocabulary.LIVES, None]
