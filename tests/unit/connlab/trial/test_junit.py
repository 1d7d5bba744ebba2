"""A trial as a CI server reads it: what fails the exit code fails a case, and nothing else does."""

from __future__ import annotations

from xml.etree import ElementTree

from connlab.trial.answer import junit
from tests.support.trial_answers import PATH, answer

HOSTILE = "</testcase>\x1b[31m\x00\ud800]]>"


def test_files_and_expectations_are_cases():
    """One that did not load, or not all of it, and one that does not hold fail; findings fail nothing."""
    part = {
        "path": "b.sh",
        "form": "shell",
        "loaded": "partly",
        "exit": 0,
        "messages": [{"line": 3, "text": "no chain"}],
    }
    expectations = [
        {"text": "port 443: 20", "holds": True, "got": "20"},
        {"text": "port 443: 9", "holds": False, "got": "20"},
    ]
    tried = answer(files=[*answer()["files"], part], expectations=expectations)
    suite = ElementTree.fromstring(junit.document(tried))
    assert (suite.tag, suite.attrib) == (
        "testsuite",
        {"name": "lab try", "tests": "4", "failures": "2", "errors": "0"},
    )
    cases = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
    assert [name for name, failure in cases.items() if failure is None] == [f"{PATH} loads", "port 443: 20"]
    assert cases["b.sh loads"].attrib == {"message": "loaded: partly, exit status 0"}
    assert cases["b.sh loads"].text == "3 no chain"
    assert cases["port 443: 9"].attrib == {"message": "there is: 20"}
    assert "shared-by-net: port 443 is so" in suite.findtext("system-out")


def test_a_trial_that_was_none_is_an_error():
    """So that a CI server does not take no file, or an old one, for success."""
    suite = ElementTree.fromstring(junit.failure("x.rules says nothing", "it is empty"))
    assert suite.attrib == {"name": "lab try", "tests": "1", "failures": "0", "errors": "1"}
    error = suite.find("testcase/error")
    assert (error.get("message"), error.text) == ("x.rules says nothing", "it is empty")


def test_each_kernel_is_a_suite():
    """Its cases as those of a trial; one that was not tried is an error."""
    rows = [
        {"release": "6.12.57", "answer": answer(), "status": "tried", "reason": ""},
        {"release": "5.10.257", "answer": None, "status": "cannot run", "reason": "404  Not Found"},
    ]
    suites = ElementTree.fromstring(junit.of_kernels({"kernels": rows})).findall("testsuite")
    assert [each.get("name") for each in suites] == ["lab try on Linux 6.12.57", "lab try on Linux 5.10.257"]
    assert [each.get("errors") for each in suites] == ["0", "1"]
    assert suites[0].find("testcase").get("name") == f"{PATH} loads"
    assert suites[1].find("testcase/error").text == "404  Not Found"


def test_words_of_files_are_text_of_the_document():
    """Also what XML has no letter for."""
    file = {
        "path": HOSTILE,
        "form": "shell",
        "loaded": False,
        "exit": 1,
        "messages": [{"line": None, "text": HOSTILE}],
    }
    tried = answer(
        files=[file], expectations=[{"text": HOSTILE, "holds": False, "got": HOSTILE}], findings=[]
    )
    for text in (junit.document(tried), junit.failure(HOSTILE, HOSTILE)):
        suite = ElementTree.fromstring(text)
        assert {element.tag for element in suite.iter()} <= {
            "testsuite",
            "testcase",
            "failure",
            "error",
            "system-out",
        }
        assert r"</testcase>\x1b[31m\x00\ud800]]>" in "".join(suite.itertext())
