"""The shortest form of a gradient: by the gradients next above, as ∂L/∂z * x, and in names alone, as a - y.

Three things are tried: the reverse pass as it stands; the same as a rational function, from the nearest named
nodes and from the output on; and the search of short formulas, which knows what softmax(z) is to z.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from bpx.check.blame.right_gradient import Written
from bpx.check.blame.textbook import Textbook, textbook_form
from bpx.check.blame.where import named_formula
from bpx.check.numeric.tolerances import MOST_IN_A_CLOSED_FORM, MOST_SEARCHED, SHORT_CLOSED_FORM
from bpx.check.short.proof import Proof, ProofPoints, is_defined_at_zeros
from bpx.check.short.route import Found, Route, ShortForm, preference, simplicity
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.formula import Formula, equation, formula, numbers
from bpx.graph.graph import OPS, Graph


class GradientForms(NamedTuple):
    """∂output/∂node as the reverse pass has it, and shorter: the shortest first, then one in names alone.

    `long` is None where it is too long to be read; there are no forms where all are far too long.
    """

    node: int
    long: Formula | None
    forms: tuple[ShortForm, ...]

    @property
    def is_shorter(self) -> bool:
        """Is there one that is simpler than the long one?"""
        if not self.forms:
            return False
        return self.long is None or simplicity(self.forms[0].formula) < simplicity(self.long)


class ShortForms:
    """Looks for the short forms of the gradients of one graph."""

    def __init__(self, checked: CheckedGraph) -> None:
        self.checked, self.points, self.searched = checked, ProofPoints(checked), 0
        self.closed: dict[int, Found] = {}  # forms in names alone, by the node

    def of(self, node: int) -> GradientForms:
        """The forms of ∂output/∂node, of a node that the output depends on.

        They are found sooner, and more often, where those of the nodes above were asked for before.
        """
        names = {*self.checked.query.spec.own_names, self.checked.query.output} - {node}
        near, whole = Route(self.checked, node, names), Route(self.checked, node, ())
        found = [*near.forms(), *whole.forms()]
        simplest = min((one.form for one in found if one.form.is_closed), key=preference, default=None)
        above = [*near.with_closed(self.closed)]
        is_gain = any(simplest is None or preference(one.form) < preference(simplest) for one in above)
        is_short = simplest is not None and simplest.operations <= SHORT_CLOSED_FORM
        if not (is_gain or is_short) and self.searched < MOST_SEARCHED:
            self.searched += 1
            found += self._searched(node, whole)
            found += self._searched(node, whole, by_output=True) if whole.uses_output else ()
        return self._chosen(node, [*found, *above], whole.long or near.long)

    def _chosen(self, node: int, found: list[Found], long: Formula | None) -> GradientForms:
        """The simplest form, and behind one that speaks of other gradients the simplest that does not."""
        found.sort(key=lambda one: preference(one.form))
        closed = [one for one in found if one.form.is_closed]
        if closed:
            self.closed[node] = closed[0]
        shown = [*found[:1], *(one for one in closed[:1] if one.form.operations <= MOST_IN_A_CLOSED_FORM)]
        return GradientForms(node, long, tuple(dict.fromkeys(one.form for one in shown)))

    def _searched(self, node: int, whole: Route, by_output: bool = False) -> Iterator[Found]:
        """The form that the search of short formulas gives, if it is proved."""
        form = textbook_form(self.checked, node, by_output)
        if form is None or not self._is_defined(form, node, whole.written):
            return
        form = form._replace(shares=_concerned(form, self.checked.by_own_rules.upstream[node]))
        proof = Proof("algebra")
        if form.shares or not whole.equals(form):
            assumes = tuple(self._adds_up(share) for share in form.shares)
            proof = Proof("points", self.points.equal_at(form, node), assumes)
        if proof.method == "algebra" or proof.points:
            nodes = {of: of for of in self.checked.query.spec.own_names}
            yield Found(ShortForm.of(form.formula, proof), form.graph, form.root, nodes)

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


def _concerned(form: Textbook, gradient: int) -> tuple[int, ...]:
    needed = {*form.graph.needs(of=[form.root, gradient])}
    return tuple(share for share in form.shares if share in needed)
