"""Routes to a gradient: from the output on, or from the gradients next above, as it stands and simplified."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from bpx.check.blame.right_gradient import Written
from bpx.check.blame.where import array_names
from bpx.check.formulas.algebra import Algebra
from bpx.check.numeric.tolerances import FORMULA_CLOSE, LONGEST_LITERAL, MOST_SIMPLIFIED
from bpx.check.patterns.comparison import fits
from bpx.check.short.proof import Proof, put_together
from bpx.graph.formula import MOST_IN_A_RULE, Formula, formula
from bpx.graph.formula_parts import BRANCHES, DERIVATIVE, Number
from bpx.graph.run import run

if TYPE_CHECKING:
    from bpx.check.blame.textbook import Textbook
    from bpx.check.formulas.rational import Rational
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.graph import Expr, Graph


class ShortForm(NamedTuple):
    """A formula that equals a gradient, how many operations it has, and why it is equal."""

    formula: Formula
    operations: int
    proof: Proof

    @classmethod
    def of(cls, text: Formula, proof: Proof) -> Self:
        """A form with its operations counted."""
        return cls(text, operations(text), proof)

    @property
    def is_closed(self) -> bool:
        """Does it do without other gradients?"""
        return DERIVATIVE not in self.formula.parts


class Found(NamedTuple):
    """A form with its node `root` in a graph, of which some stand for named `nodes`."""

    form: ShortForm
    graph: Graph
    root: int
    nodes: Mapping[int, int]


def operations(text: Formula) -> int:
    """How many operations a formula has: signs, calls and transposes; names and numbers are none."""
    inside = [part for part in text.parts if isinstance(part, BRANCHES) and part is not DERIVATIVE]
    return len(inside)


def simplicity(text: Formula) -> tuple[int, int]:
    """How many numbers have many digits, as 0.333… for 1 / 3, and how many operations there are."""
    literals = [part.value for part in text.parts if isinstance(part, Number)]
    return sum(len(repr(value)) > LONGEST_LITERAL for value in literals), operations(text)


def preference(form: ShortForm) -> tuple[int, int, bool, int, int, str]:
    """What is simpler first, then what has fewer names, as y * (1 - y) has beside p * y^2."""
    text, names = str(form.formula), {*form.formula.symbols}
    return *simplicity(form.formula), not form.is_closed, len(names), len(text), text


class Route:
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

    def forms(self) -> Iterator[Found]:
        """What the reverse pass has, and what algebra makes of it."""
        if not self.is_usable:
            return
        form = ShortForm.of(self.written.formula, Proof("pass"))
        yield Found(form, self.written.graph, self.written.root.id, self.written.nodes)
        yield from self._simplified(self._rational(self.places), Proof("algebra"))

    def with_closed(self, closed: Mapping[int, Found]) -> Iterator[Found]:
        """The form with those of the gradients above put in, where all of them have one in names alone."""
        used = {*self.written.graph.needs(of=[self.written.root.id])} & self.written.gradients.keys()
        if not used or any(self.written.gradients[place] not in closed for place in used):
            return
        inside = {place: closed[self.written.gradients[place]] for place in sorted(used)}
        forms = {place: self._copied(found) for place, found in inside.items()}
        proof = put_together([found.form.proof for found in inside.values()])
        if proof and all(form is not None for form in forms.values()):
            yield from self._simplified(self._rational({**self.places, **forms}), proof)

    def _copied(self, found: Found) -> Rational | None:
        """A form in names alone over the atoms of this route."""
        places = {at: self.own[of][1] for at, of in found.nodes.items() if of in self.own}
        return self.algebra.rational(found.graph, found.root, places)

    def _simplified(self, form: Rational | None, proof: Proof) -> Iterator[Found]:
        if form is None:
            return
        root = self.algebra.written(form)
        if root.shape == self.checked.graph.shapes[self.node] and self._holds(root):
            nodes = {atom.id: of for of, (_, atom) in self.own.items()}
            yield Found(ShortForm.of(self._text(root), proof), self.algebra.graph, root.id, nodes)

    def equals(self, form: Textbook) -> bool:
        """Is a form in names of the graph the same rational function?"""
        own = self._rational(self.places)
        places = {of: atom for of, (_, atom) in self.own.items()}
        return own is not None and self.algebra.rational(form.graph, form.root, places) == own

    def _rational(self, places: Mapping[int, Any]) -> Rational | None:
        if not self.is_usable:
            return None
        return self.algebra.rational(self.written.graph, self.written.root.id, places)

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
