"""What may be asked of a check."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from numbers import Real
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_EXACT_OPERATIONS, MOST_JOBS, MOST_POINTS
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say


class HintLevel(IntEnum):
    """How much a report says of what is wrong; each level says more than the one before.

    Below `FORMULA` nothing in it gives the answer away, in any form; `NUMBERS` is the whole report.
    """

    PLACE = 1  # the node, the claim or the line
    KIND = 2  # the step of the chain rule, and what kind of slip it is
    PATTERN = 3  # the slip in words, and the same slip in other numbers
    FORMULA = 4  # what would be right
    NUMBERS = 5  # the right numbers, and how far off the claimed ones are


def hint_level(level: int) -> HintLevel:
    """The level of this number. Raises `BpxError` for another."""
    problems = bad_hint(level)
    if problems:
        raise BpxError(problems)
    return HintLevel(level)


def bad_hint(level: Any) -> list[Diagnostic]:
    """A diagnostic where there is no such level."""
    return wrong_options(hint=(level, is_whole(level, 1) and level <= max(HintLevel)))


def bad_options(
    points: Any, seed: Any, order: Any, detect: Any, budget: Any = MOST_EXACT_OPERATIONS
) -> list[Diagnostic]:
    """A diagnostic for each option whose value means nothing."""
    return wrong_options(
        points=(points, is_whole(points, 1) and points <= MOST_POINTS),
        seed=(seed, is_whole(seed, 0)),
        order=(order, is_whole(order, 1) and order in (1, 2)),
        detect=(detect, is_number(detect) and 0 < detect < 1),
        budget=(budget, is_whole(budget, 0)),
    )


def bad_jobs(jobs: Any) -> list[Diagnostic]:
    """A diagnostic where this is no number of processes."""
    fine = is_whole(jobs, 1) and jobs <= MOST_JOBS
    return [] if fine else [Diagnostic("bad-jobs", None, {"found": jobs, "most": MOST_JOBS})]


def wrong_options(**options: tuple[Any, bool]) -> list[Diagnostic]:
    """A diagnostic for each option, a value and whether it is fine, that is not."""
    wrong = {name: value for name, (value, fine) in options.items() if not fine}
    most = {"points": MOST_POINTS}
    return [
        Diagnostic(f"bad-{name}", None, {"found": value, "most": most.get(name)})
        for name, value in wrong.items()
    ]


def is_whole(value: Any, least: int) -> bool:
    """Is it an integer that is at least so large?"""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)


def is_number(value: Any) -> bool:
    """Is it a real number?"""
    return isinstance(value, Real) and not isinstance(value, bool)


def unknown_options(names: Iterable[str], known: Iterable[str]) -> list[Diagnostic]:
    """A diagnostic for each name that is no option."""
    known = sorted(known)
    facts = {"known": say("word.list").join(known)}
    return [
        Diagnostic("unknown-option", None, {"name": name, **facts}, "options-are").suggesting(name, known)
        for name in names
        if name not in known
    ]
