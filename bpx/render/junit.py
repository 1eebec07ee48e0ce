"""Test cases as JUnit XML, for the systems that show test results.

One test suite. What failed is a failure, what could not be told is skipped. The elements are those of
https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple
from xml.etree import ElementTree as xml

Outcome = Literal["passed", "failure", "skipped"]


class Case(NamedTuple):
    """A test case, and why it did not pass if it did not."""

    group: str
    name: str
    outcome: Outcome
    message: str = ""
    details: str = ""


class Suite(NamedTuple):
    """The test cases of one run."""

    name: str
    cases: Sequence[Case]


def junit(suite: Suite) -> str:
    """The XML, with a line end at its end."""
    outcomes = [case.outcome for case in suite.cases]
    suites = xml.Element("testsuites")
    root = xml.SubElement(
        suites,
        "testsuite",
        name=suite.name,
        tests=str(len(outcomes)),
        failures=str(outcomes.count("failure")),
        errors="0",
        skipped=str(outcomes.count("skipped")),
    )
    for case in suite.cases:
        element = xml.SubElement(root, "testcase", classname=case.group, name=case.name)
        if case.outcome != "passed":
            xml.SubElement(element, case.outcome, message=case.message).text = case.details
    xml.indent(suites)
    text = xml.tostring(suites, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def in_ascii(text: str) -> str:
    """All but ASCII spelled as character references."""
    return text.encode("us-ascii", "xmlcharrefreplace").decode("us-ascii")
