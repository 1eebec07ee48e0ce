"""A report as test cases, one for each culprit and for each entry, and as the short text of a failed test.

Where there are too many entries each input is one test case. What disagrees is a failure; what nothing can
be said of is skipped, or a failure too where the check is strict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpx.check.report.blocks import (
    answer,
    blame_text,
    blame_title,
    details,
    entry_text,
    label,
)
from bpx.check.report.entry import Entry, Verdict
from bpx.check.report.figures import numbers
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.notes import counts_text
from bpx.check.report.results import MOST_ENTRIES, CheckResults
from bpx.graph.numbers import number
from bpx.render.blocks import title_line
from bpx.render.junit import Case, Outcome, Suite
from bpx.words.say import say, visible

_MOST_CAUSES = 3
_MOST_DETAILS = 2  # lines below a cause
_MOST_INPUTS = 8
_LONGEST_LINE = 110  # characters


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
    key = "check.against" if report.has_numbers else "check.hint-against"
    message = say(key, claimed=claimed, reference=reference) if disagrees else entry.verdict.text
    reason = f"{say('word.colon')}{entry.reason.text}" if entry.reason else ""
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


def short_text(report: CheckResults) -> str:
    """At most 20 lines: 1 + 3 · 3 + 1 for the causes, 8 for the inputs, 1 on how to run it again."""
    lines = [answer(report), *_causes(report), *_inputs(report)]
    if report.again:
        lines.append(say("check.again", command=report.again))
    return "\n".join(map(_cut, lines))


def _causes(report: CheckResults) -> list[str]:
    lines = []
    for culprit in report.blame[:_MOST_CAUSES]:
        lines.append(blame_title(culprit, report.of_code))
        lines += [f"  {line}" for line in list(map(str, details(culprit)))[-_MOST_DETAILS:]]
    more = len(report.blame) - _MOST_CAUSES
    return [*lines, say("check.more-causes", count=more)] if more > 0 else lines


def _inputs(report: CheckResults) -> Sequence[str]:
    """A line for each input, those that do not agree first."""
    lines = []
    for column in sorted(report.columns, key=lambda column: column.worst(1)[0].verdict):
        worst = column.worst(1)[0]
        name = label(report.output, column.input, column.by)
        if worst.verdict is Verdict.AGREE:
            lines.append(say("check.short-agree", name=name, total=sum(column.counts.values())))
            continue
        facts = {"claimed": number(worst.claimed, 6), "reference": number(worst.reference, 6)}
        lines.append(
            say(
                "check.short-odd" if report.has_numbers else "check.hint-short-odd",
                name=name,
                counts=counts_text(column.counts),
                total=f"{sum(column.counts.values()):,}",
                entry=entry_text(report, worst),
                **facts,
            )
        )
    kept = lines[: _MOST_INPUTS - 1] if len(lines) > _MOST_INPUTS else lines
    return [*kept, "…"] if len(kept) < len(lines) else kept


def _cut(line: str) -> str:
    """The line as one line that is not too long."""
    line = line.replace("\n", " ")
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
