"""The path that an optimizer takes from the values of a spec, where only the swept entries move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.render.chart.chart import Path
from bpx.train.optimizers import OPTIMIZERS
from bpx.train.settings import MOST_STEPS, read_choice
from bpx.train.sweep.axes import SweptEntry
from bpx.train.sweep.grid import BatchedLoss
from bpx.words.diagnostic import Diagnostic


class DescentOptions(NamedTuple):
    """How many steps, with which optimizer; a rate of None is the optimizer's own."""

    steps: int
    rate: float | None = None
    optimizer: str = "sgd"

    def problems(self) -> list[Diagnostic]:
        """A diagnostic for each option whose value means nothing."""
        problems: list[Diagnostic] = []
        read_choice(self.optimizer, OPTIMIZERS, "optimizer", problems)
        if not 1 <= self.steps <= MOST_STEPS:
            problems.append(Diagnostic("bad-steps", None, {"found": self.steps, "most": MOST_STEPS}))
        if self.rate is not None and not 0 < self.rate < math.inf:
            problems.append(Diagnostic("bad-learning-rate", None, {"found": self.rate}))
        return problems


class Descent(NamedTuple):
    """Where the steps led, with the gradient at each point; `stopped` where one led to no finite loss."""

    path: Path
    gradients: Array
    optimizer: str
    rate: float
    stopped: bool


@np.errstate(all="ignore")
def descended(spec: NamedGraph, entries: Sequence[SweptEntry], options: DescentOptions) -> Descent | None:
    """The path; None where the loss or its gradient is not finite at the start."""
    choice = read_choice(options.optimizer, OPTIMIZERS, "optimizer", [])
    row = OPTIMIZERS[choice.name]
    rate = row.rate if options.rate is None else options.rate
    update = row.make(**{**row.settings, **choice.settings})
    loss = BatchedLoss(spec, entries, derived=True)
    point = np.array([entry.input.value.flat[entry.place] for entry in entries])
    points, values, gradients = [], [], []
    for _ in range(options.steps + 1):
        at, slopes, _ = loss(point[np.newaxis])
        gradient = np.concatenate(slopes)
        if not (np.isfinite(at).all() and np.isfinite(gradient).all()):
            break
        points.append(point)
        values.append(float(at[0]))
        gradients.append(gradient)
        point = point + update(gradient, point, rate)
    if not points:
        return None
    path = Path(np.array(points), np.array(values))
    return Descent(path, np.array(gradients), choice.name, rate, len(points) <= options.steps)
