"""What is asked of a black box: every row of a table of derivatives, one for each upstream gradient.

A small output has a row for every element. Of a large one random mixtures of the elements are taken.

Convention: the inputs that are derived by are strung together in a point x (N,), whose elements are
called coordinates; tables have shape (R, N). A line leads through the point, along a coordinate or slanting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from bpx.check.function.caller import Caller
from bpx.check.numeric.differences import Estimate, derivative
from bpx.check.numeric.ladder import Function
from bpx.check.numeric.tolerances import MIXED_ROWS, MOST_ONE_HOT, REPEATS
from bpx.check.tasks.lost import WorkerLost
from bpx.graph.arrays import Array, Flags, Indices, Shape
from bpx.words.diagnostic import BpxError, Diagnostic


class BlackBoxLine(NamedTuple):
    """A line through the inputs: `at(x, t)` is its point t, which is x itself for t = `start`."""

    start: float
    at: Callable[[Any, Any], Any]


def coordinate(x: Array, index: int) -> BlackBoxLine:
    """The line along which one element of x changes."""

    def at(x: Any, t: Any) -> Any:
        moved = x.copy()
        moved[index] = t
        return moved

    return BlackBoxLine(float(x[index]), at)


def slanting(direction: Array) -> BlackBoxLine:
    """The line from x in a direction (N,)."""
    return BlackBoxLine(0.0, lambda x, t: x + direction * t)


def random_steps(rng: np.random.Generator, scale: Array) -> Array:
    """Steps of ± [½, 2] of each scale, none of which is next to nothing."""
    return np.asarray(
        rng.choice([-1.0, 1.0], size=len(scale)) * rng.uniform(0.5, 2.0, size=len(scale)) * scale
    )


class BlackBoxRows:
    """The rows, and what the functions say of them.

    `upstreams` (R, size of the output) are their upstream gradients, `mixture` one more of random elements.
    """

    def __init__(self, caller: Caller, rng: np.random.Generator) -> None:
        self.caller, self.notes = caller, list[Diagnostic]()
        # Twice: two runs that differ show that chance plays a part.
        self.output, again = caller.forward(), caller.forward()
        if again.shape != self.output.shape:
            raise BpxError([Diagnostic("output-changes-shape")])
        self.x = _joined([caller.values[i] for i in caller.varied])
        size = self.output.size
        if not size:
            raise BpxError([Diagnostic("empty-array", None, {"name": "output"})])
        self.one_hot = size <= MOST_ONE_HOT
        self.upstreams = np.eye(size) if self.one_hot else rng.normal(size=(MIXED_ROWS, size))
        # Of either sign and away from 0: every row counts, and an upstream taken without its sign shows.
        self.mixture = rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.5, 2.0, size=size)
        self.lost = np.zeros(0, dtype=bool)  # the lines of the last estimate of which a worker lost a point
        self.unclaimed: set[int] = set()
        self.misshapen: dict[int, Array] = {}  # what was claimed, of a shape that is not the input's

    def scatter(self) -> float | None:
        """How far runs at the same values differ; None where no two of the runs so far did."""
        if self.caller.unsteady_at is None:
            return None
        runs = [self.caller.nearby(self.caller.unsteady_at) for _ in range(REPEATS)]
        fitting = [run for run in runs if run is not None and run.shape == self.output.shape]
        return float(np.ptp(np.stack(fitting), axis=0).max()) if len(fitting) > 1 else np.inf

    def unclaimed_notes(self) -> list[Diagnostic]:
        """A note for each input of which nothing is claimed."""
        names = [self.caller.names[i] for i in sorted(self.unclaimed)]
        return [Diagnostic("unclaimed", None, {"name": name}, severity="note") for name in names]

    @property
    def owners(self) -> Indices:
        """The input (N,) that each coordinate belongs to."""
        sizes = [self.caller.values[i].size for i in self.caller.varied]
        return np.repeat(np.array(self.caller.varied, dtype=np.intp), sizes)

    @property
    def claimed_coordinates(self) -> Indices:
        """The coordinates of which something is claimed that has the right shape."""
        return np.flatnonzero(~np.isin(self.owners, [*self.unclaimed, *self.misshapen]))

    def output_index(self, row: int) -> tuple[int, ...] | None:
        """The element of the output that a row is of; None where there is but one, or a row mixes them."""
        if not self.one_hot or not self.output.ndim:
            return None
        return tuple(map(int, np.unravel_index(row, self.output.shape)))

    def values(self, x: Any) -> list[Any]:
        """The values of all inputs at x."""
        values = [*self.caller.values]
        for i, part, shape in self._parts:
            values[i] = x[part].reshape(shape)
        return values

    @cached_property
    def _parts(self) -> list[tuple[int, slice, Shape]]:
        """The inputs that are derived by, and where each stands in x."""
        arrays = [self.caller.values[i] for i in self.caller.varied]
        ends = list(accumulate(array.size for array in arrays))
        parts = map(slice, [0, *ends], ends)
        return [
            (i, part, array.shape) for i, part, array in zip(self.caller.varied, parts, arrays, strict=True)
        ]

    def project(self, output: Any) -> Any:
        """Of an output, every row's sum (R,) of upstream gradient times element."""
        flat = np.ravel(output)
        return flat if self.one_hot else self.upstreams @ flat

    def outputs(self, points: Iterable[Array]) -> Array:
        """The rows' outputs (P, R) at points; nan where the function does not take them."""
        return self._outputs_or_lost(points)[0]

    def _outputs_or_lost(self, points: Iterable[Array]) -> tuple[Array, Flags]:
        """The rows' outputs (P, R) at points, nan where there are none; and which (P,) a worker lost."""
        nothing, values, lost = np.full(len(self.upstreams), np.nan), list[Array](), list[bool]()
        for output in self.caller.nearby_each(map(self.values, points)):
            # A function may refuse a point or change its shape there: both mean that it is no use.
            fits = isinstance(output, np.ndarray) and output.shape == self.output.shape
            values.append(self.project(output) if fits else nothing)
            lost.append(isinstance(output, WorkerLost))
        return np.array(values), np.array(lost, dtype=bool)

    def claims(self) -> Array:
        """All claims (R, N)."""
        return np.array([self.claim(upstream) for upstream in self.upstreams])

    def claim(self, upstream: Array, x: Array | None = None) -> Array:
        """The claims (N,); nan for an input of which nothing, or something of a wrong shape, is claimed."""
        claims = self.caller.backward(
            upstream.reshape(self.output.shape), None if x is None else self.values(x)
        )
        return np.asarray(_joined([self._fitting(i, claims[i]) for i in self.caller.varied]))

    def _fitting(self, input: int, claimed: Array | None) -> Array:
        shape = self.caller.values[input].shape
        if claimed is not None and claimed.shape == shape:
            return claimed
        if claimed is None:
            self.unclaimed.add(input)
        else:
            self.misshapen[input] = claimed
        return np.full(shape, np.nan)

    def output_in_multiprecision(self, x: Any) -> Any:
        """The rows' outputs (R,) for objects of many digits; raises what forward raises."""
        return self.project(self.caller.in_multiprecision(self.values(x)))

    def claim_in_multiprecision(self, upstream: Array, x: Any) -> Any:
        """The claims (N,) for objects of many digits; None where backward does not run on them."""
        try:
            claims = self.caller.claimed_in_multiprecision(
                upstream.reshape(self.output.shape), self.values(x)
            )
            parts = [np.asarray(claims[i], dtype=object) for i in self.caller.varied]
        except Exception:  # whatever it is that a stranger's function does not like about them
            return None
        shapes = [self.caller.values[i].shape for i in self.caller.varied]
        return _joined(parts) if [part.shape for part in parts] == shapes else None

    def estimate(self, lines: Sequence[BlackBoxLine], claimed: Array) -> Estimate:
        """Derivatives of all rows along lines, at their starts, by differences; fields (R, lines).

        `lost` (lines,) says then of which of them a worker lost a point.
        """
        count = len(self.upstreams)
        self.lost = np.zeros(len(lines), dtype=bool)

        def function(points: Array, columns: Indices) -> tuple[Array, Flags]:
            values = np.full(points.shape, np.nan)
            # Nothing will be told of a line that has lost a point.
            here = np.flatnonzero(~self.lost[columns // count])
            owners, rows = np.divmod(columns[here], count)
            # All rows share the points of a line, so that one call of forward serves them all.
            owner, place, at = distinct(np.broadcast_to(owners, (len(points), len(here))), points[:, here])
            calls = zip(owner.tolist(), place.tolist(), strict=True)
            outputs, lost = self._outputs_or_lost(lines[line].at(self.x, t) for line, t in calls)
            self.lost[owner[lost]] = True
            if len(here):
                values[:, here] = outputs[at, rows]
            return values, np.ones(points.shape, dtype=bool)

        starts = np.repeat([line.start for line in lines], count)
        estimate = derivative(function, starts, claimed=claimed.T.ravel(), **self.blindly)
        return Estimate._make(part.reshape(-1, count).T for part in estimate)

    @property
    def blindly(self) -> dict[str, Any]:
        """How differences are taken: there are no guards to tell of kinks."""
        return {"blind": True, "roundoff": self.caller.roundoff}

    def along(self, line: BlackBoxLine, row: int) -> Function:
        """One row as a function of the way along a line."""

        def function(points: Array, columns: Indices) -> tuple[Array, Flags]:
            values = self.outputs(line.at(self.x, t) for t in points.ravel().tolist())
            return values[:, row].reshape(points.shape), np.ones(points.shape, dtype=bool)

        return function


def distinct(lines: Indices, places: Array) -> tuple[Indices, Array, Indices]:
    """The different pairs of line and place (nan is one), in order, and which of them each pair (K, m) is."""
    line, place = lines.ravel(), places.ravel()
    order = np.lexsort((place, line))
    line, place = line[order], place[order]
    same = (line[1:] == line[:-1]) & ((place[1:] == place[:-1]) | np.isnan(place[:-1]))
    new = np.append(True, ~same)[: line.size]
    at = np.empty(line.size, dtype=np.intp)
    at[order] = np.cumsum(new) - 1
    return line[new], place[new], at.reshape(places.shape)


def _joined(arrays: Sequence[Any]) -> Any:
    return np.concatenate([np.ravel(array) for array in arrays]) if arrays else np.empty(0)
