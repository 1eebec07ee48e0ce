"""The evidence on one gradient of a `CheckedGraph`, source by source.

Each source adds what it measured. Which entries it looks at may depend on the verdict on the evidence so
far, because the later sources cost much: many digits only where differences leave an entry open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpx.check.balls import ball_context
from bpx.check.local.rounding_error import rounding_errors
from bpx.check.numeric.tolerances import (
    BESIDE_POINT,
    BESIDE_STEPS,
    EPSILON,
    FULL_DIGITS,
    MOST_SECOND,
    NEARER_BESIDE,
    OTHER_FORMULA,
    PLAIN_ROUNDING,
    REST,
    VISIBLE_GAP,
    WITNESSES,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle
from bpx.check.whole.checked_graph import CheckedGraph, FirstDerivative, FirstKinks, derived_name
from bpx.check.whole.evaluation import Claimed, Evaluation, by_rule
from bpx.check.whole.graph_function import GraphFunction
from bpx.graph.arrays import Array, Indices, of_shape
from bpx.graph.numbers import index_text
from bpx.graph.run import run
from bpx.passes.domain import written


def evaluated(checked: CheckedGraph, name: str, node: int, claimed: Claimed) -> Evaluation:
    """What is claimed of ∂output/∂node, with all the evidence there is on it."""
    [evaluation] = _one_by_one(checked, {name: (node, claimed)})
    return evaluation


def _one_by_one(checked: CheckedGraph, claims: Mapping[str, tuple[int, Claimed]]) -> list[Evaluation]:
    """The evidence on each claim, gathered source by source."""
    # With the reverse sweep of trusted slopes:
    evaluations = [Evaluation(checked, name, node, claimed) for name, (node, claimed) in claims.items()]
    for evaluation in evaluations:
        _domain_boundaries(evaluation)
        _kinks(evaluation)
    _certificates(evaluations)
    for evaluation in evaluations:
        if not evaluation.is_settled:  # as nearly all are, by balls or by slopes with a narrow bar
            for source in (_many_digits, _lost_looks, _formula, _terms, _rules, _rounded_formula):
                source(evaluation)
        _first_derivative(evaluation)
    return evaluations


def all_evaluated(checked: CheckedGraph, claims: Mapping[str, tuple[int, Claimed]]) -> list[Evaluation]:
    """The same of several claims, by name, each with its node."""
    if ball_context.available():
        from bpx.check.whole.certificates import proved_at_once

        at_once = proved_at_once(checked, claims)
        if at_once:
            return at_once
    return _one_by_one(checked, claims)


def _domain_boundaries(evaluation: Evaluation) -> None:
    """Where the reference is not finite there is no derivative, or none that float64 can hold.

    At a kink a rule may have no number either: that of atan2 at the origin.
    """
    checked, claimed = evaluation.checked, evaluation.claimed
    lost = ~np.isfinite(claimed.value) & ~checked.is_smooth(evaluation.node) & claimed.is_rule
    flat = np.flatnonzero(~np.isfinite(evaluation.reference.value) | lost)
    if flat.size:
        obstacle, facts = _domain_obstacle(checked, evaluation.node)
        evaluation.evidence.replace(flat, np.nan, np.nan, obstacle=obstacle)
        evaluation.evidence.facts[obstacle.code] = facts
        finite = flat[np.isfinite(evaluation.part(claimed.value, flat))]
        if finite.size and evaluation.is_input and obstacle == Obstacle.EDGE:
            from bpx.check.whole.nonsmooth import add_slopes_at_edges

            add_slopes_at_edges(evaluation, finite)


def _domain_obstacle(checked: CheckedGraph, node: int) -> tuple[Obstacle, dict[str, Any]]:
    """The node above at the edge of its domain, or else the one whose differences give no slope."""
    spec = checked.query.spec
    above = checked.graph.touched(by=[node], upto=checked.query.output)
    for nonsmooth_node in checked.domain_boundaries:
        if above[nonsmooth_node.node]:
            return Obstacle.EDGE, {"node": written(spec, nonsmooth_node.node)}
    for edge, checked_edge in checked.checked_edges.items():
        if not np.isfinite(checked_edge.reference) and above[edge.consumer]:
            return Obstacle.NO_SLOPE, {"node": written(spec, edge.consumer)}
    return Obstacle.NOT_FINITE, {}


def _kinks(evaluation: Evaluation) -> None:
    """The slopes to either side of entries that a kink bears on."""
    bent = ~evaluation.checked.is_smooth(evaluation.node)
    flat = np.flatnonzero(bent & (evaluation.evidence.obstacle == Obstacle.NONE))
    if flat.size:
        from bpx.check.whole.nonsmooth import add_one_sided_slopes

        add_one_sided_slopes(evaluation, flat)


def _certificates(evaluations: Sequence[Evaluation]) -> None:
    """Proved enclosures, where python-flint is installed: what they decide needs no other source."""
    if ball_context.available():
        from bpx.check.whole.certificates import certify

        certify(evaluations)


def _many_digits(evaluation: Evaluation) -> None:
    """The slopes, in many digits, of an input's entries that are left open, and of some that disagree."""
    if not evaluation.is_input:
        return
    off = evaluation.off
    _add_exact_slopes(evaluation, evaluation.open)
    _add_extended_slopes(evaluation, evaluation.open)
    settled, _ = _add_exact_slopes(evaluation, off[:WITNESSES])
    if (evaluation.verdicts[off[:WITNESSES]] != Verdict.DISAGREE).any():
        settled_later, looked = _add_exact_slopes(evaluation, off[WITNESSES:])
        _by_witnesses(evaluation, off[WITNESSES + looked :], np.concatenate([settled, settled_later]))


