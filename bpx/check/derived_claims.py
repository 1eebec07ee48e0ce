"""Claims on other derivatives than those of the output: local ones, ∂a/∂z, and second ones, ∂²L/∂x∂y.

Each is checked as the gradient of a node of its own: of `a`, or of ∂L/∂x, which is a node of the reverse
pass. A derivative that is a matrix is checked row by row, as gradients of the elements of that node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.spec_check import SpecCheck
from bpx.check.whole.checked_graph import FirstDerivative, Query, derived_name
from bpx.check.whole.claims import is_elementwise
from bpx.graph.arrays import Shape
from bpx.graph.named.claim import Claim, Derivative, Index, NamedFormula, higher_partial
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import index_text, shape_text
from bpx.passes.reverse import reverse
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DerivedCheck(NamedTuple):
    """The check of one row of a claimed derivative; in reports it stands under `name`."""

    name: str
    check: SpecCheck


class _Differentiated(NamedTuple):
    """What is derived: a node of a spec, the shape of its elements that are asked for, and their numbers."""

    spec: NamedGraph
    node: int
    elements: NDArray[np.int64]


def derived_checks(query: Query, claim: Claim) -> Iterator[DerivedCheck]:
    """The checks of a claim on a derivative of another node than the output of `query`, or on a second one.

    Raises `BpxError` for a claim of another shape.
    """
    spec, output = query.spec, query.output
    derivative, of = claim.derivative, output
    if derivative.of is not None:
        of = spec.nodes[derivative.of]
    claim = _with_output(claim, spec.names[output])
    node = spec.nodes[derivative.node]
    if derivative.first is None:
        has_form = derivative.of_at is None and _shape_of(claim) in (_part(spec, derivative), ())
        if has_form and is_elementwise(spec.graph, of, node):
            weights = np.ones(spec.graph.shapes[of])
            yield _row(query._replace(output=of, seed=weights), claim, derivative.in_full(""))
            return
        differentiated = _Differentiated(spec, of, _elements(spec.graph.shapes[of], derivative.of_at))
    else:
        weights = query.seed if of == output else np.ones(spec.graph.shapes[of])
        query = query._replace(output=of, seed=weights, local_claims={})
        by = [*derivative.earlier, (derivative.first, derivative.first_at)]
        for times, (name, index) in enumerate(by):
            if times:
                query = _of_entry(query, differentiated, claim)
            differentiated, node = _gradient(query, name, index), spec.nodes[name]
            query = query._replace(first=FirstDerivative(query._replace(wrt={name: node}), node))
    _check_shape(claim, differentiated, _part(spec, derivative))
    yield from _rows(query, differentiated, claim, spec.names[of])


def _with_output(claim: Claim, output: str) -> Claim:
    """The claim with the output named in its derivatives: what is checked here is the gradient of another."""
    if claim.formula is None:
        return claim
    derivatives = {
        name: derivative._replace(of=derivative.of or output)
        for name, derivative in claim.formula.derivatives.items()
    }
    return claim._replace(formula=claim.formula._replace(derivatives=derivatives))


def _of_entry(query: Query, differentiated: _Differentiated, claim: Claim) -> Query:
    """The query of a derivative that is derived once more. Raises `BpxError` where it is not one number."""
    spec, node, elements = differentiated
    if elements.size != 1:
        name = claim.derivative.in_full(spec.names[query.output])
        raise BpxError([Diagnostic("claim-of-array", claim.span, {"name": name})])
    weights = np.zeros(spec.graph.shapes[node])
    weights.flat[int(elements.item())] = 1.0
    return query._replace(spec=spec, output=node, seed=weights)


def _gradient(query: Query, name: str, index: Index | None) -> _Differentiated:
    """The gradient by a node as a node of a spec of its own, in which all old names are kept."""
    spec, of = query.spec, query.output
    graph, node = spec.graph.copy(), spec.nodes[name]
    gradient = reverse(graph[of], [graph[node]], graph.constant(query.seed)).gradient(node)
    shape = graph.shapes[node]
    output = graph.constant(np.zeros(shape)) if gradient is None else gradient
    names = {**spec.names}
    names.setdefault(output.id, f"({derived_name(query, name)})")
    derived = replace(
        spec, graph=graph, output=output.id, size=len(graph), claims={}, composites={}, inner_names=names
    )
    return _Differentiated(derived, output.id, _elements(shape, index))


def _elements(shape: Shape, index: Index | None) -> NDArray[np.int64]:
    """The numbers of the elements that an index means, all of them by default."""
    numbers = np.arange(int(np.prod(shape, dtype=int)), dtype=np.int64).reshape(shape)
    return np.asarray(numbers[() if index is None else index])


def _rows(query: Query, differentiated: _Differentiated, claim: Claim, of: str) -> Iterator[DerivedCheck]:
    """A check for each element that is derived."""
    spec, node, elements = differentiated
    shape, derivative = spec.graph.shapes[node], claim.derivative
    for at in np.ndindex(elements.shape):
        weights = np.zeros(shape)
        weights.flat[int(elements[at])] = 1.0
        index = index_text(tuple(map(int, np.unravel_index(int(elements[at]), shape))))
        if derivative.first is None:
            name = f"∂{of}{index}/∂{derivative.node}"
        else:
            name = higher_partial(of, [*derivative.before, derivative.first + index, derivative.node])
        row = query._replace(spec=spec, output=node, seed=weights)
        yield _row(row, _part_of(claim, at), name)


def _row(query: Query, claim: Claim, name: str) -> DerivedCheck:
    """The check of a claim on the gradient of the output of `query`."""
    node = query.spec.nodes[claim.name]
    claim = claim._replace(derivative=Derivative(None, claim.name, claim.derivative.at))
    spec = replace(query.spec, claims={claim.name: claim})
    return DerivedCheck(
        name, SpecCheck(spec, query._replace(spec=spec, wrt={claim.name: node}), {node: [claim]})
    )


# --- parts of a claim ---------------------------------------------------------------------------


def _shape_of(claim: Claim) -> Shape:
    if claim.formula:
        return claim.formula.inside.graph.shapes[claim.formula.inside.root]
    return np.shape(claim.written)


def _part(spec: NamedGraph, derivative: Derivative) -> Shape:
    """The shape of the entries of the node that are claimed."""
    shape = spec.graph.shapes[spec.nodes[derivative.node]]
    return np.zeros(shape)[() if derivative.at is None else derivative.at].shape


def _check_shape(claim: Claim, differentiated: _Differentiated, part: Shape) -> None:
    wanted, shape = (*differentiated.elements.shape, *part), _shape_of(claim)
    if shape not in (wanted, ()):
        spec = differentiated.spec
        name = claim.derivative.in_full(spec.names[spec.output])
        facts: dict[str, Any] = {"name": name, "found": shape_text(shape), "wanted": shape_text(wanted)}
        is_diagonal = shape == part == differentiated.elements.shape and len(shape) == 1
        help = "claim-diagonal" if is_diagonal else None
        raise BpxError([Diagnostic("claim-shape", claim.span, facts, help)])


def _part_of(claim: Claim, at: tuple[int, ...]) -> Claim:
    """The part of a claimed array that stands at an index."""
    if not at or not _shape_of(claim):
        return claim
    if claim.formula:
        return claim._replace(formula=_formula_part(claim.formula, at))
    written, room = claim.written, np.broadcast_to(claim.room, _shape_of(claim))
    for place in at:
        written = written[place]
    return claim._replace(written=written, room=room[at])


def _formula_part(formula: NamedFormula, at: tuple[int, ...]) -> NamedFormula:
    graph = formula.inside.graph.copy()
    root = graph[formula.inside.root][at]
    return formula._replace(inside=formula.inside._replace(graph=graph, root=root.id))
