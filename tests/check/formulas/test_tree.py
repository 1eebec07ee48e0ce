"""Small formulas put so that they read well."""

from __future__ import annotations

import numpy as np
import pytest
from rows_of_a_table import every

import bpx.ops
from bpx.check.formulas.tree import (
    Tree,
    adds_like_terms,
    built,
    has_fraction_in_sum,
    readable,
    sums_of_formulas,
    ugliness,
)
from bpx.graph.formula import formula
from bpx.graph.graph import Graph
from bpx.graph.run import run

assert bpx.ops
X, A, Y = 0, 1, 2
ONE_MINUS_A = ("sub", 1.0, A)


def text(tree: Tree) -> str:
    graph = Graph()
    places = [graph.input() for _ in range(3)]
    root = built(tree, graph, places)
    return str(formula(graph, root.id, {place.id: name for place, name in zip(places, "xay", strict=True)}))


def value(tree: Tree) -> float:
    graph = Graph()
    places = [graph.input() for _ in range(3)]
    root = built(tree, graph, places)
    given = {place.id: np.array(number) for place, number in zip(places, (0.7, 0.3, 1.9), strict=True)}
    return float(run(graph, given, [root.id])[root.id])


@every(
    "tree, well",
    [
        (("mul", ONE_MINUS_A, ("mul", A, ("sub", A, Y))), "a * (1 - a) * (a - y)"),
        (("div", ("sub", A, Y), ("mul", ONE_MINUS_A, A)), "(a - y) / (a * (1 - a))"),
        (("neg", ("mul", X, ("sub", A, Y))), "x * (y - a)"),
        (("neg", ("mul", X, A)), "-x * a"),
        (("neg", ("div", X, A)), "-x / a"),
        (("mul", ("mul", X, X), ("pow", X, 2.0)), "x^4"),
        (("div", ("mul", 2.0, X), 4.0), "x / 2"),
        (("mul", ("div", X, A), ("div", Y, X)), "y / a"),
        (("add", X, 1.0), "1 + x"),
        (("mul", 2.0, ("mul", 2.0, X)), "4 * x"),
    ],
)
def test_readable(tree, well):
    assert text(readable(tree)) == well
    assert value(readable(tree)) == pytest.approx(value(tree))


def test_a_number_in_disguise_is_seen():
    assert adds_like_terms(("add", Y, ("mul", 4.0, Y)))
    assert adds_like_terms(("sub", ("add", 1.0, X), ("sub", 1.0, Y)))
    assert adds_like_terms(("mul", X, ("add", 2.0, ("div", 1.0, 2.0))))
    assert not adds_like_terms(("add", X, ("mul", 4.0, Y)))


def test_what_reads_ill():
    assert ugliness(("mul", A, ONE_MINUS_A)) == 0
    assert ugliness(("sub", A, ("pow", A, 2.0))) == sums_of_formulas(("sub", A, ("pow", A, 2.0))) == 1
    assert ugliness(("sub", A, 1.0)) > ugliness(ONE_MINUS_A)
    assert has_fraction_in_sum(("div", 6.0, ("add", X, ("div", 1.0, X))))
    assert not has_fraction_in_sum(("div", ("sub", X, Y), A))
