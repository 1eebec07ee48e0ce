"""`NamedGraph` → `Sweep`: many sets of values of its inputs, and the loss of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import SHOWN_DIGITS, number, shape_text
from bpx.passes.query import query_nodes
from bpx.render.chart.chart import point_text
from bpx.train.sweep.axes import SweptEntry, swept_entries
from bpx.train.sweep.descent import Descent, DescentOptions, descended
from bpx.train.sweep.grid import Grid, evaluated
from bpx.train.sweep.result import Sweep
from bpx.words.arguments import checked
from bpx.words.diagnostic import BpxError, Diagnostic


@checked
def sweep(
    spec: NamedGraph,
    over: str | Sequence[str] | Mapping[str, Any],
    *,
    of: str | None = None,
    gradient: bool = False,
    descend: int | None = None,
    rate: float | None = None,
    optimizer: str = "sgd",
) -> Sweep:
    """The scalar output of `spec`, or its node `of`, at all values of `over`.

    `over` are texts such as `"w=-2..2"`, or ranges `(low, high)`, `(low, high, points)` and lists by name, as
    in `{"w[0]": (-2, 2)}`; all inputs keep their values otherwise. `gradient` adds the derivatives by what is
    swept, `descend` the path of so many steps from the values of the spec. Raises `BpxError` where something
    cannot be read, the output is no single number, or no point has a value.
    """
    output, _ = query_nodes(spec, of, None)
    spec = replace(spec, output=output, warnings=())
    options = None if descend is None else DescentOptions(descend, rate, optimizer)
    problems = [] if options is None else options.problems()
    if spec.graph.shapes[output]:
        facts = {"shape": shape_text(spec.graph.shapes[output])}
        problems.append(Diagnostic("sweep-needs-scalar", None, facts))
    entries: list[SweptEntry] = []
    try:
        entries = swept_entries(spec, over)
    except BpxError as error:
        problems += error.diagnostics
    if problems:
        raise BpxError(problems)
    grid = evaluated(spec, entries, gradient)
    if np.isnan(grid.losses).all():
        raise BpxError([Diagnostic("no-point-has-value"), *(problem for _, _, problem in grid.gaps)])
    descent = None if options is None else descended(spec, entries, options)
    return _result(spec, entries, grid, descent, asked=options is not None)


def _result(
    spec: NamedGraph, entries: Sequence[SweptEntry], grid: Grid, descent: Descent | None, asked: bool
) -> Sweep:
    axes = tuple(entry.axis for entry in entries)
    at = np.unravel_index(int(np.nanargmin(grid.losses)), grid.losses.shape)
    lowest = tuple(int(place) for place in at)
    output = spec.names[spec.output]
    slopes = {axis.name: slope for axis, slope in zip(axes, grid.slopes, strict=False)}
    for array in (grid.losses, *slopes.values(), *(axis.values for axis in axes)):
        array.setflags(write=False)  # the result is shared by all its forms
    start = tuple(float(entry.input.value.flat[entry.place]) for entry in entries)
    notes = (
        *_gaps(entries, grid, output),
        *_also_lowest(grid.losses),
        *_at_edge(entries, grid.losses, lowest),
    )
    if descent is None and asked:
        notes += (Diagnostic("no-descent", None, {}, severity="warning"),)
    elif descent is not None and descent.stopped:
        facts = {"steps": len(descent.path.values) - 1, "rate": number(descent.rate, SHOWN_DIGITS)}
        notes += (Diagnostic("descent-stopped", None, facts, severity="warning"),)
    return Sweep(spec.title, output, axes, grid.losses, slopes, lowest, start, descent, notes)


def _gaps(entries: Sequence[SweptEntry], grid: Grid, output: str) -> Iterator[Diagnostic]:
    """Why points have no value, cause by cause."""
    shape = grid.losses.shape
    for count, first, problem in grid.gaps:
        place = tuple(map(int, np.unravel_index(first, shape)))
        facts = {
            "count": count,
            "total": f"{grid.losses.size:,}",
            "output": output,
            "point": point_text([entry.axis for entry in entries], place),
            "reason": problem.message,
        }
        yield Diagnostic("points-without-value", None, facts, severity="note")


def _also_lowest(losses: Array) -> Iterator[Diagnostic]:
    """How many other points have the least value too."""
    others = int((losses == np.nanmin(losses)).sum()) - 1
    if others:
        yield Diagnostic("lowest-shared", None, {"count": others}, severity="note")


def _at_edge(entries: Sequence[SweptEntry], losses: Array, lowest: tuple[int, ...]) -> Iterator[Diagnostic]:
    """The axes at whose end the least value stands although the loss changes along them."""
    names = []
    for axis, (entry, place) in enumerate(zip(entries, lowest, strict=True)):
        line = losses[tuple(slice(None) if at == axis else one for at, one in enumerate(lowest))]
        if place in (0, line.size - 1) and line.size > 1 and np.nanmax(line) > np.nanmin(line):
            names.append(f"`{entry.axis.name}`")
    if names:
        yield Diagnostic("lowest-at-edge", None, {"names": ", ".join(names)}, severity="note")
