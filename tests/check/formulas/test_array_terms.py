"""Formulas of whole arrays, by shapes."""

from __future__ import annotations

import bpx.ops
from bpx.check.formulas.array_terms import array_terms
from bpx.graph.formula import formula
from bpx.graph.graph import Graph

assert bpx.ops


def texts(shape: tuple[int, ...], **shapes: tuple[int, ...]) -> set[str]:
    graph = Graph()
    names = {graph.input(one).id: name for name, one in shapes.items()}
    terms = array_terms(graph, list(names), shape)
    assert all(term.shape == shape for term in terms)
    return {str(formula(graph, term.id, names)) for term in terms}


def test_the_gradients_of_a_linear_layer():
    assert "X.T @ d" in texts((4, 2), X=(5, 4), d=(5, 2))
    assert "d @ W.T" in texts((5, 4), W=(4, 2), d=(5, 2))
    assert "sum(d, axis=0)" in texts((2,), d=(5, 2))


def test_differences_inside_a_product():
    assert "h.T @ (o - T)" in texts((4, 2), h=(5, 4), o=(5, 2), T=(5, 2))
    assert "sum(o - T, axis=0)" in texts((2,), o=(5, 2), T=(5, 2))


def test_vectors():
    assert texts((3, 2), a=(3,), b=(2,)) == {"outer(a, b)"}
    assert texts((3,), a=(3,)) == {"softmax(a)"}
    assert "W @ x" in texts((3,), W=(3, 2), x=(2,))
    assert "W.T @ d" in texts((2,), W=(3, 2), d=(3,))
    assert texts((2, 3), W=(3, 2)) == {"W.T"}


def test_scalars_make_none():
    assert texts((), a=(), b=()) == set()


def test_they_are_not_many_whatever_the_names():
    shapes = {f"a{i}": (3, 3) for i in range(30)}
    graph = Graph()
    nodes = [graph.input(shape).id for shape in shapes.values()]
    assert len(array_terms(graph, nodes, (3, 3))) <= 300
    large = Graph()
    nodes = [large.input((400, 400)).id for _ in range(4)]
    assert len(array_terms(large, nodes, (400, 400))) <= 4
