"""The kind of a slip as `gradcheck` names it: the wrong step as a claim on the graph of the derivation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpx.check.gradcheck import gradcheck
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.graph import Graph
from bpx.graph.named.claim import Claim, Derivative, NamedFormula
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.written import Written as WrittenNumber
from bpx.graph.subgraph import Subgraph
from bpx.spec.derivations.graph.model import Built, Model
from bpx.spec.derivations.graph.points import Point
from bpx.spec.derivations.text.atoms import Atom
from bpx.spec.text.build import build
from bpx.words.diagnostic import BpxError, Source

# Kinds that only describe numbers: an edit of the formula says more.
_VAGUE = {
    *(
        "formula",
        "numbers-of",
        "times-formula",
        "plus-formula",
        "unknown",
        "slip",
        "factor",
        "factor-below-one",
    ),
    *("gradient-above", "other-term", "constant-off", "double", "half", "single-precision"),
    "other-gradient",
    "log-derivative",
}


class Named(NamedTuple):
    """A kind of slip as gradcheck names it, and the right formula in bpx's notation."""

    mistake: Mistake
    op: str
    correct: str


def named_kind(
    model: Model, atom: Atom, built: Built, point: Point, room: Array | None = None
) -> Named | None:
    """What gradcheck says of a wrong step at a point; None where it knows no kind."""
    if not model.exprs:
        return None
    spec = named_graph(model, atom, point)
    claim = _claim(model, spec, atom, built, point, room)
    if claim is None:
        return None
    try:
        report = gradcheck(spec_with(spec, claim), of=None)
    except (BpxError, ValueError, KeyError, IndexError):
        return None
    for culprit in report.blame:
        for mistake in culprit.mistakes[:1]:
            if mistake.code not in _VAGUE and culprit.claim:
                return Named(mistake, culprit.op, str(culprit.correction or ""))
    return None


def spec_with(spec: NamedGraph, claim: Claim) -> NamedGraph:
    """The graph with one claim on it."""
    from dataclasses import replace

    return replace(spec, claims={claim.derivative.text(spec.names[spec.output]): claim})


def named_graph(model: Model, atom: Atom, point: Point) -> NamedGraph:
    """The derivation as a graph with names, at a point; what is derived is its output."""
    fresh = Model(model.sheet, model.input_shapes)
    ends = fresh.ends(atom)
    assert ends is not None
    inputs = tuple(
        Input(name, fresh.exprs[name].id, point[model.exprs[name].id], "data") for name in model.sheet.inputs
    )
    steps = {name: fresh.exprs[name].id for name in model.sheet.equations if name in fresh.exprs}
    return NamedGraph(None, fresh.graph, inputs, steps, ends[0].id, fresh.size, Source("", ""))


def _claim(
    model: Model, spec: NamedGraph, atom: Atom, built: Built, point: Point, room: Array | None
) -> Claim | None:
    if len(atom.by) != 1 or built.expr is None:
        return None
    derivative = Derivative(None, atom.by[0])
    if built.expression is None or room is not None:
        value = model.values([built.expr], point)[0]
        written = _numbers(value)
        return Claim(derivative, None, written, None, room if room is not None else 0.0)
    graph = Graph()
    places, derivatives = {}, {}
    for name in built.expression.names():
        inner = model.sheet.atoms.of_letter(name)
        if inner is not None:
            if len(inner.by) != 1 or inner.by[0] not in spec.nodes:
                return None
            derivatives[name] = Derivative(inner.of if inner.of in spec.nodes else None, inner.by[0])
            expr = model.gradient(inner)
            if expr is None or expr.shape != model.exprs[inner.by[0]].shape:
                return None
            places[name] = graph.input(expr.shape)
        elif name in spec.nodes:
            places[name] = graph.input(model.exprs[name].shape)
    problems: list[object] = []
    root = build(built.expression, graph, places, problems.append)
    if root is None or problems:
        return None
    inside = Subgraph(graph, tuple(place.id for place in places.values()), root.id)
    text = built.expression.text.content.strip()
    return Claim(derivative, NamedFormula(text, tuple(places), inside, derivatives), None, None)


def _numbers(value: Array) -> object:
    if value.ndim:
        return [_numbers(one) for one in value]
    return WrittenNumber(f"{float(value):.17g}") if np.isfinite(value) else WrittenNumber("0")
