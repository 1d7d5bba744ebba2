"""A trial as JUnit's XML, which CI servers show: a case for each file and each expectation. Pure: data in, XML out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from connlab.base.output import lines, visible

SUITE = "lab try"


def document(answer: Mapping[str, Any]) -> str:
    """Write the cases of an answer; findings, which fail nothing, are the suite's output."""
    return _written(_suite(answer, SUITE))


def of_kernels(compared: Mapping[str, Any]) -> str:
    """Write a suite for each kernel; one that was not tried has an error in its place."""
    suites = ElementTree.Element("testsuites", name=SUITE)
    for row in compared["kernels"]:
        name = f"{SUITE} on Linux {row['release']}"
        suites.append(
            _suite(row["answer"], name) if row["answer"] else _failed(name, row["status"], row["reason"])
        )
    for suite in suites:
        _count(suite)
    return _text(suites)


def _suite(answer: Mapping[str, Any], name: str) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=name)
    for file in answer["files"]:
        said = "\n".join(f"{message['line'] or ''} {message['text']}".strip() for message in file["messages"])
        words = "" if file["loaded"] is True else f"loaded: {file['loaded']}, exit status {file['exit']}"
        _case(suite, f"{file['path']} loads", words, said)
    for expected in answer["expectations"]:
        _case(suite, expected["text"], "" if expected["holds"] else f"there is: {expected['got']}", "")
    said = "\n".join(f"{each['id']}: {each['text']}" for each in answer["findings"])
    ElementTree.SubElement(suite, "system-out").text = lines(said)
    return suite


def failure(what: str, why: str) -> str:
    """Write the one case of a trial that was none: a file of no known form, no engine, a deadline."""
    return _written(_failed(SUITE, what, why))


def _failed(name: str, what: str, why: str) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=name)
    case = ElementTree.SubElement(suite, "testcase", classname=SUITE, name="the trial")
    ElementTree.SubElement(case, "error", message=visible(what)).text = lines(why)
    return suite


def _case(suite: ElementTree.Element, name: str, failure: str, said: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=SUITE, name=visible(name))
    if failure:
        ElementTree.SubElement(case, "failure", message=visible(failure)).text = lines(said)
    elif said:
        ElementTree.SubElement(case, "system-out").text = lines(said)


def _written(suite: ElementTree.Element) -> str:
    _count(suite)
    return _text(suite)


def _count(suite: ElementTree.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for kind in ("failure", "error"):
        suite.set(f"{kind}s", str(len(suite.findall(f"testcase/{kind}"))))


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'
