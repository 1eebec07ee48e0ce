"""Nodes of a graph as rational functions: what arithmetic makes of atoms.

Atoms are the nodes that are given as such, and values of all other ops, as exp(x), softmax(z) or A @ B: two
of these are one atom where their args are equal as rational functions. Numbers are taken out of linear ops.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from fractions import Fraction
from typing import Any

from bpx.check.formulas.rational import Rational
from bpx.check.formulas.tree import Tree, built, exact
from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.ops.shapes import broadcast_to

_ONE = Rational(Fraction(1))
_ARITHMETIC: dict[str, Callable[..., Rational]] = {
    "add": lambda a, b: a.plus(b),
    "sub": lambda a, b: a.plus(b, -1),
    "neg": lambda a: Rational(Fraction(-1)).times(a),
    "mul": lambda a, b: a.times(b),
    "div": lambda a, b: a.times(b, -1),
    "square": lambda a: a.times(a),
    "reciprocal": lambda a: _ONE.times(a, -1),
    "identity": lambda a: a,
}

_OF_THE_SIGN = ("step", "sign")  # what a positive factor of the arg does not change


class Algebra:
    """Atoms as nodes of a graph of its own, and formulas over them."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.atoms: dict[Hashable, Expr] = {}

    def atom(self, key: Hashable, shape: Shape) -> Expr:
        """The atom that stands for something of this shape."""
        if key not in self.atoms:
            self.atoms[key] = self.graph.input(shape)
        return self.atoms[key]

    def rational(self, graph: Graph, root: int, places: Mapping[int, Expr | Rational]) -> Rational | None:
        """A node of another graph over atoms or forms in the places of its nodes; None if it is too long."""
        forms: dict[int, Rational] = {}
        try:
            for node in graph.needs(of=[root], known=places):
                if node in places:
                    place = places[node]
                    forms[node] = place if isinstance(place, Rational) else Rational.atom(place.id)
                elif node in graph.constants:
                    forms[node] = self._constant(graph.constants[node])
                elif graph.args[node]:
                    args = {arg: forms[arg] for arg in graph.args[node]}
                    forms[node] = self._applied(graph, node, [args[arg] for arg in graph.args[node]])
                else:
                    return None
        except (OverflowError, ZeroDivisionError):
            return None
        return forms[root]

    def written(self, form: Rational) -> Expr:
        """A rational function as a node of the graph of the atoms, as it reads well."""
        return built(form.tree, self.graph, self.graph)

    def _constant(self, value: Array) -> Rational:
        if value.size and (value == value.flat[0]).all():
            return Rational(exact(float(value.flat[0])))
        return Rational.atom(self.graph.constant(value).id)

    def _applied(self, graph: Graph, node: int, args: list[Rational]) -> Rational:
        op, settings = graph.ops[node], graph.settings[node]
        if op.name in _ARITHMETIC:
            return _ARITHMETIC[op.name](*args)
        if op.name == "pow" and not args[1].factors and args[1].number.denominator == 1:
            return _ONE.times(args[0], int(args[1].number))
        outside = _ONE
        if op.name in _OF_THE_SIGN and args[0].number:
            args = [args[0]._replace(number=Fraction(1 if args[0].number > 0 else -1))]
        if op.linear:
            parts = [self._scalars(arg) for arg in args]
            args = [arg.times(part, -1) for arg, part in zip(args, parts, strict=True)]
            for part in parts:
                outside = outside.times(part)
        exprs = [self._shaped(form, graph, arg) for form, arg in zip(args, graph.args[node], strict=True)]
        return outside.times(Rational.atom(self._node(op, exprs, settings).id))

    def _scalars(self, form: Rational) -> Rational:
        """The factors that are numbers, or atoms without axes."""
        factors = [
            (base, exponent)
            for base, exponent in form.factors
            if all(not self.graph.shapes[atom] for monomial, _ in base for atom, _ in monomial)
        ]
        return Rational(form.number, tuple(factors)) if form.number else _ONE

    def _shaped(self, form: Rational, graph: Graph, node: int) -> Expr:
        """A form as an arg, which has the shape of the node that it is of."""
        expr, shape = self._shared(form.tree), graph.shapes[node]
        if expr.shape == shape:
            return expr
        return broadcast_to(expr, shape=shape)

    def _shared(self, tree: Tree) -> Expr:
        """A tree as a node, equal ones as one."""
        if isinstance(tree, int):
            return self.graph[tree]
        if isinstance(tree, float):
            return self.graph.constant(tree)
        return OPS[tree[0]](*map(self._shared, tree[1:]))

    def _node(self, op: Op, args: list[Expr], settings: Mapping[str, Any]) -> Expr:
        """An op on args; a transpose of a transpose, or of a product of matrices, without it."""
        turned = args[0]
        if op.name == "transpose" and turned.ndim == 2 and tuple(settings["axes"]) == (1, 0):
            if turned.op is op and turned.args[0].ndim == 2:
                return turned.args[0]
            if turned.op.name == "outer":
                return OPS["outer"](*turned.args[::-1])
            if turned.op.name == "matmul" and all(arg.ndim == 2 for arg in turned.args):
                left, right = turned.args
                return self._node(op, [right], settings) @ self._node(op, [left], settings)
        return op(*args, **settings)
