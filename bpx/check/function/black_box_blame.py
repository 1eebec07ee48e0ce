"""What is wrong with the claims on a black box: there are no nodes to name, but inputs and patterns.

An input is blamed whose claims disagree; the kind of mistake is named only where it gives all of its
claims, for every upstream gradient they were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpx.check.blame.error_patterns import constant_factor, counts, fits, one_element
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.numeric.tolerances import MOST_NAMED
from bpx.check.report.blame import Blame, Mistake
from bpx.check.report.entry import Verdict
from bpx.graph.arrays import Array


def blamed_inputs(rows: BlackBoxRows, evaluation: BlackBoxEvaluation, function: str) -> tuple[Blame, ...]:
    """The inputs of `function` of whose gradient something wrong is claimed."""
    tables = {i: _tables(rows, evaluation, i) for i in rows.caller.varied}
    blamed, verdicts = [], evaluation.verdicts
    for i, (right, claimed) in tables.items():
        if i in rows.misshapen or (verdicts[:, rows.owners == i] == Verdict.DISAGREE).any():
            other_references = {
                rows.caller.names[j]: reference for j, (reference, _) in tables.items() if j != i
            }
            mistakes = tuple(_mistakes(rows, right, claimed, other_references))[:MOST_NAMED]
            blamed.append(Blame(rows.caller.names[i], function, None, None, mistakes, claim=True))
    return tuple(blamed)


def _tables(rows: BlackBoxRows, evaluation: BlackBoxEvaluation, input: int) -> tuple[Array, Array]:
    """References and claims of an input, as (rows, *its shape)."""
    own = rows.owners == input
    shape = (-1, *rows.caller.values[input].shape)
    return evaluation.evidence.value[:, own].reshape(shape), evaluation.claimed[:, own].reshape(shape)


def _mistakes(
    rows: BlackBoxRows, right: Array, claimed: Array, other_references: Mapping[str, Array]
) -> Iterator[Mistake]:
    if not (np.isfinite(right).all() and np.isfinite(claimed).all()):
        return
    exact = [0.0] * len(right)
    factor = constant_factor(list(right), list(claimed), counts([rows.output.shape, right.shape[1:]]), exact)
    weights = np.linspace(1.0, 2.0, len(right))  # of the rows, so that an element shows in whichever it is
    element = one_element([np.tensordot(weights, right, 1)], [np.tensordot(weights, claimed, 1)], [0.0])
    yield from (mistake for mistake in (factor, element) if mistake)
    if rows.one_hot and (claimed == claimed[0]).all() and fits(right.sum(axis=0), claimed[0], 0.0):
        yield Mistake("upstream-forgotten")
    if right.ndim == 3 and right.shape[1] == right.shape[2] and fits(right.swapaxes(1, 2), claimed, 0.0):
        yield Mistake("result-transposed")
    if fits(np.zeros(right.shape), claimed, 0.0):
        yield Mistake("dropped")
    for name, reference in other_references.items():
        if fits(reference, claimed, 0.0):
            yield Mistake.of("other-gradient", other=name)