def _add_exact_slopes(evaluation: Evaluation, flat: Indices) -> tuple[Indices, int]:
    """Those of these entries that many digits settle, and at how many there was time to look."""
    if not flat.size:
        return flat, 0
    from bpx.check.whole.graph_multiprecision import add_exact_slopes

    return add_exact_slopes(evaluation, flat)


def _add_extended_slopes(evaluation: Evaluation, flat: Indices) -> None:
    """Narrower bars for those of these entries that the budget of many digits did not reach."""
    if flat.size and not evaluation.checked.is_small:
        from bpx.check.whole.graph_multiprecision import add_extended_slopes

        add_extended_slopes(evaluation, flat)


def _by_witnesses(evaluation: Evaluation, flat: Indices, settled: Indices) -> None:
    """Entries that differ as others did that were right, and that were too many to look at.

    A formula of bpx's own that is right wherever it was looked at, in many digits, is right here too.
    """
    right = evaluation.claimed.is_rule and (evaluation.verdicts[settled] == Verdict.AGREE).all()
    evaluation.evidence.put(flat, **({"formula_gap": 0.0} if right else {"unproved": True}))


def _lost_looks(evaluation: Evaluation) -> None:
    """Entries without a bound, where workers that died left slopes of single ops without one."""
    unbounded = np.flatnonzero(np.isinf(of_shape(evaluation.evidence.error, evaluation.evidence.shape)))
    if unbounded.size and evaluation.checked.looks_lost:
        evaluation.evidence.put(unbounded, obstacle=Obstacle.WORKER_LOST)


def _formula(evaluation: Evaluation) -> None:
    """The claim's formula in many digits, where the claim is off: it may have lost its digits."""
    off = evaluation.off
    if not off.size or not evaluation.is_input:
        return
    from bpx.check.whole.graph_multiprecision import right_in_many_digits

    right = right_in_many_digits(evaluation, off)
    if right is not None:
        evaluation.evidence.put(off[right], formula_gap=0.0)
    elif evaluation.claimed.is_rule and not evaluation.checked.has_wrong_rule:
        evaluation.evidence.put(off, unproved=True)


def _terms(evaluation: Evaluation) -> None:
    """How large the terms are, and how much of them rounding may leave in bpx's own gradient.

    Other claims so small, which may be nothing but rounding, are not to pass for 0.
    """
    size = evaluation.term_magnitudes
    evaluation.evidence.scale = size
    evaluation.evidence.rest = REST * EPSILON * size if evaluation.claimed.is_rule else 0.0


def _rules(evaluation: Evaluation) -> None:
    """Where each rule by itself is right, and some lose their digits, the formula they make is right."""
    off = evaluation.off
    if off.size and evaluation.claimed.is_rule and evaluation.checked.digits_lost:
        evaluation.evidence.put(off, formula_gap=0.0)


