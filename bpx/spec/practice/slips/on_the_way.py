"""A slip in a cell that nobody sees: what it makes of the gradients at the end."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.spec.practice.cells.cells import Cell, Kind, Values, Workings
from bpx.spec.practice.slips.named_slips import rule_slips


def slips_on_the_way(workings: Workings, right: Values) -> Iterator[tuple[Cell, Mistake, dict[str, Array]]]:
    """Each slip in each cell of the reverse pass, with all cells as they follow from it."""
    for cell in workings.cells.values():
        if cell.kind in (Kind.LOCAL, Kind.CONTRIBUTION, Kind.GRADIENT) and cell.needs:
            with np.errstate(all="ignore"):
                wrong = dict(rule_slips(workings, cell, right))
            for mistake, number in wrong.items():
                if np.shape(number) == np.shape(right[cell.key]) and np.isfinite(number).all():
                    yield cell, mistake, workings.values({cell.key: number})


def named_on_the_way(explained: Collection[tuple[str, Mistake]]) -> tuple[Mistake, ...]:
    """The slip if there is one alone, with its cell if that is one alone too; nothing where several fit."""
    mistakes = {mistake for _, mistake in explained}
    if len(mistakes) != 1:
        return ()
    (mistake,), places = mistakes, {key for key, _ in explained}
    return (mistake.on(f"`{places.pop()}`"),) if len(places) == 1 and not mistake.path else (mistake,)
