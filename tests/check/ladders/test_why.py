"""Why an entry has its verdict: every line can be redone by hand, and says what it is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from invoking import invoke
from rows_of_a_table import every

import bpx
from bpx.check.ladders.why import Note, Source, Why

X = np.array([0.7, 1.1, -0.3])


def why(target: str, entry: str, /, **values: Any) -> Why:
    """The ladder of an entry of a formula."""
    claims = values.pop("claims", None)
    spec = bpx.load(target, **values) if claims is None else bpx.load(target, **values, claims=claims)
    found = spec.gradcheck(why=entry).why
    assert found is not None
    return found


@every(
    "target, entry, values, function, slope",
    [
        ("exp(x)*sin(3*x)", "x", {"x": 0.7}, lambda t: np.exp(t) * np.sin(3 * t), None),
        ("x^3*y", "x", {"x": 2.0, "y": 5.0}, lambda t: t**3 * 5.0, 60.0),
        ("sum(x*x)", "x[2]", {"x": X}, lambda t: X[:2] @ X[:2] + t * t, -0.6),
        ("sum(x*x)", "∂out/∂x[ 0 ]", {"x": X}, lambda t: t * t + X[1:] @ X[1:], 1.4),
        ("log(x)", "x", {"x": 1e-30}, np.log, 1e30),
        ("abs(x - 1e-5)", "x", {"x": 0.0}, lambda t: np.abs(t - 1e-5), -1.0),
        ("floor(x)*x", "x", {"x": 2.5}, lambda t: np.floor(t) * t, 2.0),
    ],
)
def test_every_line_can_be_redone_by_hand(
    target: str, entry: str, values: dict[str, Any], function: Callable[[Any], Any], slope: float | None
) -> None:
    found = why(target, entry, **values)
    x = found.ladder.x
    for rung in found.rungs:
        if not math.isfinite(rung.central):
            continue
        assert rung.central == (rung.above - rung.below) / (2 * rung.step)
        assert rung.right == (rung.above - found.ladder.middle) / rung.step
        for end, value in ((x + rung.step, rung.above), (x - rung.step, rung.below)):
            assert value == pytest.approx(float(function(end)), rel=1e-14, abs=1e-14)
    true = found.asked.reference if slope is None else slope
    assert found.ladder.value == pytest.approx(true, rel=1e-9)
    assert found.plateau is not None
    first, last = found.plateau
    assert {rung.note for rung in found.rungs[first : last + 1]} == {Note.PLATEAU}
    assert all(abs(rung.central - true) <= 1e-4 * abs(true) for rung in found.rungs[first : last + 1])
    assert any(rung.used for rung in found.rungs)
    assert found.by_hand is found.rungs[first]


def test_what_ends_the_plateau_is_said() -> None:
    notes = [rung.note for rung in why("exp(x)*sin(3*x)", "x", x=0.7).rungs]
    assert notes[0] == Note.CURVATURE
    assert notes[-1] == Note.ROUNDING
    assert notes == sorted(notes, key=[Note.CURVATURE, Note.PLATEAU, Note.ROUNDING].index)
    assert {rung.note for rung in why("abs(x - 1e-5)", "x", x=0.0).rungs[:8]} == {Note.KINK}
    assert why("log(x)", "x", x=0.25).rungs[0].note == Note.UNDEFINED


def test_the_error_estimate_holds_where_it_is_no_noise() -> None:
    found = why("exp(x)*sin(3*x)", "x", x=0.7)
    for rung in found.rungs:
        if rung.step > 1e-4:
            assert abs(rung.central - found.asked.reference) <= 1.1 * rung.error


def test_at_a_kink_both_sides_are_shown() -> None:
    found = why("relu(x)", "x", x=0.0)
    assert found.two_sided
    assert {(rung.right, rung.left) for rung in found.rungs} == {(1.0, 0.0)}
    assert "1" in invoke("gradcheck", "sqrt(x)", "x=0", "--why", "x").stdout


def test_a_slope_below_the_grain_of_f_is_no_plateau() -> None:
    found = why("log(1+exp(x))", "x", x=-40.0)
    assert found.is_too_fine
    assert found.plateau is None


def test_second_and_local_derivatives_and_nodes() -> None:
    report = bpx.load("x^2*y", x=3.0, y=2.0).gradcheck(order=2, why="∂²out/∂x∂y")
    assert report.why is not None
    assert (report.why.asked.function, report.why.asked.moved) == ("∂out/∂x", "y")
    assert report.why.ladder.value == pytest.approx(6.0)
    shown = json.loads(
        invoke(
            "gradcheck", "logistic_regression", "--claim", "z = y - a", "--why", "z", "--json", exit=1
        ).stdout
    )["why"]
    assert (shown["entry"], shown["moved"], shown["function"], shown["verdict"]) == (
        "z",
        "z",
        "L",
        "disagree",
    )
    assert shown["ladder"]["value"] == pytest.approx(shown["reference"], rel=1e-9)
    local = ["gradcheck", "logistic_regression", "--claim", "∂a/∂z = a*(1+a)", "--why", "∂a/∂z", "--json"]
    shown = json.loads(invoke(*local, exit=1).stdout)["why"]
    assert (shown["moved"], shown["function"]) == ("z", "a")


def black_box(x: Any) -> float:
    return float(np.sum(np.exp(np.asarray(x, dtype=float))))


def test_of_a_black_box_the_ladder_is_what_the_check_used() -> None:
    report = bpx.gradcheck(black_box, [X], lambda g, x: 2 * g * np.exp(x), why="x[1]", exact=False)
    assert report.why is not None
    assert report.why.asked.source is Source.DIFFERENCES
    assert report.why.ladder.value == report.why.asked.reference
    for rung in report.why.rungs:
        at = [X + step * np.eye(3)[1] for step in (rung.step, -rung.step)]
        assert [rung.above, rung.below] == [black_box(at[0]), black_box(at[1])]


def test_the_source_of_a_reference_in_many_digits_is_said() -> None:
    report = bpx.gradcheck(black_box_of_objects, [np.array([1e-9])], lambda g, x: g * x, why="x")
    assert report.why is not None
    assert report.why.asked.source in (Source.MANY_DIGITS, Source.PROOF)


def black_box_of_objects(x: Any) -> Any:
    return (1 - np.cos(x)).sum()


def test_traced_code_and_several_outputs() -> None:
    report = bpx.gradcheck(lambda x: np.sin(x), [X], lambda g, x: g * np.sin(x), why="x[0]")
    assert report.why is not None
    assert report.why.ladder.value == pytest.approx(report.why.asked.reference, rel=1e-9)
    untraced = bpx.gradcheck(
        lambda x: np.array([black_box(x), 2 * black_box(x)]),
        [X],
        lambda g, x: g[0] * np.exp(x),
        why="x[0]",
        exact=False,
    )
    assert untraced.why is not None
    assert untraced.why.asked.function.endswith("[1]")
    assert untraced.why.ladder.value == pytest.approx(2 * math.exp(0.7), rel=1e-9)


SQUARES = (lambda x: np.array([x**2, x**3]), [np.array(1.5)], lambda g, x: g[0] * 2 * x + g[1] * x)


def test_of_traced_code_one_element_of_the_output_can_be_asked_for() -> None:
    [mixed, one] = (bpx.gradcheck(*SQUARES, names=["x"], why=why).why for why in ("x", "∂output[1] / ∂x"))
    assert mixed is not None and one is not None
    assert (mixed.asked.function, mixed.asked.element) == ("sum(g * output)", "∂output[0]/∂x")
    assert (one.asked.label, one.asked.function) == ("∂output[1]/∂x", "output[1]")
    assert (one.asked.claimed, one.asked.verdict) == (1.5, "disagree")
    assert one.ladder.value == pytest.approx(3 * 1.5**2, rel=1e-9)
    with pytest.raises(bpx.BpxError, match="no-such-entry"):
        bpx.gradcheck(*SQUARES, names=["x"], why="∂output[2]/∂x")


def test_an_entry_nobody_knows_is_refused() -> None:
    found = invoke("gradcheck", "sum(x*x)", "x=[1,2]", "--why", "x[2]", exit=2)
    assert "error[no-such-entry]" in found.stderr


@every("form", ["plain", "table", "markdown", "latex", "json"])
def test_all_forms_have_it(form: str) -> None:
    shown = invoke("gradcheck", "x^2", "x=3", "--why", "x", "--format", form).stdout
    assert shown == invoke("gradcheck", "x^2", "x=3", "--why", "x", "--format", form).stdout
    assert ("1.11" in shown) == (form != "json")
    assert ('"why": {' in shown) == (form == "json")
    assert all(len(line) <= 80 for line in shown.splitlines()) or form != "table"
