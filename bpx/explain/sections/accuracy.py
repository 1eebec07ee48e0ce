"""How exact the numbers are: rounded where they are shown, and compared with differences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array
from bpx.graph.formula import partial
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.render.plain_data import summary
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.check.quick_check import QuickCheck
    from bpx.check.report.entry import Entry


@dataclass(frozen=True, eq=False)
class Accuracy(Section):
    """What differences say of the gradients; None where they were not asked."""

    check: QuickCheck | None

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self:
        """Every explanation has it."""
        return cls(query.quick_check(options.second) if options.check else None)

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The check, if there was one."""
        if self.check is None:
            return {}
        return {"check": self.check.to_dict()}

    def remarks(self, passes: Passes) -> Iterator[str]:
        """That numbers are rounded where they are, and the check in a line."""
        if any(_is_rounded(row.value, passes.digits) for row in passes.nodes if row.op != "constant"):
            yield say("account.digits")
        if self.check:
            output = passes.names[passes.output]
            yield check_text(self.check, output, passes.digits)
            if self.check.entry and self.check.entry.reason:
                entry = self.check.entry
                yield say(
                    "account.check-entry", entry=_name(output, entry), reason=self.check.entry.reason.text
                )


def _name(output: str, entry: Entry) -> str:
    from bpx.check.report.entry import second_name

    return second_name(output, entry.label, entry.by) if entry.by else partial(output, entry.label)


def check_text(check: QuickCheck, output: str, digits: int = SHOWN_DIGITS) -> str:
    """What differences say of the gradients of a node, in a line."""
    facts = {"entries": check.entries, "of": say("word.derivatives" if check.second else "word.gradient")}
    if check.verdict != "agree":  # skipped, or a verdict
        return say(f"account.check-{check.verdict.replace(' ', '-')}", **facts)
    if check.worst:
        return say(
            "account.check-lost",
            lost=check.lost,
            entry=_name(output, check.worst),
            value=number(check.worst.reference, digits),
            shown=number(check.worst.claimed, digits),
            **facts,
        )
    if math.isinf(check.digits):
        return say("account.check-exact", **facts)
    return say("account.check-agree", **facts, digits=int(check.digits))


def _is_rounded(value: Array, digits: int) -> bool:
    return summary(value) is not None or any(
        float(number(element, digits)) != element for element in value.ravel()
    )
