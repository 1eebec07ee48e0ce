"""The twin of a slip: the same pattern in other numbers, so that a hint can show it and not give it away.

What the catalogue predicts at an edge is predicted again at an edge of the same op with other args. For
other slips, and for ops of whole arrays, there is a small formula for each kind, with what the slip makes of
its derivative. All numbers are computed by the rows of the ops.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.patterns.error_patterns import EdgeSample, predictions
from bpx.check.report.blame import SLIP_OF, Blame, Mistake, Twin
from bpx.graph.arrays import Array, Shape
from bpx.graph.formula import derivative, equation, formula, numbers, symbol
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.run import run
from bpx.ops import exp, mean, relu, round, sigmoid, sum
from bpx.passes.reverse import grad

_DIGITS = 4
_NAMES = ("u", "v", "w")  # of inputs
_OUT = "s"
# Values of the inputs, and the upstream gradient: the first that no number of the problem is among is shown.
_NUMBERS = (
    ((0.7, 1.6, 2.3), 3.5),
    ((1.3, 0.6, 2.9), 2.5),
    ((0.4, 1.7, 3.1), 4.5),
    ((2.2, 3.4, 1.9), 1.5),
    ((0.85, 0.35, 0.55), 5.5),
)
_INSIDE = ((0.3, 0.2, 0.6), 2.5)  # for ops that are defined near 0 alone
_PLAIN = {"sign": -1.0, "double": 2.0, "half": 0.5}


class _Slip(NamedTuple):
    """A formula, the input it is derived by, and what the slip makes of its derivative."""

    out: Expr
    by: Expr
    wrong: Expr


def twin_of(blame: Blame, shown_not: Collection[float]) -> Twin | None:
    """The twin of the likeliest mistake of a blame; none of its numbers is one of `shown_not`.

    None where no known pattern explains the mistake, or the slip has no numbers.
    """
    if not blame.mistakes:
        return None
    mistake = _plainest(blame.mistakes[0])
    tries = (twin for twin in (*_of_op(blame, mistake), *_of_kind(mistake)))
    return next((twin for twin, shown in tries if not _meet(shown, shown_not)), None)


def _plainest(mistake: Mistake) -> Mistake:
    """Of two mistakes at once the one that says more; one at each occurrence is made at one."""
    inner = [fact for _, fact in mistake.facts if isinstance(fact, Mistake)]
    telling = [one for one in inner if one.code not in _PLAIN]
    return _plainest((telling or inner)[0]) if inner else mistake


def _meet(shown: Collection[float], shown_not: Collection[float]) -> bool:
    """Does one of these numbers look like one of those?"""
    return any(
        abs(abs(a) - abs(b)) <= 5e-3 * max(abs(a), abs(b)) for a in shown for b in shown_not if np.isfinite(b)
    )


_Twins = Iterator[tuple[Twin, list[float]]]  # with the numbers in it


# --- at an edge of the same op ------------------------------------------------------------------


def _of_op(blame: Blame, mistake: Mistake) -> _Twins:
    """The mistake at the op of the blame; nothing where it is none of an elementwise op."""
    op = OPS.get(blame.op)
    if op is None or not op.elementwise or op.local is None or len(op.args) > len(_NAMES):
        return
    for values, upstream in (*_NUMBERS, _INSIDE):
        for position in range(len(op.args)):
            sample = _sample(op, position, values[: len(op.args)], upstream)
            wrong = sample and _predicted(sample, mistake)
            if sample and wrong is not None:
                yield _shown_edge(sample, float(wrong))
                break


def _sample(op: Op, position: int, values: Sequence[float], upstream: float) -> EdgeSample | None:
    """The edge at these values; None where the op, or its derivative, is not defined there, or is flat."""
    graph = Graph()
    args = [graph.input() for _ in values]
    out = graph.add(op, *args)
    at = dict(zip([arg.id for arg in args], map(np.asarray, values), strict=True))
    by_hand = grad(out, [args[position]])[0]
    with np.errstate(all="ignore"):
        reached = run(graph, at, [out.id, by_hand.id])
    value, local = reached[out.id], reached[by_hand.id]
    if not np.isfinite([value, local]).all() or not local:
        return None
    arrays = tuple(np.asarray(number, dtype=float) for number in values)
    slope = DiagonalJacobian(ErrorBound.exact(np.asarray(local)), ())
    return EdgeSample(op, {}, position, arrays, np.asarray(value), np.asarray(upstream), slope, ())


def _predicted(sample: EdgeSample, mistake: Mistake) -> float | None:
    """What the mistake makes of the derivative; None where it is another kind, or makes no difference."""
    right = float(sample.right)
    if mistake.code in _PLAIN:
        return _PLAIN[mistake.code] * right
    wrong = {one.code: float(number) for one, number in predictions(sample)}.get(mistake.code)
    return wrong if wrong is not None and np.isfinite(wrong) and abs(wrong - right) > 0.01 else None


def _shown_edge(sample: EdgeSample, wrong: float) -> tuple[Twin, list[float]]:
    graph = Graph()
    args = [graph.input() for _ in sample.args]
    out, by = graph.add(sample.op, *args), args[sample.position]
    return _twin(out, args, sample.args, float(sample.upstream), by, sample.right, np.asarray(wrong))


# --- of a kind ----------------------------------------------------------------------------------


def _of_kind(mistake: Mistake) -> _Twins:
    """The formula of this kind of slip, at one set of values after the other."""
    if SLIP_OF.get(mistake.code) not in _FORMULAS:
        return
    shapes, build = _FORMULAS[SLIP_OF[mistake.code]]
    for values, upstream in _NUMBERS:
        graph = Graph()
        args = [graph.input(shape) for shape in shapes]
        arrays = [np.resize(np.roll(values, -at), shape) for at, shape in enumerate(shapes)]
        slip = build(*args)
        right = grad(slip.out, [slip.by])[0]
        at_args = {arg.id: array for arg, array in zip(args, arrays, strict=True)}
        reached = run(graph, at_args, [right.id, slip.wrong.id])
        right_value, wrong_value = (upstream * reached[node.id] for node in (right, slip.wrong))
        if not np.allclose(right_value, wrong_value, rtol=0.01):
            yield _twin(slip.out, args, arrays, upstream, slip.by, right_value, wrong_value)


def _twin(
    out: Expr,
    args: Sequence[Expr],
    values: Sequence[Array],
    upstream: float,
    by: Expr,
    right: Array,
    wrong: Array,
) -> tuple[Twin, list[float]]:
    """The twin, and the numbers in it."""
    names = {arg.id: name for arg, name in zip(args, _NAMES, strict=False)}
    loss, result = symbol("L"), symbol(_OUT)
    twin = Twin(
        equation(result, formula(out.graph, out.id, names)),
        tuple(equation(symbol(names[arg.id]), numbers(x)) for arg, x in zip(args, values, strict=True)),
        equation(derivative(loss, result), numbers(upstream)),
        derivative(loss, symbol(names[by.id])),
        numbers(right, _DIGITS),
        numbers(wrong, _DIGITS),
    )
    shown = np.concatenate([np.ravel(array) for array in (*values, np.asarray(upstream), right, wrong)])
    return twin, shown.tolist()


_S: Shape = ()
_FORMULAS: Mapping[str, tuple[tuple[Shape, ...], Callable[..., _Slip]]] = {
    "sign": ((_S, _S), lambda u, v: _Slip((u - v) ** 2, v, 2 * (u - v))),
    "constant": ((_S,), lambda u: _Slip(u**2, u, u)),
    "mean": ((_S, _S), lambda u, v: _Slip((u**2 + v**2) / 2, u, 2 * u)),
    "local": ((_S,), lambda u: _Slip(sigmoid(u), u, u * (1 - u))),
    "local-missing": ((_S, _S), lambda u, v: _Slip((v * u + 1) ** 2, u, 2 * (v * u + 1))),
    "local-twice": ((_S, _S), lambda u, v: _Slip((v * u + 1) ** 2, u, 2 * (v * u + 1) * v**2)),
    "upstream": ((_S, _S), lambda u, v: _Slip(v * exp(u), u, exp(u))),
    "path": ((_S, _S), lambda u, v: _Slip(u * v + u**2, u, v + 0 * u)),
    "operands": ((_S, _S), lambda u, v: _Slip(u / v, v, 1 / v + 0 * u)),
    "matrices": (((2,), (2, 2), (2,)), lambda u, v, w: _Slip(w @ (v @ u), u, v @ w)),
    "axis": ((_S, (3,)), lambda u, v: _Slip(sum((u + v) ** 2), u, mean(2 * (u + v)))),
    "mask": ((_S, _S), lambda u, v: _Slip(relu(u - v), u, 0 * u + 1)),
    "power": ((_S,), lambda u: _Slip(u**3, u, 3 * u**3)),
    "quotient": ((_S, _S), lambda u, v: _Slip(u / v, v, -u / v)),
    "value": ((_S, _S, _S), lambda u, v, w: _Slip(u * v + w, u, w)),
    "term": ((_S, _S), lambda u, v: _Slip((u - v) ** 2 / 2, u, u)),
    "factor": ((_S, _S, _S), lambda u, v, w: _Slip(u * v * w, u, v)),
    "places": (((2, 2), (2, 2)), lambda u, v: _Slip(sum(u * v), u, v.T)),
    "rounding": ((_S, _S), lambda u, v: _Slip(u * exp(v), u, round(exp(v)))),
}
