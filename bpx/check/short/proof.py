"""Why a short form equals the gradient: by algebra, or at fresh points in many digits.

At points every float of a rule is taken for the fraction that it means, as 1/3, and what has to add up to 1
does so in all digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from bpx.check.blame.textbook import points_everywhere
from bpx.check.formulas.tree import exact
from bpx.check.numeric import multiprecision
from bpx.check.numeric.multiprecision import Multiprecision
from bpx.check.numeric.tolerances import (
    FEWEST_PROOF_POINTS,
    MOST_PROOF_OPERATIONS,
    PROOF_DIGITS,
    PROOF_POINTS,
    PROOF_ZERO_DIGITS,
)
from bpx.check.whole.graph_function import operations
from bpx.check.whole.sample_points import formula_points
from bpx.graph.run import run

if TYPE_CHECKING:
    from bpx.check.blame.textbook import Textbook
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array
    from bpx.graph.formula import Formula
    from bpx.graph.graph import Graph


class Proof(NamedTuple):
    """How it is known: the form is that of the reverse `pass`, equal by `algebra`, or at so many `points`.

    `assumes` are equations that must hold.
    """

    method: Literal["pass", "algebra", "points"]
    points: int = 0
    assumes: tuple[Formula, ...] = ()


def put_together(proofs: Sequence[Proof]) -> Proof | None:
    """The proof of what algebra makes of several forms; None if they were compared elsewhere."""
    at_points = {proof for proof in proofs if proof.method == "points"}
    if not at_points:
        return Proof("algebra")
    return at_points.pop() if len(at_points) == 1 else None


class ProofPoints:
    """Fresh points of a graph, none of which a form was searched by, with values in many digits."""

    def __init__(self, checked: CheckedGraph) -> None:
        self.checked = checked
        self._values: dict[tuple[int, ...], list[dict[int, Any]]] = {}  # by the shares

    def equal_at(self, form: Textbook, node: int) -> int:
        """At how many points a form equals ∂output/∂node; 0 if it differs at one, or there are too few."""
        gradient = self.checked.by_own_rules.upstream[node]
        points = self._points(form.shares, gradient)
        constants = exact_constants(form.graph)
        try:
            for values in points:
                values |= run(self.checked.graph, values, [*self.checked.query.spec.own_names, gradient])
                root = run(form.graph, {**constants, **values}, [form.root])[form.root]
                if not equal_in_digits(root, values[gradient]):
                    return 0
        except (TypeError, ValueError, AttributeError, ArithmeticError):  # an op without many digits
            return 0
        return len(points)

    def _points(self, shares: tuple[int, ...], gradient: int) -> list[dict[int, Any]]:
        """The inputs and constants, with what was computed before; none where operations are too dear."""
        if shares not in self._values:
            graph = self.checked.graph
            needed = graph.needs(of=[*self.checked.query.spec.own_names, gradient])
            cost = sum(operations(graph, one) for one in needed)
            count = min(PROOF_POINTS, MOST_PROOF_OPERATIONS // max(1, cost))
            drawn = self._drawn(shares, count) if count >= FEWEST_PROOF_POINTS else []
            constants = exact_constants(graph)
            self._values[shares] = [{**constants, **_lifted(point, shares)} for point in drawn]
        points = self._values[shares]
        return points if len(points) >= FEWEST_PROOF_POINTS else []

    def _drawn(self, shares: tuple[int, ...], count: int) -> list[Mapping[int, Array]]:
        if shares:
            return formula_points(self.checked.query.spec, count=count, seed=1)
        return points_everywhere(self.checked, 1 + count, seed=1)[1:]


def is_defined_at_zeros(checked: CheckedGraph, form: Textbook, node: int) -> bool:
    """Has it a value where inputs are 0 and the gradient has one? h / w has none where x has."""
    gradient = checked.by_own_rules.upstream[node]
    inputs = checked.query.spec.input_values
    for zeros in (*([one] for one in inputs), [*inputs]):
        point = {one: 0.0 * value if one in zeros else value for one, value in inputs.items()}
        values = run(form.graph, point, [form.root, gradient])
        if np.isfinite(values[gradient]).all() and not np.isfinite(values[form.root]).all():
            return False
    return True


def exact_constants(graph: Graph) -> dict[int, Any]:
    """The constants of a graph in many digits, each as the fraction that is meant."""
    return {node: exact_array(value) for node, value in graph.constants.items()}


def exact_array(value: Array) -> Any:
    """An array in many digits, each float as the fraction that is meant."""
    fractions = {number: exact(number) for number in {*value.ravel().tolist()} if np.isfinite(number)}
    numbers = {
        number: Multiprecision(fraction.numerator) / Multiprecision(fraction.denominator)
        for number, fraction in fractions.items()
    }
    lifted = multiprecision.lifted(value)
    lifted.ravel()[:] = [numbers.get(number, Multiprecision(number)) for number in value.ravel().tolist()]
    return lifted


def _lifted(point: Mapping[int, Array], shares: tuple[int, ...]) -> dict[int, Any]:
    values = {node: multiprecision.lifted(value) for node, value in point.items()}
    for node in shares:
        values[node] = values[node] / values[node].sum(axis=-1, keepdims=True)
    return values


def equal_in_digits(form: Any, gradient: Any) -> bool:
    """Are two arrays in many digits equal to 50 of them?"""
    gap, size = np.abs(form - gradient), np.abs(gradient)
    close, zero = (Multiprecision(10) ** -digits for digits in (PROOF_DIGITS, PROOF_ZERO_DIGITS))
    return form.shape == gradient.shape and bool(np.all((gap <= close * size) | (gap <= zero)))
