"""Evidence where a kink bears on an entry: the slopes to either side, and what the conventions allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bpx.check.local.elementwise_exact import is_known
from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.numeric.tolerances import (
    EPSILON,
    EVALUATIONS_PER_ENTRY,
    EXACT_EVALUATIONS,
    LARGE_INPUT,
    MOST_FOLLOWED,
    SAFETY_FACTOR,
    SLACK,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle
from bpx.check.whole.checked_graph import CheckedGraph, NonsmoothNode
from bpx.check.whole.evaluation import Evaluation
from bpx.check.whole.generalized import Selections, is_limit
from bpx.check.whole.graph_function import GraphFunction
from bpx.check.whole.one_sided import contradiction, sides
from bpx.graph.arrays import Array, Flags, Indices
from bpx.graph.numbers import number
from bpx.graph.run import run
from bpx.passes.domain import name_or_formula, written

_CODES = (
    "at-kink",
    "beyond-kink",
    "beyond-kinks",
    "unclear-kink",
    "jump",
    "limiting",
    "conventions",
    "conventions-at-kink",
)


def add_one_sided_slopes(evaluation: Evaluation, flat: Indices) -> None:
    """The slopes of the entries `flat`, on which some node that stands at a kink bears.

    Where every choice at the kinks gives the same gradient, that is the derivative: Clarke's generalized
    gradient is then a single one (Clarke, Optimization and Nonsmooth Analysis, Wiley 1983, section 2.2).
    """
    checked, flat = evaluation.checked, flat[_matters(evaluation, flat)]
    if not flat.size:
        return
    evaluation.bent[flat] = True
    facts = _kink_facts(checked, evaluation.node)
    evaluation.evidence.facts.update(dict.fromkeys(_CODES, facts))
    evaluation.evidence.put(flat, conventional=_conventional(evaluation, flat))
    if evaluation.is_input and checked.elements * EVALUATIONS_PER_ENTRY * flat.size <= MOST_FOLLOWED:
        _follow(evaluation, flat)
    else:
        _bracket(evaluation, flat)


def _matters(evaluation: Evaluation, flat: Indices) -> Flags:
    """Where the choice at some kink makes a difference, or a jump leaves nothing certain."""
    checked, spread = evaluation.checked, evaluation.part(evaluation.reference.spread, flat)
    matters: Flags = (spread != 0) | _below_a_jump(checked, evaluation.node)
    return matters | any(_is_flat_beside(checked, kink) for kink in _kinks_above(evaluation))


def _kinks_above(evaluation: Evaluation) -> list[NonsmoothNode]:
    """The nodes at kinks that depend on the node that is evaluated."""
    checked = evaluation.checked
    above = checked.graph.touched(by=[evaluation.node], upto=checked.query.output)
    return [kink for kink in checked.kinks if above[kink.node]]


def _is_flat_beside(checked: CheckedGraph, kink: NonsmoothNode) -> bool:
    """Do the slopes to both sides of a kink fail to tell of it, as those of a comparison, which jumps?"""
    has_spread = np.zeros(checked.graph.shapes[kink.node], dtype=bool)
    for edge, checked_edge in checked.checked_edges.items():
        if edge.consumer == kink.node and isinstance(checked_edge.reference_jacobian, DiagonalJacobian):
            has_spread |= checked_edge.reference_jacobian.slope.spread != 0
    return bool((kink.mask & ~has_spread).any())


def _below_a_jump(checked: CheckedGraph, node: int) -> bool:
    """Does a node that jumps at these values depend on `node`? What hangs on it may change at once."""
    above = checked.graph.touched(by=[node], upto=checked.query.output)
    slopes = [slope for edge, slope in checked.trusted.items() if above[edge.consumer]]
    return any(isinstance(slope, DiagonalJacobian) and np.isinf(slope.slope.spread).any() for slope in slopes)


def _conventional(evaluation: Evaluation, flat: Indices) -> Flags:
    """Where the rules give what some choice at the kinks gives.

    Every rule is right then, but the choices of several do not compose: relu(x) - relu(-x) at 0. Rules
    that a spec states are to be right as they stand: one may count a tie twice.
    """
    value, error, spread = (evaluation.part(part, flat) for part in evaluation.reference)
    claimed = evaluation.part(evaluation.claimed.value, flat)
    # The whole interval counts: which of its points some choice gives is not known.
    possible: Flags = np.abs(claimed - value) <= spread + SAFETY_FACTOR * error
    custom, ops = evaluation.checked.query.spec.custom, evaluation.checked.graph.ops
    own = any(ops[kink.node].name in custom for kink in _kinks_above(evaluation))
    return possible & (evaluation.claimed.is_rule and not own)


def _follow(evaluation: Evaluation, flat: Indices) -> None:
    """Follow the whole graph to both sides along each of these entries.

    Where both slopes are the same the kinks on the way cancel, and there is a derivative after all.
    """
    checked, evidence = evaluation.checked, evaluation.evidence
    # Unguarded: next to a kink every step changes the sign of its guard.
    query, kinked = checked.query, [kink.node for kink in _kinks_above(evaluation)]
    function = GraphFunction(checked.graph, query.output, query.seed, checked.input_values, kinked=kinked)
    slopes = sides(function, [(evaluation.node, entry) for entry in flat.tolist()])
    bent, smooth = slopes.of(slopes.differ), slopes.of(~slopes.differ)
    evidence.put(flat[~slopes.differ], value=(smooth.low + smooth.high) / 2, error=smooth.error)
    evidence.put(flat[slopes.differ], kink=True, value=np.nan, error=np.nan, jump=bent.jump)
    evidence.put(flat[slopes.differ], low=bent.low, high=bent.high, side_error=bent.error)
    # Steps in proportion to a large x stride over jumps of ops such as floor, one after the other.
    large = np.abs(np.ravel(checked.input_values[evaluation.node])[flat]) > LARGE_INPUT
    hidden = ~np.isfinite(slopes.error) | large
    _follow_in_many_digits(evaluation, flat[hidden], function)


def add_slopes_at_edges(evaluation: Evaluation, flat: Indices) -> None:
    """The slopes of entries below the edge of some domain, where the whole goes on to both sides.

    sqrt(a^2 + b^2)^2 has one at 0, though sqrt has none.
    """
    checked, evidence = evaluation.checked, evaluation.evidence
    if checked.elements * EVALUATIONS_PER_ENTRY * flat.size > MOST_FOLLOWED:
        return
    function = GraphFunction(checked.graph, checked.query.output, checked.query.seed, checked.input_values)
    slopes = sides(function, [(evaluation.node, entry) for entry in flat.tolist()])
    smooth = ~slopes.differ & np.isfinite(slopes.error) & ~slopes.jump
    value = (slopes.low + slopes.high)[smooth] / 2
    error = np.maximum(slopes.error, slopes.high - slopes.low)[smooth]
    flatly = (slopes.low == 0) & (slopes.high == 0)
    evidence.put(flat[smooth], value=value, error=error, flat=flatly[smooth], obstacle=Obstacle.NONE)


def _follow_in_many_digits(evaluation: Evaluation, flat: Indices, function: GraphFunction) -> None:
    """The same in many digits, where float64 has no steps between two kinks, as at a large whole number."""
    from bpx.check.numeric import multiprecision_slopes

    checked, evidence = evaluation.checked, evaluation.evidence
    most = checked.query.budget // (EXACT_EVALUATIONS * max(1, checked.operations))
    for entry in flat[:most].tolist():
        x = float(checked.input_values[evaluation.node].flat[entry])
        along = function.in_multiprecision((evaluation.node, entry), checked.lifted)
        slope = multiprecision_slopes.slope(along, x)
        if slope is not None and slope.edge:
            evidence.put(entry, kink=True, jump=True, value=np.nan, error=np.nan)
        elif slope is not None and slope.kink:
            low, high = sorted((slope.left, slope.right))
            evidence.put(entry, kink=True, value=np.nan, error=np.nan, jump=False)
            evidence.put(entry, low=low, high=high, side_error=slope.error)
        elif slope is not None and is_known(slope):
            evidence.put(entry, kink=False, value=slope.value, error=EPSILON * abs(slope.value))


def _bracket(evaluation: Evaluation, flat: Indices) -> None:
    """Between which slopes the claim may lie, as far as the sweep has followed it."""
    value, error, spread = (evaluation.part(part, flat) for part in evaluation.reference)
    jump = ~np.isfinite(spread) | _below_a_jump(evaluation.checked, evaluation.node)
    spread = np.where(np.isfinite(error), spread, np.inf)  # then the slopes lie anywhere
    evaluation.evidence.put(flat, kink=True, value=np.nan, error=np.nan, jump=jump, conventional=False)
    side_error = np.where(np.isfinite(error), error, 0.0)
    evaluation.evidence.put(flat, low=value - spread, high=value + spread, side_error=side_error)


# --- several claims at once ---------------------------------------------------------------------


def check_claims_together(checked: CheckedGraph, evaluations: Sequence[Evaluation]) -> None:
    """Do claims at kinks that each lie between their slopes fit no side when they are taken together?"""
    # Bpx's own gradient is no claim: its choices at several kinks need not fit one side.
    stated = (evaluation for evaluation in evaluations if not evaluation.claimed.is_rule)
    claims = [(evaluation, _at_kinks(evaluation)) for evaluation in stated]
    together = _Together(checked, claims)
    # A single claim has been compared with its own slopes already.
    if len(together.at) > 1 and together.contradict():
        together.put(contradiction=True)


def check_limits(checked: CheckedGraph, evaluations: Sequence[Evaluation]) -> None:
    """Are entries that are not between the slopes along their axes the gradient right beside the point?

    |x + y| - |x - y| has the slope 0 along both axes at 0, and the gradient (2, 0) to the right of it.
    """
    if not any(evaluation.bent.any() for evaluation in evaluations):
        return
    for own in (False, True):
        group = [part for part in evaluations if part.is_input and part.claimed.is_rule == own]
        claims = [(evaluation, np.flatnonzero(evaluation.bent)) for evaluation in group]
        wrong = any(np.isin(part.entries_with(Verdict.DISAGREE), flat).any() for part, flat in claims)
        together = _Together(checked, claims)
        if wrong and is_limit(checked, together.at, together.claimed, together.written):
            together.put(limiting=True)


class _Together:
    """Entries of several gradients, and what is claimed of them."""

    def __init__(self, checked: CheckedGraph, claims: Sequence[tuple[Evaluation, Indices]]) -> None:
        self.checked, self.claims = checked, claims
        self.at = [(evaluation.node, entry) for evaluation, flat in claims for entry in flat.tolist()]
        self.claimed = self._joined(lambda evaluation: evaluation.claimed.value)
        self.written = self._joined(lambda evaluation: evaluation.claimed.tolerance)

    def _joined(self, field: Callable[[Evaluation], Array]) -> Array:
        parts = [evaluation.part(field(evaluation), flat) for evaluation, flat in self.claims]
        return np.concatenate([*parts, np.zeros(0)])

    def put(self, **measured: bool) -> None:
        """Write down what holds of all of them."""
        for evaluation, flat in self.claims:
            evaluation.evidence.put(flat, **measured)

    def contradict(self) -> bool:
        """Are the claims the gradient of no side, nor a mixture of sides?"""
        slack = SLACK * self.checked.query.detect * np.abs(self.claimed)
        if Selections(self.checked, self.at).exclude(self.claimed, slack, self.written):
            return True
        inputs = [node in self.checked.input_values for node, _ in self.at]
        return all(inputs) and self._contradict_along_lines()

    def _contradict_along_lines(self) -> bool:
        checked = self.checked
        most = MOST_FOLLOWED // (EVALUATIONS_PER_ENTRY * max(1, checked.elements))
        function = GraphFunction(
            checked.graph, checked.query.output, checked.query.seed, checked.input_values
        )
        return (
            most > 0
            and contradiction(function, self.at, self.claimed, self.written, most)
            and not is_limit(checked, self.at, self.claimed, self.written)
        )


def _at_kinks(evaluation: Evaluation) -> Indices:
    """The entries with slopes to either side."""
    evidence = evaluation.evidence
    return np.flatnonzero(np.broadcast_to(evidence.kink & ~np.asarray(evidence.jump), evidence.shape))


# --- facts --------------------------------------------------------------------------------------


def _kink_facts(checked: CheckedGraph, node: int) -> dict[str, str]:
    """The node that stands at a kink, its guard, and how far from 0 that is."""
    graph = checked.graph
    spec = replace(checked.query.spec, graph=graph)  # which has the nodes of guards, too
    above = graph.touched(by=[node], upto=checked.query.output)
    kink = next((kink for kink in checked.kinks if above[kink.node]), checked.kinks[0])
    distance, guard = min(_distances(checked, kink))
    return {
        "node": written(spec, kink.node),
        "guard": name_or_formula(spec, guard),
        "distance": number(distance, 3),
    }


def _distances(checked: CheckedGraph, kink: NonsmoothNode) -> list[tuple[float, int]]:
    """How far from 0 each kink guard of a node is at the least, and the node that it is for people."""
    graph = checked.graph
    args = graph[kink.node].args
    guards = [
        (graph.lift(guard.of(*args)).id, graph.lift(guard.written(*args)).id)
        for guard in graph.ops[kink.node].guards(*args)
        if guard.kind == "kink"
    ]
    values = run(graph, checked.known, [exact for exact, _ in guards])
    return [(float(np.min(np.abs(values[exact]))), shown) for exact, shown in guards]
