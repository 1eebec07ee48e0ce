"""The shortest formula that gives some numbers: small ones are recovered, and chance is never explained."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

import bpx.ops
from bpx.check.formulas.short_formula import ShortFormula, Target, short_formula
from bpx.graph.formula import symbol
from bpx.graph.graph import Graph
from bpx.graph.run import run
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source

assert bpx.ops
NAMES = ("x", "w", "b", "y", "z", "a")
POINTS = 6


def values(names: tuple[str, ...] = NAMES, points: int = POINTS, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.2, 1.8, points) for name in names}


def evaluated(text: str, by_name: dict[str, np.ndarray]) -> np.ndarray:
    expression, problems = parse(SourceText(Source("test", text), text, range(len(text) + 1)))
    assert not problems
    graph = Graph()
    places = {name: graph.input((len(value),)) for name, value in by_name.items()}
    root = build(expression, graph, places, problems.append)
    assert root is not None
    return np.broadcast_to(
        run(graph, {places[name].id: value for name, value in by_name.items()}, [root.id])[root.id], (POINTS,)
    )


def searched(
    by_name: dict[str, np.ndarray], target: np.ndarray, digits: float = 0.0, **options
) -> ShortFormula | None:
    named = {symbol(name): value for name, value in by_name.items()}
    return short_formula(named, Target(target, digits * np.abs(target)), **options)


def formula_of(text: str) -> str | None:
    by_name = values()
    short = searched(by_name, evaluated(text, by_name), functions=("exp", "log", "sigmoid"))
    return short.text if short else None


@every(
    "text, short",
    [
        ("a - y", "a - y"),
        ("-y/a + (1 - y)/(1 - a)", "(a - y) / (a * (1 - a))"),
        ("(a - y)*x", "x * (a - y)"),
        ("(a - y)*a*(1 - a)", "a * (1 - a) * (a - y)"),
        ("x*exp(w)/(1 + y)", "x * exp(w) / (1 + y)"),
        ("-x*y/z", "-x * y / z"),
        ("2*x*(1 - a^2)", "2 * x * (1 - a^2)"),
        ("(x^2 - z)/(w*b)", "(x^2 - z) / (w * b)"),
        ("x*x*x*w", "w * x^3"),
        ("1/x", "1 / x"),
        ("x/2", "x / 2"),
        ("-x", "-x"),
        ("z", "z"),
    ],
)
def test_textbook_forms(text, short):
    assert evaluated(short, values()) == pytest.approx(evaluated(text, values()))
    found = formula_of(text)
    assert found is not None
    assert len(found) <= len(short)
    assert evaluated(found, values()) == pytest.approx(evaluated(text, values()))


LEAF = st.sampled_from([*NAMES, "1", "2"])
TERM = st.one_of(
    LEAF,
    st.builds("(1 - {})".format, st.sampled_from(NAMES)),
    st.builds("{}^2".format, st.sampled_from(NAMES)),
    st.builds("({} {} {})".format, LEAF, st.sampled_from("+-*/"), LEAF),
)
FORMULA = st.builds("{} {} {}".format, TERM, st.sampled_from("+-*/"), TERM)


@settings(max_examples=60, deadline=None)
@given(FORMULA, st.integers(0, 1000))
def test_random_small_formulas_are_recovered(text, seed):
    by_name = values(seed=seed)
    with np.errstate(all="ignore"):
        target = evaluated(text, by_name)
    if not np.isfinite(target).all() or not target.any() or np.ptp(target) < 1e-9:
        return
    short = searched(by_name, target)
    assert short is not None
    elsewhere = values(seed=seed + 1)
    graph = Graph()
    places = {symbol(name): graph.input((POINTS,)) for name in NAMES}
    root = short.on(graph, places).id
    there = run(graph, {place.id: elsewhere[str(name)] for name, place in places.items()}, [root])
    assert there[root] == pytest.approx(evaluated(text, elsewhere))
    assert evaluated(short.text, elsewhere) == pytest.approx(evaluated(text, elsewhere))
    assert len(short.text) <= len(text) + 8


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8),
    st.sampled_from([0.0, 1e-12, 1e-8, 1e-4, 1e-2]),
    st.integers(0, 10_000),
    st.integers(1, 6),
)
def test_random_numbers_are_never_explained(points, digits, seed, count):
    """Whatever their number and their digits: with few of both, no formula is told at all."""
    by_name = values(NAMES[:count], points, seed)
    target = np.random.default_rng(seed + 1).normal(size=points)
    assert searched(by_name, target, digits, functions=("exp", "log"), constants=(3.0,)) is None


def test_with_few_digits_a_formula_needs_many_points():
    """Two digits at one point are any formula's; at thirty points they are one formula's."""
    for points, explained in ((1, False), (2, False), (30, True)):
        by_name = values(points=points)
        target = np.round((by_name["a"] - by_name["y"]) * by_name["x"], 2)
        named = {symbol(name): value for name, value in by_name.items()}
        short = short_formula(named, Target(target, np.full(points, 0.005)))
        assert (short is not None) is explained
        if short:
            assert short.text == "x * (a - y)"


def test_points_that_repeat_count_once():
    by_name = {name: np.full(12, value[0]) for name, value in values().items()}
    target = np.full(12, np.round(by_name["a"][0] * by_name["x"][0], 4))
    named = {symbol(name): value for name, value in by_name.items()}
    assert short_formula(named, Target(target, np.full(12, 0.5e-4))) is None


def test_a_formula_must_hold_at_every_point():
    by_name = values(points=40)
    target = by_name["a"] - by_name["y"]
    target[17] += 1e-5
    assert searched(by_name, target) is None


def test_the_answer_does_not_depend_on_the_order_of_the_points():
    by_name = values(points=20)
    target = (by_name["a"] - by_name["y"]) * by_name["a"] * (1 - by_name["a"])
    order = np.random.default_rng(3).permutation(20)
    forward, shuffled = (
        searched({name: value[which] for name, value in by_name.items()}, target[which])
        for which in (np.arange(20), order)
    )
    assert forward is not None
    assert shuffled is not None
    assert forward.text == shuffled.text == "a * (1 - a) * (a - y)"


def test_names_without_a_number_and_no_names_at_all():
    assert searched({}, np.ones(3)) is None
    assert searched({"x": np.array([1.0, np.nan])}, np.ones(2)) is None
    assert short_formula({symbol("x"): np.ones(2)}, Target(np.array([1.0, np.inf]), np.zeros(2))) is None


def test_numbers_are_not_made_of_numbers():
    """0.1 is no `1 / (2 * (1 + 4))`, and no `y / (2 * (y + 4 * y))`."""
    by_name = values(("x", "y"))
    assert searched(by_name, 0.1 * by_name["x"] ** 3) is None


def test_it_is_fast():
    by_name = values((*NAMES, "c", "d", "e", "g"))
    target = np.random.default_rng(1).normal(size=POINTS)
    begin = time.process_time()
    searched(by_name, target, functions=("exp", "log", "sigmoid"))
    assert time.process_time() - begin < 1.0  # 0.07 s on an idle machine
