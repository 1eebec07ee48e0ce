"""What is said of each step of a derivation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bpx.check.report.blame import Mistake
from bpx.spec.derivations.graph.sheet import Chain
from bpx.spec.derivations.text.brackets import never_closed
from bpx.spec.derivations.text.written import Written
from bpx.words.diagnostic import Diagnostic, Span
from bpx.words.say import say


class Verdict(StrEnum):
    """The verdict on a step."""

    RIGHT = "right"
    WRONG = "wrong"
    FOLLOWS = "follows"
    CANNOT_TELL = "cannot-tell"
    NOT_READ = "not-read"


@dataclass
class Step:
    """One `=` of a chain: what stands behind it, and what was found.

    `slip` is the place of the slip, the smallest that could be found, `mistake` its kind; `correct` is the
    formula that would be right, `numbers` what was written and what is right at the values given.
    """

    chain: Chain
    span: Span
    verdict: Verdict
    reason: str = ""  # why nothing can be said, or under which assumption it is right
    follows: int | None = None  # the line of the slip that it follows from
    slip: Span | None = None
    mistake: Mistake | None = None
    op: str = ""  # of the graph, at which the slip was made, where that is known
    correct: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> Span:
        """The smallest place that is to be pointed at."""
        return self.slip or self.span

    @property
    def line(self) -> int:
        """The line that it stands in."""
        return self.span.source.position(self.span.start)[0]

    @property
    def position(self) -> tuple[int, int]:
        """Line and column, from 1."""
        return self.place.source.position(self.place.start)


def not_read(chain: Chain, span: Span, code: str, **facts: Any) -> Step:
    """A step that could not be read, and why."""
    return Step(chain, span, Verdict.NOT_READ, reason=say(f"written-step.{code}", **facts))


def unreadable(chain: Chain, text: Written, problems: Sequence[Diagnostic]) -> Step:
    """A step whose formula could not be read: a bracket that is never closed, or the first problem."""
    bracket = never_closed(text)
    if bracket is not None:
        return not_read(
            chain, bracket, "unreadable", reason=say("diagnostic.unclosed-bracket", found=bracket.text)
        )
    return not_read(chain, text.span, "unreadable", reason=problems[0].message if problems else "")
