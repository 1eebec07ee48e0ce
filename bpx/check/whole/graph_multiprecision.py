"""The whole graph in more digits: slopes of entries that differences leave open, or seem to refute.

In many digits where the graph is small enough. Of a large one, in the extended precision of the processor:
of a million entries some have cancelled to a ten-millionth of their terms, and float64 leaves these open.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.check.local.elementwise_exact import is_known, is_right, rounded_slope
from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.multiprecision_slopes import MultiprecisionSlope
from bpx.check.numeric.tolerances import (
    COMPLEX_STEP,
    EPSILON,
    EXACT_EVALUATIONS,
    EXTENDED_LOOK_OPERATIONS,
    EXTENDED_SHARE,
    LARGEST_EXTENDED_EPSILON,
    MOST_EXACT_ELEMENTS,
    MOST_EXTENDED_OPERATIONS,
    MULTIPRECISION_DIGITS,
    SAFETY_FACTOR,
    STILL_SHARE,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle
from bpx.check.report.verdict import verdict
from bpx.check.tasks.looks import looked
from bpx.check.tasks.lost import WorkerLost
from bpx.check.whole.evaluation import Evaluation
from bpx.check.whole.graph_function import GraphFunction
from bpx.graph.arrays import Array, Flags, Indices
from bpx.graph.graph import Graph
from bpx.graph.run import run


def add_exact_slopes(evaluation: Evaluation, flat: Indices) -> tuple[Indices, int]:
    """Take up the entries `flat` again: all at once where that can be certified, else one by one.

    Returns those whose slope is known now, and how many were looked at, as the budget allows.
    """
    claims = _Claims(evaluation)
    gradient = evaluation.exact_gradient
    together = [entry for entry in flat.tolist() if gradient and claims.add(entry, gradient.slope(entry))]
    others = np.setdiff1d(flat, np.array(together, dtype=np.intp))
    alone, count = _one_by_one(evaluation, claims, others)
    return np.array([*together, *alone], dtype=np.intp), len(together) + count


def _one_by_one(evaluation: Evaluation, claims: _Claims, flat: Indices) -> tuple[list[int], int]:
    """The entries that differences along each of them settle, and how many were looked at."""
    checked = evaluation.checked
    if not evaluation.is_input:
        evaluation.evidence.put(flat, beyond_budget=not evaluation.exact_affordable)
        return [], len(flat)
    cost = EXACT_EVALUATIONS * max(1, checked.operations)
    most = checked.query.budget // cost
    entries, settled = flat[:most].tolist(), []
    slopes = looked(_exact_slopes, _Along.of(evaluation), entries, cost)
    for entry, slope in zip(entries, slopes, strict=True):
        if isinstance(slope, WorkerLost):
            evaluation.evidence.replace(entry, np.nan, np.nan, obstacle=Obstacle.WORKER_LOST)
        elif slope is not None and claims.add(entry, slope):
            settled.append(entry)
    unseen = flat[most:]
    evaluation.evidence.put(unseen, beyond_budget=True)
    return settled, flat.size - unseen.size


class _Along(NamedTuple):
    """The weighted output along each entry of one input; what a look needs, small enough to be sent."""

    graph: Graph
    output: int
    seed: Array
    input_values: Mapping[int, Array]
    node: int

    @classmethod
    def of(cls, evaluation: Evaluation) -> _Along:
        query, node = evaluation.checked.query, evaluation.node
        graph = evaluation.checked.graph
        return cls(graph, query.output, query.seed, evaluation.checked.input_values, node)

    @property
    def still(self) -> list[int]:
        """The nodes of the forward pass that do not depend on the input."""
        after = self.graph.touched(by=[self.node], upto=max(self.output, self.node))
        return [other for other in self.graph.needs(of=[self.output]) if not after[other]]


def _exact_slopes(along: _Along, entries: Sequence[int]) -> Iterator[MultiprecisionSlope | None]:
    """The slopes by entries in many digits, each by itself."""
    lifted = {node: multiprecision.lifted(value) for node, value in along.input_values.items()}
    function = GraphFunction(along.graph, along.output, along.seed, along.input_values)
    values = np.ravel(along.input_values[along.node])
    for entry in entries:
        by_entry = function.in_multiprecision((along.node, entry), lifted)
        yield multiprecision_slopes.slope(by_entry, float(values[entry]))


class _Claims:
    """What is claimed in many digits, by the digits: one run is for all entries."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.by_digits: dict[int, Any] = {}

    def add(self, entry: int, slope: MultiprecisionSlope) -> bool:
        """Write down the slope of an entry, if it is known well enough: is it?"""
        if not is_known(slope, _terms(self.evaluation, entry)):
            return False
        if slope.digits not in self.by_digits:
            self.by_digits[slope.digits] = _claimed(self.evaluation, slope.digits)
        claim = self.by_digits[slope.digits]
        of_entry = (
            None if claim is None else np.broadcast_to(claim, self.evaluation.evidence.shape).flat[entry]
        )
        _add(self.evaluation, entry, slope, of_entry)
        return True


