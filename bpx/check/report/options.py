"""What may be asked of a check."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_EXACT_OPERATIONS
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say


def bad_options(
    points: Any, seed: Any, order: Any, detect: Any, budget: Any = MOST_EXACT_OPERATIONS
) -> list[Diagnostic]:
    """A diagnostic for each option whose value means nothing."""
    return wrong_options(
        points=(points, is_whole(points, 1)),
        seed=(seed, is_whole(seed, 0)),
        order=(order, is_whole(order, 1) and order in (1, 2)),
        detect=(detect, is_number(detect) and 0 < detect < 1),
        budget=(budget, is_whole(budget, 0)),
    )


def wrong_options(**options: tuple[Any, bool]) -> list[Diagnostic]:
    """A diagnostic for each option, a value and whether it is fine, that is not."""
    wrong = {name: value for name, (value, fine) in options.items() if not fine}
    return [Diagnostic(f"bad-{name}", None, {"found": value}) for name, value in wrong.items()]


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
