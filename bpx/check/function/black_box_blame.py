"""What is wrong with the claims on a black box: there are no nodes to name, but inputs and patterns.

An input is blamed whose claims disagree; the kind of mistake is named only where it gives all of its
claims, for every upstream gradient they were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpx.check.blame.last_resort import formula_mistakes, scope_of_arrays
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.numeric.tolerances import MOST_EXACT_ELEMENTS, MOST_NAMED
from bpx.check.patterns.comparison import Comparison, constant_factor, counts, fits
from bpx.check.patterns.entry_patterns import entry_mistakes
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
            mistakes = mistakes or _formulas(rows, right, claimed)
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
    lengths = counts([rows.output.shape, right.shape[1:]])
    if not (np.isfinite(right).all() and np.isfinite(claimed).all()):
        yield from _of_those_seen(right, claimed, lengths)
        return
    exact = [0.0] * len(right)
    comparison = Comparison(list(right), list(claimed), exact)
    factor = constant_factor(comparison, lengths)
    if factor:
        yield factor
    weights = np.linspace(1.0, 2.0, len(right))  # of the rows, so that an element shows in whichever it is
    mixed = Comparison([np.tensordot(weights, right, 1)], [np.tensordot(weights, claimed, 1)], [0.0])
    yield from () if factor else entry_mistakes(mixed)
    if rows.one_hot and (claimed == claimed[0]).all() and fits(right.sum(axis=0), claimed[0], 0.0):
        yield Mistake("upstream-forgotten")
    if fits(np.zeros(right.shape), claimed, 0.0):
        yield Mistake("dropped")
    for name, reference in other_references.items():
        if comparison.explained_by(list(reference)):
            yield Mistake.of("other-gradient", other=name)


def _formulas(rows: BlackBoxRows, right: Array, claimed: Array) -> tuple[Mistake, ...]:
    """Short formulas that give the claims, in the names of the inputs; `g` is the upstream gradient."""
    if rows.scatter or rows.misshapen or claimed.size > MOST_EXACT_ELEMENTS:
        return ()
    if not (np.isfinite(right).all() and np.isfinite(claimed).all()):
        return ()
    names = {
        name: [np.asarray(value, dtype=np.float64)] * len(claimed)
        for name, value in zip(rows.caller.names, rows.caller.values, strict=True)
    }
    if rows.output.size > 1 and "g" not in names:
        names["g"] = list(rows.upstreams)
    scope = scope_of_arrays(names, claimed.shape[1:])
    return formula_mistakes(scope, Comparison(list(right), list(claimed), [0.0] * len(right)))


def _of_those_seen(right: Array, claimed: Array, lengths: set[int]) -> Iterator[Mistake]:
    """A factor in all entries that were looked at, of an input that is too large to look at every one."""
    seen = (np.isfinite(right) & np.isfinite(claimed)).all(axis=0)
    if seen.any():
        comparison = Comparison(list(right[:, seen]), list(claimed[:, seen]), [0.0] * len(right))
        factor = constant_factor(comparison, lengths)
        if factor:
            yield Mistake.of("seen", mistake=factor, count=int(seen.sum()))
