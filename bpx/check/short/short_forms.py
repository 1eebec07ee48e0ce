"""The shortest form of a gradient: by the gradients next above, as ∂L/∂z * x, and in names alone, as a - y.

Three things are tried: the reverse pass as it stands; the same as a rational function, from the nearest named
nodes and from the output on; and the search of short formulas, which knows what softmax(z) is to z.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from bpx.check.blame.right_gradient import Written
from bpx.check.blame.textbook import Textbook, textbook_form
from bpx.check.blame.where import array_names, named_formula
from bpx.check.formulas.algebra import Algebra
from bpx.check.formulas.rational import Rational
from bpx.check.numeric.tolerances import (
    FORMULA_CLOSE,
    LONGEST_LITERAL,
    MOST_IN_A_CLOSED_FORM,
    MOST_SEARCHED,
    MOST_SIMPLIFIED,
    SHORT_CLOSED_FORM,
)
from bpx.check.patterns.comparison import fits
from bpx.check.short.proof import Proof, ProofPoints, is_defined_at_zeros
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.formula import MOST_IN_A_RULE, Formula, equation, formula, numbers
from bpx.graph.formula_parts import BRANCHES, DERIVATIVE, Number
from bpx.graph.graph import OPS, Expr, Graph
from bpx.graph.run import run


class ShortForm(NamedTuple):
    """A formula that equals a gradient, how many operations it has, and why it is equal."""

    formula: Formula
    operations: int
    proof: Proof

    @property
    def is_closed(self) -> bool:
        """Does it do without other gradients?"""
        return DERIVATIVE not in self.formula.parts


class GradientForms(NamedTuple):
    """∂output/∂node as the reverse pass has it, and shorter: the shortest first, then one in names alone.

    `long` is None where it is too long to be read.
    """

    node: int
    long: Formula | None
    forms: tuple[ShortForm, ...]

    @property
    def is_shorter(self) -> bool:
        """Is there one that is simpler than the long one?"""
        return self.long is None or _simplicity(self.forms[0].formula) < _simplicity(self.long)


def operations(text: Formula) -> int:
    """How many operations a formula has: signs, calls and transposes; names and numbers are none."""
    inside = [part for part in text.parts if isinstance(part, BRANCHES) and part is not DERIVATIVE]
    return len(inside)


class ShortForms:
    """Looks for the short forms of the gradients of one graph."""

    def __init__(self, checked: CheckedGraph) -> None:
        self.checked, self.points, self.searched = checked, ProofPoints(checked), 0

    def of(self, node: int) -> GradientForms:
        """The forms of ∂output/∂node, of a node that the output depends on."""
        names = {*self.checked.query.spec.own_names, self.checked.query.output} - {node}
        near, whole = _Route(self.checked, node, names), _Route(self.checked, node, ())
        forms = [*near.forms(), *(whole.forms() if whole.is_usable else ())]
        closed = [form.operations for form in forms if form.is_closed]
        if min(closed, default=MOST_SIMPLIFIED) > SHORT_CLOSED_FORM and self.searched < MOST_SEARCHED:
            self.searched += 1
            forms += self._searched(node, whole)
            forms += self._searched(node, whole, by_output=True) if whole.uses_output else ()
        shortest = min(forms, key=_preference)
        others = [form for form in forms if form.is_closed and form.operations <= MOST_IN_A_CLOSED_FORM]
        second = () if shortest.is_closed or not others else (min(others, key=_preference),)
        long = next((route.long for route in (whole, near) if route.long), None)
        return GradientForms(node, long, (shortest, *second))

    def _searched(self, node: int, whole: _Route, by_output: bool = False) -> Iterator[ShortForm]:
        """The form that the search of short formulas gives, if it is proved."""
        form = textbook_form(self.checked, node, by_output)
        if form is None or not self._is_defined(form, node, whole.written):
            return
        form = form._replace(shares=_concerned(form, self.checked.by_own_rules.upstream[node]))
        if not form.shares and whole.equals(form):
            yield ShortForm(form.formula, operations(form.formula), Proof("algebra"))
        elif count := self.points.equal_at(form, node):
            assumes = tuple(self._adds_up(share) for share in form.shares)
            yield ShortForm(form.formula, operations(form.formula), Proof("points", count, assumes))

    def _is_defined(self, form: Textbook, node: int, whole: Written) -> bool:
        """Has it a value wherever the gradient has one? h / w has none where w is 0."""
        divides = _divides(form.graph, form.root, self.checked.query.spec.own_names)
        if divides and not _divides(whole.graph, whole.root.id, whole.names):
            return False
        return is_defined_at_zeros(self.checked, form, node)

    def _adds_up(self, share: int) -> Formula:
        """`sum(y) = 1`, of each row of a matrix."""
        graph = Graph()
        shares = graph.input(self.checked.graph.shapes[share])
        total = OPS["sum"](shares, axis=shares.ndim - 1) if shares.ndim > 1 else OPS["sum"](shares)
        left = formula(graph, total.id, {shares.id: named_formula(self.checked, share)})
        return equation(left, numbers(1.0))


def _divides(graph: Graph, root: int, names: Collection[int]) -> bool:
    """Is something in a formula of these names a denominator?"""
    inside = graph.needs(of=[root], known=names)
    return any(graph.ops[one].name == "div" and graph.args[one][1] not in graph.constants for one in inside)


def _preference(form: ShortForm) -> tuple[int, int, bool, int, int, str]:
    """What is simpler first, then what has fewer names, as y * (1 - y) has beside p * y^2."""
    text, names = str(form.formula), {*form.formula.symbols}
    return *_simplicity(form.formula), not form.is_closed, len(names), len(text), text


def _simplicity(text: Formula) -> tuple[int, int]:
    """How many numbers have many digits, as 0.333… for 1 / 3, and how many operations there are."""
    literals = [part.value for part in text.parts if isinstance(part, Number)]
    return sum(len(repr(value)) > LONGEST_LITERAL for value in literals), operations(text)


def _concerned(form: Textbook, gradient: int) -> tuple[int, ...]:
    needed = {*form.graph.needs(of=[form.root, gradient])}
    return tuple(share for share in form.shares if share in needed)


class _Route:
    """The gradient from the nodes `stops` on, as the reverse pass has it and as a rational function."""

    def __init__(self, checked: CheckedGraph, node: int, stops: Collection[int]) -> None:
        self.checked, self.node = checked, node
        self.written = Written(checked, node, stops)
        self.algebra = Algebra()
        shapes = checked.graph.shapes
        # Gradients first: products are sorted, and ∂L/∂h * (1 - h^2) begins with what comes from above.
        self.places = {
            place: self.algebra.atom(("gradient", of), shapes[of])
            for place, of in sorted(self.written.gradients.items(), key=lambda item: item[1])
        }
        self.own = {
            of: (place, self.algebra.atom(of, shapes[of]))
            for place, of in sorted(self.written.nodes.items(), key=lambda item: item[1])
        }
        self.places |= dict(self.own.values())
        self.is_usable = self.written.ops <= MOST_SIMPLIFIED

    @property
    def long(self) -> Formula | None:
        """The reverse pass as it stands, unless it is too long to be read."""
        return self.written.formula if self.written.ops <= MOST_IN_A_RULE else None

    @property
    def uses_output(self) -> bool:
        """Does the reverse pass itself use what comes out, as that of a sigmoid does?"""
        used = self.written.graph.needs(of=[self.written.root.id])
        return self.checked.query.output in (self.written.nodes.get(place) for place in used)

    def forms(self) -> Iterator[ShortForm]:
        """What the reverse pass has, and what algebra makes of it."""
        text = self.written.formula if self.is_usable else None
        if text is not None:
            yield ShortForm(text, operations(text), Proof("pass"))
        form = self._rational()
        if form is None:
            return
        root = self.algebra.written(form)
        if root.shape == self.checked.graph.shapes[self.node] and self._holds(root):
            text = self._text(root)
            yield ShortForm(text, operations(text), Proof("algebra"))

    def equals(self, form: Textbook) -> bool:
        """Is a form in names of the graph the same rational function?"""
        own = self._rational()
        places = {of: atom for of, (_, atom) in self.own.items()}
        return own is not None and self.algebra.rational(form.graph, form.root, places) == own

    def _rational(self) -> Rational | None:
        if not self.is_usable:
            return None
        return self.algebra.rational(self.written.graph, self.written.root.id, self.places)

    def _text(self, root: Expr) -> Formula:
        names = {atom.id: self.written.names[place] for place, atom in self.places.items()}
        arrays = array_names(self.checked, self.algebra.graph, self.algebra.graph.needs(of=[root.id]))
        return formula(self.algebra.graph, root.id, {**arrays, **names}, open_root=False)

    def _holds(self, root: Expr) -> bool:
        """Does it give the gradient that the graph has here? Algebra says so; a look costs little."""
        values, gradients = self.checked.all_values, self.checked.by_own_rules.upstream
        arriving = {at: gradients[of] for at, of in self.written.gradients.items() if of in gradients}
        nodes = self.written.nodes | arriving
        known = {self.places[place].id: values[of] for place, of in nodes.items() if of in values}
        value = run(self.algebra.graph, known, [root.id])[root.id]
        gradient = values[gradients[self.node]]
        room = FORMULA_CLOSE * np.abs(gradient).max(initial=0.0)
        return not np.isfinite(gradient).all() or fits(value, gradient, room)
