"""A report as test cases: one for each culprit and for each entry.

Where there are too many entries each input is one test case. What disagrees is a failure; what nothing can
be said of is skipped, or a failure too where the check is strict.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpx.check.report.blocks import (
    blame_text,
    blame_title,
    entry_text,
    label,
    numbers,
)
from bpx.check.report.entry import Entry, Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.notes import counts_text
from bpx.check.report.results import MOST_ENTRIES, CheckResults
from bpx.render.blocks import title_line
from bpx.render.junit import Case, Outcome, Suite
from bpx.words.say import say, visible


def suite(report: CheckResults) -> Suite:
    """The test cases, under the report's title."""
    cases = [*_culprits(report), *_gradients(report)]
    return Suite(title_line(report.title) or visible(report.output), cases)


def _outcome(report: CheckResults, verdict: Verdict) -> Outcome:
    if verdict is Verdict.AGREE:
        return "passed"
    return "failure" if report.strict or verdict is Verdict.DISAGREE else "skipped"


def _culprits(report: CheckResults) -> Iterator[Case]:
    for culprit in report.blame:
        title = blame_title(culprit, report.of_code)
        group = say("check.claims" if culprit.claim else "check.rules")
        yield Case(group, visible(culprit.subject), "failure", title, blame_text(report))


def _gradients(report: CheckResults) -> Iterator[Case]:
    if report.total > MOST_ENTRIES:
        yield from (_input(report, column) for column in report.columns)
    else:
        yield from (_entry(report, entry) for entry in report.entries)


def _entry(report: CheckResults, entry: Entry) -> Case:
    claimed, reference = numbers(entry)
    disagrees = entry.verdict is Verdict.DISAGREE
    message = say("check.against", claimed=claimed, reference=reference) if disagrees else entry.verdict.text
    reason = f": {entry.reason.text}" if entry.reason else ""
    details = blame_text(report) if disagrees else ""
    return Case(
        _group(report), entry_text(report, entry), _outcome(report, entry.verdict), message + reason, details
    )


def _input(report: CheckResults, column: GradientTable) -> Case:
    verdict = column.worst(1)[0].verdict
    details = blame_text(report) if verdict is Verdict.DISAGREE else ""
    name = label(report.output, column.input, column.by)
    return Case(_group(report), name, _outcome(report, verdict), counts_text(column.counts), details)


def _group(report: CheckResults) -> str:
    return say("check.entries-of", output=report.output)
