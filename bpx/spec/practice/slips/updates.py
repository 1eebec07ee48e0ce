"""Slips in a step of gradient descent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.numbers import number
from bpx.spec.practice.cells.cells import Cell, Kind, Values, Workings


def update_slips(workings: Workings, cell: Cell, values: Values) -> Iterator[tuple[Mistake, Array]]:
    """Uphill, no learning rate, no gradient, the step alone, a gradient with parameters updated already."""
    name, key = cell.needs
    old, gradient, rate = np.asarray(values[name]), np.asarray(values[key]), workings.rate or 0.0
    yield Mistake("update-plus"), old + rate * gradient
    yield Mistake("rate-missing"), old - gradient
    yield Mistake.of("both", first=Mistake("rate-missing"), second=Mistake("update-plus")), old + gradient
    yield Mistake("gradient-missing"), old - rate
    yield Mistake("step-alone"), -rate * gradient
    yield Mistake.of("both", first=Mistake("step-alone"), second=Mistake("sign")), rate * gradient
    yield Mistake("rate-divides"), old - gradient / rate if rate else old
    yield Mistake("update-scaled"), old * (1 - rate * gradient)
    yield Mistake("not-updated"), old
    yield from _updated_before(workings, cell, values, rate)


def _updated_before(
    workings: Workings, cell: Cell, values: Values, rate: float
) -> Iterator[tuple[Mistake, Array]]:
    """The gradient at parameters of which one, or all others, have their new values already."""
    name, key = cell.needs
    updates = {other.needs[0]: other for other in workings.cells.values() if other.kind is Kind.UPDATE}
    new = {other: workings.work_out(update, values) for other, update in updates.items() if other != name}
    for changed in ([other] for other in new):
        mixed = workings.values(
            leaves={**_leaves(workings, values), **{other: new[other] for other in changed}}
        )
        facts = {"name": changed[0], "rate": number(rate, 6)}
        yield Mistake.of("updated", **facts), np.asarray(values[name] - rate * mixed[key])
    if len(new) > 1:
        mixed = workings.values(leaves={**_leaves(workings, values), **new})
        facts = {"name": ", ".join(new), "rate": number(rate, 6)}
        yield Mistake.of("updated", **facts), np.asarray(values[name] - rate * mixed[key])


def _leaves(workings: Workings, values: Values) -> dict[str, Array]:
    return {name: np.asarray(values[name]) for name in workings.leaves if name in values}
