"""Rational functions: equal ones are equal values, and nothing is lost on the way."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from rows_of_a_table import every

import bpx.ops
from bpx.check.formulas.rational import ZERO, Rational
from bpx.check.formulas.tree import Tree, built, exact
from bpx.graph.formula import formula
from bpx.graph.graph import Graph

assert bpx.ops
A, Y, X = (Rational.atom(atom) for atom in range(3))
ONE, TWO = Rational(Fraction(1)), Rational(Fraction(2))


def text(form: Rational) -> str:
    graph = Graph()
    places = [graph.input() for _ in range(3)]
    root = built(form.tree, graph, places)
    return str(formula(graph, root.id, {place.id: name for place, name in zip(places, "ayx", strict=True)}))


def cross_entropy_by_a() -> Rational:
    return ONE.plus(Y, -1).times(ONE.plus(A, -1), -1).plus(Y.times(A, -1), -1)


@every(
    "form, wanted",
    [
        (cross_entropy_by_a(), "(a - y) / (a * (1 - a))"),
        (cross_entropy_by_a().times(A).times(ONE.plus(A, -1)), "a - y"),
        (ONE.plus(A).times(ONE.plus(A, -1)).times(ONE.plus(A), -1), "1 - a"),
        (X.times(X).plus(Y.times(Y), -1).times(X.plus(Y), -1), "(x^2 - y^2) / (y + x)"),
        (Rational(Fraction(2, 3)).times(A.plus(Y, -1)), "2 * (a - y) / 3"),
        (Rational(Fraction(-1, 3)).times(A), "-a / 3"),
        (A.plus(Y.times(Rational(Fraction(1, 100)))), "a + y / 100"),
        (A.plus(A, -1), "0"),
        (TWO.times(A).plus(TWO.times(X)), "2 * (a + x)"),
    ],
)
def test_as_it_reads(form: Rational, wanted: str) -> None:
    assert text(form) == wanted


def value(tree: Tree, at: list[Fraction]) -> Fraction:
    """The value of a tree in exact numbers, by an evaluation of its own."""
    if isinstance(tree, int):
        return at[tree]
    if isinstance(tree, float):
        return exact(tree)
    args = [value(arg, at) for arg in tree[1:]]
    match tree[0]:
        case "add":
            return args[0] + args[1]
        case "sub":
            return args[0] - args[1]
        case "mul":
            return args[0] * args[1]
        case "div":
            return args[0] / args[1]
        case "pow":
            return args[0] ** int(args[1])
        case _:
            return -args[0]


def random_tree(random: Random, depth: int) -> Tree:
    if not depth or random.random() < 0.2:
        return random.choice([0, 1, 2, 1.0, 2.0, 3.0])
    op = random.choice(["add", "sub", "mul", "div", "add", "mul"])
    return (op, random_tree(random, depth - 1), random_tree(random, depth - 1))


def rational(tree: Tree) -> Rational:
    if not isinstance(tree, tuple):
        return Rational.atom(tree) if isinstance(tree, int) else Rational(exact(tree))
    left, right = map(rational, tree[1:])
    match tree[0]:
        case "add":
            return left.plus(right)
        case "sub":
            return left.plus(right, -1)
        case "mul":
            return left.times(right)
        case _:
            return left.times(right, -1)


def test_values_are_those_of_the_formula():
    random, checked = Random(3), 0
    at = [Fraction(7, 5), Fraction(-11, 13), Fraction(17, 19)]
    for _ in range(300):
        tree = random_tree(random, 4)
        try:
            wanted, form = value(tree, at), rational(tree)
        except (ZeroDivisionError, OverflowError):
            continue
        checked += 1
        assert value(form.tree, at) == wanted
        assert form.plus(form, -1) == ZERO
    assert checked > 200


def test_division_by_zero_and_sums_too_long():
    with pytest.raises(ZeroDivisionError):
        ONE.times(A.plus(A, -1), -1)
    total = A.plus(Y).plus(X)
    with pytest.raises(OverflowError):
        for power in range(1, 30):
            total = total.plus(A.times(Y, power)).plus(X.times(A, power)).times(total)
