"""Verdicts where a kink bears on an entry: what is stated must lie between the slopes to either side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.numeric.tolerances import EPSILON, SAFETY_FACTOR
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.verdict import decide
from bpx.check.whole.checked_graph import CheckedGraph, NonsmoothNode
from bpx.check.whole.evaluation import Claimed, Evaluation
from bpx.check.whole.graph_function import Coordinate, GraphFunction
from bpx.check.whole.one_sided import OneSidedSlopes, contradiction, sides
from bpx.graph.formula import formula
from bpx.graph.numbers import DIGITS, number
from bpx.graph.run import run
from bpx.passes.domain import written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.intp]

_MOST_FOLLOWED = 2**26  # elements to compute when entries are followed to either side
_PER_ENTRY = 200  # evaluations that following one entry takes, roughly


def settle(judged: Evaluation, flat: Indices) -> None:
    """Verdicts on the entries `flat`, on which some node that stands at a kink bears.

    Where every choice at the kinks gives the same gradient, that is the derivative: Clarke's generalized
    gradient is then a single one (Clarke, Optimization and Nonsmooth Analysis, Wiley 1983, section 2.2).
    """
    point, flat = judged.point, flat[_matters(judged, flat)]
    if judged.node in point.given and point.elements * _PER_ENTRY * flat.size <= _MOST_FOLLOWED:
        _follow(judged, flat)
    else:
        _bracket(judged, flat)


def _matters(judged: Evaluation, flat: Indices) -> Flags:
    """Where the choice at some kink makes a difference, or a jump leaves nothing certain."""
    spread = judged.part(judged.reference.spread, flat)
    matters: Flags = (spread != 0) | _below_a_jump(judged.point, judged.node)
    return matters | any(_is_flat_beside(judged.point, wall) for wall in _walls_above(judged))


def _walls_above(judged: Evaluation) -> list[NonsmoothNode]:
    """The nodes at kinks that rest on the node that is judged."""
    above = judged.point.graph.touched(by=[judged.node], upto=judged.point.question.output)
    return [wall for wall in judged.point.kinks if above[wall.node]]


def _is_flat_beside(point: CheckedGraph, wall: NonsmoothNode) -> bool:
    """Do the slopes to both sides of a kink fail to tell of it, as those of a comparison, which jumps?"""
    told = np.zeros(point.graph.shapes[wall.node], dtype=bool)
    for edge, one in point.checked.items():
        if edge.consumer == wall.node and isinstance(one.reference_jacobian, DiagonalJacobian):
            told |= one.reference_jacobian.slope.spread != 0
    return bool((wall.mask & ~told).any())


def _follow(judged: Evaluation, flat: Indices) -> None:
    """Follow the whole graph to both sides along each of these entries."""
    point = judged.point
    program = GraphFunction(point.graph, point.question.output, point.question.seed, point.given)
    at = [(judged.node, int(one)) for one in flat]
    found = sides(program, at)
    _between(judged, flat[found.differ], found.of(found.differ))
    # Elsewhere the kinks on the way cancel, and there is a derivative after all.
    smooth = found.of(~found.differ)
    slope, where = (smooth.low + smooth.high) / 2, flat[~found.differ]
    again = decide(judged.near(where, slope), slope, smooth.error, detect=point.question.detect)
    conventional = (again == Verdict.DISAGREE) & _conventional(judged, where)
    again[conventional] = Verdict.KINK
    judged.put(where, again, slope, smooth.error)
    _explain(judged, where[conventional], slope[conventional], slope[conventional], False)


def _conventional(judged: Evaluation, flat: Indices) -> Flags:
    """Where the rules give what some choice at the kinks gives.

    Every rule is right then, but the choices of several do not compose: relu(x) - relu(-x) at 0. Rules
    that a spec states are to be right as they stand: one may count a tie twice.
    """
    value, error, spread = (judged.part(one, flat) for one in judged.reference)
    stated = judged.part(judged.stated.value, flat)
    possible: Flags = np.abs(stated - value) <= spread + SAFETY_FACTOR * error
    custom = judged.point.question.spec.custom
    own = any(judged.point.graph.ops[wall.node].name in custom for wall in _walls_above(judged))
    return possible & (judged.stated.is_rule and not own)


def _between(judged: Evaluation, flat: Indices, found: OneSidedSlopes) -> None:
    """Entries whose slopes to either side differ, or that have none, because the value jumps."""
    claimed, tolerance = (judged.part(one, flat) for one in judged.stated[:2])
    room = SAFETY_FACTOR * found.error + tolerance + 8 * EPSILON * np.abs(claimed)
    fits = found.jump | ((claimed >= found.low - room) & (claimed <= found.high + room))
    fits |= _conventional(judged, flat)
    verdicts = np.where(fits, Verdict.KINK, Verdict.DISAGREE)
    verdicts[~np.isfinite(found.error) & ~found.jump] = Verdict.CANNOT_TELL
    judged.put(flat, verdicts, np.nan, np.nan)
    _explain(judged, flat, found.low, found.high, found.jump)


def _bracket(judged: Evaluation, flat: Indices) -> None:
    """Between which slopes what is stated may lie, as far as the sweep has kept account of it."""
    value, error, spread = (judged.part(one, flat) for one in judged.reference)
    claimed, tolerance = (judged.part(one, flat) for one in judged.stated[:2])
    jump = np.full(flat.shape, _below_a_jump(judged.point, judged.node)) | ~np.isfinite(spread)
    room = np.where(jump, np.inf, spread + SAFETY_FACTOR * error + tolerance)
    verdicts = np.where(np.abs(claimed - value) <= room, Verdict.KINK, Verdict.DISAGREE)
    judged.put(flat, verdicts, np.nan, np.nan)
    _explain(judged, flat, value - spread, value + spread, jump)


def _below_a_jump(point: CheckedGraph, node: int) -> bool:
    """Does a node that jumps at these values depend on `node`? What hangs on it may change at once."""
    above = point.graph.touched(by=[node], upto=point.question.output)
    slopes = [(edge, one.reference_jacobian) for edge, one in point.checked.items() if above[edge.consumer]]
    return any(
        isinstance(slope, DiagonalJacobian) and np.isinf(slope.slope.spread).any() for _, slope in slopes
    )


# --- several claims at once ---------------------------------------------------------------------


def fitted_together(
    point: CheckedGraph, columns: Sequence[GradientTable], stated: Mapping[int, Claimed]
) -> list[GradientTable]:
    """The columns; claims at kinks that each lie between their slopes, but fit no side together, disagree."""
    claims = [_claims_at_kinks(point, one, stated) for one in columns]
    at = [place for places in claims for place in places]
    most = _MOST_FOLLOWED // (_PER_ENTRY * max(1, point.elements))
    if len(at) < 2 or not most:
        return list(columns)
    program = GraphFunction(point.graph, point.question.output, point.question.seed, point.given)
    claimed = np.array([stated[node].value.flat[flat] for node, flat in at])
    tolerance = np.array([stated[node].tolerance.flat[flat] for node, flat in at])
    if not contradiction(program, at, claimed, tolerance, most):
        return list(columns)
    return [_refuted(point, one, places) for one, places in zip(columns, claims, strict=True)]


def _claims_at_kinks(
    point: CheckedGraph, column: GradientTable, stated: Mapping[int, Claimed]
) -> list[Coordinate]:
    node = point.question.spec.nodes[column.input]
    if stated[node].is_rule or node not in point.given:
        return []
    return [(node, flat) for flat in column.between]


def _refuted(point: CheckedGraph, column: GradientTable, places: Sequence[Coordinate]) -> GradientTable:
    if not places:
        return column
    flats, verdicts = [flat for _, flat in places], column.verdicts.copy()
    verdicts.reshape(-1)[flats] = Verdict.DISAGREE
    reason = Reason("beyond-kinks", _wall_facts(point, places[0][0]))
    return replace(column, verdicts=verdicts, reasons={**column.reasons, **dict.fromkeys(flats, reason)})


# --- reasons ------------------------------------------------------------------------------------

_CODES = {
    Verdict.KINK: "at-kink",
    Verdict.DISAGREE: "beyond-kink",
    Verdict.CANNOT_TELL: "unclear-kink",
}


def _explain(judged: Evaluation, flat: Indices, low: object, high: object, jump: object) -> None:
    facts = _wall_facts(judged.point, judged.node) if flat.size else {}
    lows, highs, jumps = (np.broadcast_to(np.asarray(one), flat.shape).tolist() for one in (low, high, jump))
    for one, below, above, jumped in zip(flat.tolist(), lows, highs, jumps, strict=True):
        if jumped:
            judged.reasons[one] = Reason("jump", facts)
            continue
        judged.between[one] = (below, above)
        taken = float(judged.part(judged.stated.value, np.array([one]))[0])
        slopes = {"low": number(below, DIGITS), "high": number(above, DIGITS), "taken": number(taken, DIGITS)}
        code = _CODES[Verdict(int(judged.verdicts.flat[one]))]
        by_rule = code == "at-kink" and judged.stated.is_rule
        judged.reasons[one] = Reason("at-kink-taken" if by_rule else code, {**facts, **slopes})


def _wall_facts(point: CheckedGraph, node: int) -> dict[str, str]:
    """The node that stands at a kink, its guard, and how far from 0 that is."""
    spec, graph = point.question.spec, point.graph
    above = graph.touched(by=[node], upto=point.question.output)
    wall = next((one for one in point.kinks if above[one.node]), point.kinks[0])
    distance, guard = min(_distances(point, wall))
    return {
        "node": written(spec, wall.node),
        "guard": formula(graph, guard, spec.names, open_root=False),
        "distance": number(distance, 3),
    }


def _distances(point: CheckedGraph, wall: NonsmoothNode) -> list[tuple[float, int]]:
    """How far from 0 each kink guard of a node is at the least, and the node that the guard is."""
    graph = point.graph
    args = graph[wall.node].args
    guards = [
        graph.lift(guard.of(*args)).id for guard in graph.ops[wall.node].guards(*args) if guard.kind == "kink"
    ]
    found = run(graph, {**point.given, **point.values}, guards)
    return [(float(np.min(np.abs(found[guard]))), guard) for guard in guards]
