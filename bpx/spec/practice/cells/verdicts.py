"""What is said of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bpx.check.report.blame import Mistake
from bpx.words.diagnostic import Diagnostic


class Verdict(StrEnum):
    """What is said of an answer."""

    RIGHT = "right"
    CARRIED = "carried"  # right for the learner's own values above, of which one is wrong
    TRIVIAL = "trivial"  # the same, but the wrong value made the step trivial
    WRONG = "wrong"
    INVALID = "invalid"  # cannot be read, or too coarse to be judged: no try
    EMPTY = "empty"
    MISSED = "missed"  # a mistake that was not found


class Judgement(NamedTuple):
    """An answer judged. `mistakes` are slips that give it; `because` is a wrong cell it is carried from."""

    key: str
    verdict: Verdict
    text: str = ""
    mistakes: tuple[Mistake, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    because: str = ""
    innocent: bool = False  # named as a mistake, though it follows from what is above
    only_here: bool = False  # a formula that holds at the given values alone

    @property
    def counts(self) -> bool:
        """Is it worth its credit?"""
        return self.verdict in (Verdict.RIGHT, Verdict.CARRIED)


@dataclass(frozen=True)
class Judged:
    """The judgements of a sheet, in the order of what it asks."""

    judgements: tuple[Judgement, ...]

    @property
    def right(self) -> int:
        """How many of them are worth their credit."""
        return sum(judgement.counts for judgement in self.judgements)

    @property
    def is_right(self) -> bool:
        """Is everything that was asked right, and nothing else broken?"""
        return all(judgement.counts for judgement in self.judgements)

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What cannot be read or run, and why."""
        return tuple(problem for judgement in self.judgements for problem in judgement.problems)
