"""What a check found out, as marks on the nodes of the graph."""

from __future__ import annotations

from collections.abc import Mapping

from bpx.check.report.entry import Verdict
from bpx.check.report.results import CheckResults
from bpx.render.picture.picture import Mark

_OF_VERDICT = {
    Verdict.DISAGREE: Mark.WRONG,
    Verdict.KINK: Mark.KINK,
    Verdict.CANNOT_TELL: Mark.UNDECIDED,
    Verdict.OUTSIDE_DOMAIN: Mark.UNDECIDED,
}


def marks_of(results: CheckResults) -> Mapping[str, Mark]:
    """Node name → its mark, the gravest that applies.

    A node is the culprit only where the report blames it, and inherits an error only where it says so.
    """
    marks: dict[str, Mark] = {}
    for row in results.local:
        if row.verdict is Verdict.KINK:
            marks[row.node] = Mark.KINK
    for column in results.columns:
        mark = _OF_VERDICT.get(Verdict(int(column.verdicts.min(initial=Verdict.AGREE))))
        if mark:
            marks[column.input] = mark
    heirs = {heir for blame in results.blame for heir in blame.heirs}
    marks |= dict.fromkeys({*results.innocent, *heirs}, Mark.INHERITS)
    return marks | dict.fromkeys(
        (name for blame in results.blame for name in (blame.node, *blame.also)), Mark.CULPRIT
    )