def _rounded_formula(evaluation: Evaluation) -> None:
    """Numbers that float64 may make of bpx's own formula, which loses its digits at these values.

    Whoever computes a right formula in float64 gets such numbers, and all their digits. Nobody knows if they
    were computed so.
    """
    claimed, checked = evaluation.claimed, evaluation.checked
    own = checked.by_own_rules.gradient(evaluation.node)
    off = np.flatnonzero(evaluation.verdicts != Verdict.AGREE)
    if not off.size or claimed.is_rule or claimed.formula is not None or own is None:
        return
    nodes = checked.graph.needs(of=[own.id])
    values = run(checked.graph, checked.known, nodes)
    rounding = evaluation.part(rounding_errors(checked.graph, nodes, values)[own.id], off)
    number, value = evaluation.part(claimed.value, off), evaluation.part(evaluation.evidence.value, off)
    # Twice: of numbers with so many digits the last is granted, and the rounding of its own.
    in_full = evaluation.part(claimed.tolerance, off) <= 2 * 10.0**-FULL_DIGITS * np.abs(number)
    gap = np.abs(number - value)
    # As in 1 - a^2: nothing has made the rounding of its terms larger, nor are they next to nothing.
    plain = (rounding >= PLAIN_ROUNDING[0] * EPSILON) & (rounding <= PLAIN_ROUNDING[1] * EPSILON)
    may_be = (in_full | (number == 0)) & plain & (gap <= OTHER_FORMULA * rounding)
    evaluation.evidence.put(off[may_be], rounded_formula=True)


# --- second derivatives -------------------------------------------------------------------------


def _first_derivative(evaluation: Evaluation) -> None:
    """Second derivatives where the first one is not what is derived: here, or beside, along that input.

    What rules give at a kink is a convention, and its slope means nothing. In relu(x) * relu(y) at 0, ∂/∂x
    exists, but not at any y > 0, so that it has no derivative by y.
    """
    first, checked, evidence = evaluation.checked.query.first, evaluation.checked, evaluation.evidence
    if first is None:
        return
    if not _has_kinks(first, checked.input_values):
        return
    at_point = CheckedGraph.at(first.query, checked.input_values)
    # An entry at the edge of a domain has that for a reason, which says more.
    flat = np.flatnonzero(np.broadcast_to(evidence.obstacle == Obstacle.NONE, evidence.shape))
    obstacle = _first_obstacle(evaluation, checked.input_values)
    if obstacle:
        _drop(evaluation, flat, obstacle)
        return
    _drop(evaluation, flat[2 * MOST_SECOND :], Obstacle.UNSEEN_BESIDE)
    for entry in flat[: 2 * MOST_SECOND].tolist():
        for side in (-1.0, 1.0):
            beside = _obstacle_beside(evaluation, at_point, entry, side)
            _drop(evaluation, np.array([entry] if beside else [], dtype=int), beside)


def _has_kinks(first: FirstDerivative, input_values: Mapping[int, Array]) -> bool:
    """Is what is derived at a kink, in any order? Rules may leave none of it: those of |x| give 0 twice."""
    if CheckedGraph.at(first.query, input_values).kinks:
        return True
    return first.query.first is not None and _has_kinks(first.query.first, input_values)


def _obstacle_beside(evaluation: Evaluation, at_point: CheckedGraph, entry: int, side: float) -> Obstacle:
    """What keeps the rules from giving the first derivative beside the point, to one side along an entry.

    A kink there counts if it is there still much nearer to the point: |x| (x + y) has one at x = -y, which
    the values at x = 0 do not show.
    """
    place = _beside(at_point, evaluation.node, entry, side * BESIDE_POINT)
    obstacle = _first_obstacle(evaluation, place)
    if obstacle != Obstacle.NO_GRADIENT:
        return obstacle
    query = evaluation.checked.query
    assert query.first is not None
    gap = np.max(_first_kinks(query.first, place).gaps[query.seed != 0])
    # Slopes part in proportion to the distance: no nearer than they can still be told apart.
    share = float(np.clip(VISIBLE_GAP / gap, NEARER_BESIDE, 1.0)) if gap > 0 else 1.0
    nearer = _beside(at_point, evaluation.node, entry, side * share * BESIDE_POINT)
    stays = _first_obstacle(evaluation, nearer) == Obstacle.NO_GRADIENT
    return Obstacle.NO_GRADIENT_BESIDE if stays else Obstacle.UNKNOWN_GRADIENT