def right_in_many_digits(evaluation: Evaluation, flat: Indices) -> Flags | None:
    """Of which of the entries `flat` the formula, in many digits, agrees with the reference.

    Of none where no formula is claimed; None is returned where its numbers are too many to tell.
    """
    if evaluation.checked.operations > MOST_EXACT_ELEMENTS:
        return None
    claim = _claimed(evaluation, MULTIPRECISION_DIGITS)
    if claim is None:
        return np.zeros(flat.shape, dtype=bool)
    # Rounded only at the end: what cancels on the way has its digits still.
    value = multiprecision.rounded(np.broadcast_to(claim, evaluation.evidence.shape).reshape(-1)[flat])
    judgement = verdict(value, evaluation.evidence.part(flat), evaluation.checked.query.detect)
    return np.asarray(judgement.verdicts == Verdict.AGREE)


def _claimed(evaluation: Evaluation, digits: int) -> Any:
    """What is claimed, in so many digits; None where it is not known in so many."""
    with multiprecision.precision(digits):
        return evaluation.formula_on(evaluation.checked.lifted)


def _terms(evaluation: Evaluation, entry: int) -> float:
    """How large the terms of an entry are: the sum that the graph makes, or what is claimed to be one."""
    return max(
        abs(float(evaluation.part(part, np.array([entry]))[0]))
        for part in (evaluation.term_magnitudes, evaluation.claimed.value)
    )


def _add(evaluation: Evaluation, entry: int, slope: MultiprecisionSlope, claim: Any) -> None:
    """A slope known to many digits; `claim` is what is claimed in as many, where it has them.

    A formula that is right to those digits is right, whatever float64 makes of it. Of bare numbers it
    is not known how they came about: what rounding may do to them is not held against them.
    """
    flat, value = np.array([entry]), rounded_slope(slope)
    size = float(evaluation.part(evaluation.term_magnitudes, flat)[0])
    noise = evaluation.part(evaluation.evidence.error, flat) if claim is None else 0.0
    detect = evaluation.checked.query.detect
    right = is_right(claim, slope, size, evaluation.claimed.is_rule, detect)
    gap = 0.0 if right else np.nan
    measured = {"claim_noise": noise, "formula_gap": gap, "exact": True}
    evaluation.evidence.replace(flat, value, EPSILON * abs(value), **measured)


# --- extended precision ---------------------------------------------------------------------------


def add_extended_slopes(evaluation: Evaluation, flat: Indices) -> None:
    """Narrow the error bars of smooth entries `flat` by slopes along the imaginary axis.

    Such a slope has nearly all digits that it is computed in, but of a forward that is not analytic it is
    wrong without a word (`bpx.check.local.elementwise_complex`). So it counts only inside the bar that real
    differences gave, and its own bar is no narrower than what bpx's rules, which are other code, are off it.
    """
    evidence, checked = evaluation.evidence, evaluation.checked
    smooth = flat[evaluation.part(checked.is_smooth(evaluation.node), flat).astype(bool)]
    own = checked.claimed_gradient(evaluation.node)
    for entry, slope in zip(smooth.tolist(), _extended_slopes(evaluation, smooth), strict=False):
        if isinstance(slope, WorkerLost):
            evidence.replace(entry, np.nan, np.nan, obstacle=Obstacle.WORKER_LOST)
            continue
        reference, error = (float(part.flat[entry]) for part in (evidence.value, evidence.error))
        narrower = max(EXTENDED_SHARE * error, abs(float(own.flat[entry]) - slope))
        if narrower < error and abs(slope - reference) <= SAFETY_FACTOR * error:
            evidence.replace(entry, slope, narrower, beyond_budget=False)


def _extended_slopes(evaluation: Evaluation, flat: Indices) -> Iterator[float | WorkerLost]:
    """The slopes by entries, Im f(x + ih) / h; of the first that there is time for, or of none."""
    checked, along = evaluation.checked, _Along.of(evaluation)
    cost, once = checked.operations_after(along.node), checked.operations_of(along.still)
    most = (MOST_EXTENDED_OPERATIONS - once) // max(1, cost)
    if not evaluation.is_input or most < 1 or np.finfo(np.longdouble).eps > LARGEST_EXTENDED_EPSILON:
        return
    # What does not move is computed by every chunk once more, so that this is to be a small part of it.
    least = max(EXTENDED_LOOK_OPERATIONS, STILL_SHARE * once)
    yield from looked(_imaginary_slopes, along, flat[:most].tolist(), cost, least)


def _imaginary_slopes(along: _Along, entries: Sequence[int]) -> Iterator[float]:
    """The slopes by entries, until an op does not go on."""
    graph, node, output = along.graph, along.node, along.output
    inputs: dict[int, Any] = {key: value.astype(np.longdouble) for key, value in along.input_values.items()}
    try:
        # A cast that drops the imaginary part only warns.
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            known: dict[int, Any] = run(graph, inputs, along.still, dtype=np.longdouble)
            after = graph.touched(by=[node], upto=max(output, node))
            for entry in entries:
                at = inputs[node].astype(np.clongdouble)
                at.flat[entry] += 1j * COMPLEX_STEP
                values: Any = run(graph, {**known, node: at}, [output], dtype=None)
                if any(values[other].dtype != np.clongdouble for other in values if after[other]):
                    return  # an op has dropped the imaginary part
                yield float(np.sum(along.seed * values[output].imag) / COMPLEX_STEP)
    # Of functions that know no such numbers, or take another way with them.
    except (TypeError, ValueError, ArithmeticError, np.linalg.LinAlgError, np.exceptions.ComplexWarning):
        return
