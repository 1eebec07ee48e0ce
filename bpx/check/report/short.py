"""A report as a test that fails shows it: so short that it is read."""

from __future__ import annotations

from collections.abc import Sequence

from bpx.check.report.blocks import answer, blame_title, details, entry_text, label
from bpx.check.report.entry import Verdict
from bpx.check.report.notes import counts_text
from bpx.check.report.results import CheckResults
from bpx.graph.numbers import number
from bpx.words.say import say

_MOST_CAUSES = 3
_MOST_DETAILS = 2  # lines below a cause
_MOST_INPUTS = 8
_LONGEST_LINE = 110  # characters


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
                "check.short-odd",
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
    line = " ".join(line.split(" ")).replace("\n", " ")
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