def _beside(checked: CheckedGraph, node: int, entry: int, step: float) -> Mapping[int, Array]:
    """Values of the inputs at most a step of max(|x|, 1) away along one entry x, before any further kink.

    Where one lies in any step, it is of an op that keeps its values from 0, as inside of `norm`.
    """
    query, values = checked.query, checked.known
    moved, input_values = np.array(values[node], dtype=float), {**checked.input_values, node: values[node]}
    x = moved.flat[entry]
    points = x + step * max(abs(x), 1.0) * 0.25 ** np.arange(BESIDE_STEPS)
    kinked = [kink.node for kink in checked.kinks]
    function = GraphFunction(checked.graph, query.output, query.seed, input_values, kinked=kinked)
    _, usable = function.coordinates([(node, entry)])(points[:, np.newaxis], np.array([0]))
    moved.flat[entry] = points[usable.argmax()]
    return {**input_values, node: moved}


def _drop(evaluation: Evaluation, flat: Indices, obstacle: Obstacle) -> None:
    """No reference for these entries of a second derivative."""
    if flat.size:
        evaluation.evidence.replace(flat, np.nan, np.nan, obstacle=obstacle)
        evaluation.evidence.facts[obstacle.code] = {"gradient": _first_name(evaluation)}


def _first_name(evaluation: Evaluation) -> str:
    """`∂L/∂x[0]`, or `∂L/∂x` where several of its entries are weighted."""
    query = evaluation.checked.query
    weighted = np.argwhere(query.seed)
    index = index_text(tuple(map(int, weighted[0]))) if len(weighted) == 1 else ""
    return derived_name(query) + index


def _first_obstacle(evaluation: Evaluation, input_values: Mapping[int, Array]) -> Obstacle:
    """What keeps the rules from giving the first derivative at these values."""
    query = evaluation.checked.query
    assert query.first is not None
    obstacles = _first_kinks(query.first, input_values).obstacles[query.seed != 0]
    met = [obstacle for obstacle in _OBSTACLES_OF_FIRST if (obstacles == obstacle).any()]
    return met[0] if met else Obstacle.NONE


# One of these is the obstacle of all, the first that is met.
_OBSTACLES_OF_FIRST = (Obstacle.NO_GRADIENT, Obstacle.OTHER_GRADIENT, Obstacle.UNKNOWN_GRADIENT)


def _first_kinks(first: FirstDerivative, input_values: Mapping[int, Array]) -> FirstKinks:
    """Of each entry that a kink bears on: is the derivative not there, other than the rules', unknown?"""
    key = b"".join(np.ascontiguousarray(value).tobytes() for value in input_values.values())
    if key not in first.kinks:
        checked, node = CheckedGraph.at(first.query, input_values), first.node
        shape = checked.graph.shapes[node]
        obstacles, gaps = np.zeros(shape, dtype=np.int8), np.zeros(shape)
        if first.query.first is not None or (checked.kinks and not checked.is_smooth(node).all()):
            at_point = evaluated(checked, first.query.spec.names[node], node, by_rule(checked, node))
            bent, verdicts = (part.reshape(shape) for part in (at_point.bent, at_point.verdicts))
            obstacles[bent & (verdicts == Verdict.CANNOT_TELL)] = Obstacle.UNKNOWN_GRADIENT
            obstacles[bent & (verdicts == Verdict.DISAGREE)] = Obstacle.OTHER_GRADIENT
            obstacles[np.broadcast_to(at_point.evidence.kink, shape)] = Obstacle.NO_GRADIENT
            if first.query.first is not None:  # what keeps that one from being known keeps this one
                earlier = np.broadcast_to(at_point.evidence.obstacle, shape)
                obstacles[(obstacles == Obstacle.NONE) & (earlier != Obstacle.NONE)] = (
                    Obstacle.UNKNOWN_GRADIENT
                )
                obstacles[earlier == Obstacle.NO_GRADIENT] = Obstacle.NO_GRADIENT
            low, high = at_point.evidence.low, at_point.evidence.high
            size = np.maximum(np.abs(low), np.abs(high))
            apart = np.isfinite(size) & (size > 0)
            gaps = np.broadcast_to(
                np.divide(high - low, size, where=apart, out=np.zeros(np.shape(apart))), shape
            )
        first.kinks[key] = FirstKinks(obstacles, gaps)
    return first.kinks[key]
