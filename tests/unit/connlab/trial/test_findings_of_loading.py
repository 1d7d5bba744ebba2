"""What is said of a file of which a part is not in force."""

from __future__ import annotations

from typing import Any

import pytest

from connlab.trial.files.forms import Input
from connlab.trial.files.texts import of_its_bytes
from connlab.trial.findings.loading import loads_partly
from tests.support.trials import evidence, ruleset

LIST_ENDED = {"status": 2, "calls": [{"status": 0}, {"status": 2}]}
WENT_ON = {"status": 0, "calls": [{"status": 2}, {"status": 0}]}


def said(
    form: str, lines: list[int | None], told: dict[str, Any] | None = None
) -> list[tuple[str, int | None]]:
    """Return the texts and lines of the findings about a file whose messages are of these lines."""
    messages = [{"line": line, "text": f"no {line}"} for line in lines]
    file = {"path": "a", "form": form, "loaded": "partly", "exit": 2, "messages": messages}
    of_one = evidence(ruleset("drop"))
    runs = [(Input("a", form, ""), told)] if told else []
    of_one.loaded = of_one.loaded._replace(files=[file], runs=runs)
    found = loads_partly(of_one)
    return [(each.text, each.line.line if each.line else None) for each in found]


@pytest.mark.parametrize(
    ("form", "lines", "told", "text"),
    [
        ("shell", [14, None], LIST_ENDED, "this failed, then the script ended with status 2: no 14"),
        ("shell", [3, None], WENT_ON, "this failed: no 3"),
        ("shell", [3, 4, 5], WENT_ON, "lines 3, 4 and 5 failed; line 3: no 3"),
        ("ufw", [None, 9], None, "this was refused, so its table and what comes after it are not in force: no 9"),
        ("shell", [None], WENT_ON, "only a part was loaded: no None"),
    ],
)  # fmt: skip
def test_it_is_said_once_and_nothing_of_what_is_not_known(form, lines, told, text):
    """That all else is in force is known of no script that ended in the middle."""
    ((found, _),) = said(form, lines, told)
    assert found == text


def test_what_takes_a_cr_out_is_said_as_a_command():
    """Also for a name with blanks, and for standard input."""
    assert "sed -i 's/\\r$//' 'a b.rules'" in of_its_bytes(Input("a b.rules", "nft", "x\r\n"))[0]
    assert "tr -d '\\r'" in of_its_bytes(Input("-", "nft", "x\r\n"))[0]
    assert "sed -i '1s/^\\xef\\xbb\\xbf//' a" in of_its_bytes(Input("a", "nft", "\ufeffx\n"))[0]
