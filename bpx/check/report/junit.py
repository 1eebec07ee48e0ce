"""A report as JUnit XML, for the systems that show test results.

One test suite, with a test case for each culprit and for each entry shown, or for each input where there
are too many entries. What disagrees is a failure; what nothing can be said of is skipped, or a failure too
where the check is strict. The elements are those of https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as xml

from bpx.check.report.blocks import (
    blame_text,
    blame_title,
    counts_text,
    entry_text,
    label,
    numbers,
    title_text,
)
from bpx.check.report.entry import Entry, Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.report import MOST_ENTRIES, Report
from bpx.words.say import say, visible


class Case(NamedTuple):
    """A test case, and why it did not pass if it did not."""

    group: str
    name: str
    verdict: Verdict
    message: str = ""
    details: str = ""


def junit(report: Report, strict: bool = False, escaped: bool = False) -> str:
    """The XML, with a line end at its end; `strict` makes a failure of everything but agreement.

    `escaped` spells all but ASCII as character references.
    """
    cases = [*_culprits(report), *_gradients(report)]
    outcomes = [_outcome(case.verdict, strict) for case in cases]
    suites = xml.Element("testsuites")
    suite = xml.SubElement(
        suites,
        "testsuite",
        name=title_text(report) or visible(report.output),
        tests=str(len(cases)),
        failures=str(outcomes.count("failure")),
        errors="0",
        skipped=str(outcomes.count("skipped")),
    )
    for case, outcome in zip(cases, outcomes, strict=True):
        element = xml.SubElement(suite, "testcase", classname=case.group, name=case.name)
        if outcome:
            xml.SubElement(element, outcome, message=case.message).text = case.details
    xml.indent(suites)
    text = xml.tostring(suites, encoding="us-ascii" if escaped else "utf-8", xml_declaration=False).decode()
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _outcome(verdict: Verdict, strict: bool) -> str:
    if verdict is Verdict.AGREE:
        return ""
    return "failure" if strict or verdict is Verdict.DISAGREE else "skipped"


def _culprits(report: Report) -> Iterator[Case]:
    for one in report.blame:
        title = blame_title(one)
        group = say("check.claims" if one.claim else "check.rules")
        yield Case(group, visible(one.node), Verdict.DISAGREE, title, blame_text(report))


def _gradients(report: Report) -> Iterator[Case]:
    if report.total > MOST_ENTRIES:
        yield from (_input(report, column) for column in report.columns)
    else:
        yield from (_entry(report, entry) for entry in report.entries)


def _entry(report: Report, entry: Entry) -> Case:
    claimed, reference = numbers(entry)
    disagrees = entry.verdict is Verdict.DISAGREE
    message = say("check.against", claimed=claimed, reference=reference) if disagrees else entry.verdict.word
    reason = f": {entry.reason.text}" if entry.reason else ""
    details = blame_text(report) if disagrees else ""
    return Case(_group(report), entry_text(report, entry), entry.verdict, message + reason, details)


def _input(report: Report, column: GradientTable) -> Case:
    verdict = column.worst(1)[0].verdict
    details = blame_text(report) if verdict is Verdict.DISAGREE else ""
    name = label(report, column.input, column.by)
    return Case(_group(report), name, verdict, counts_text(column.counts), details)


def _group(report: Report) -> str:
    return say("check.entries-of", output=report.output)
