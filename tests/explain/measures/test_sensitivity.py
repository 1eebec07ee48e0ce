"""Changes that are made, against forward passes of specs with other values and Hessians."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.explain.measures.sensitivity import Change, Sensitivity

SCALARS = ["logistic_regression", "mazur_network", "tiny_network", "two_paths", "sigmoid_by_parts", "swish"]


def changes(spec: bpx.Spec, step: float = 0.01, **options: Any) -> list[Change]:
    section = spec.explain(sensitivity=step, check=False, **options).section(Sensitivity)
    assert section
    return list(section.changes)


@every("name", SCALARS)
def test_a_change_is_what_another_forward_pass_gives(name: str) -> None:
    spec = bpx.load(name)
    values = {leaf.name: leaf.value for leaf in spec.inputs}
    base = float(spec.explain(check=False).value)
    explanation = spec.explain(second=True, check=False)
    hessian = {(row.input, row.entry): row.by[row.input][row.entry] for row in explanation.second}
    found = changes(spec)
    assert len(found) == sum(np.size(gradient) for gradient in explanation.gradients.values())
    for change in found:
        moved = np.array(values[change.name])
        moved[change.entry] += 0.01
        after = float(spec.with_values({change.name: moved}).explain(check=False).value)
        assert change.output == pytest.approx(after, rel=1e-13)
        assert change.change == pytest.approx(after - base, rel=1e-9)
        gradient = explanation.gradients[change.name][change.entry]
        assert change.predicted == pytest.approx(0.01 * gradient, rel=1e-12)
        second = 0.01**2 / 2 * hessian[change.name, change.entry]
        assert change.second == pytest.approx(second, rel=1e-9, abs=1e-18)
    sizes = [abs(change.change) for change in found]
    assert sizes == sorted(sizes, reverse=True)


def test_an_inner_node_is_changed_with_all_that_depends_on_it() -> None:
    spec = bpx.parse("h = x^2; L = h*h + x", x=2)
    (change,) = changes(spec, 0.5, wrt="h")
    assert (change.before, change.after, change.output) == (4.0, 4.5, 4.5**2 + 2)
    assert (change.predicted, change.second) == (4.0, 0.25)


def test_an_array_output_is_weighted() -> None:
    spec = bpx.parse("x^2", x=[1.0, 2.0])
    found = {change.entry: change.change for change in changes(spec, 1.0, upstream=[10.0, 1.0])}
    assert found == {(0,): 30.0, (1,): 5.0}


@every(
    "formula, x, step, cause, kinks",
    [
        ("x^2", 3.0, 1e-3, None, ()),
        ("x^2", 0.0, 0.1, "curvature", ()),
        ("exp(x)", 0.0, 3.0, "higher", ()),
        ("abs(x)", -0.1, 1.0, "kink", ("abs(x)",)),
        ("relu(x-1) + 3", 0.5, 1.0, "kink", ("relu(x - 1)",)),
        ("max(x, 1-x)", 0.4, 1.0, "kink", ("max(x, 1 - x)",)),
        ("log(x)", 1.0, -2.0, "outside", ()),
        ("x", 1e9, 1e-12, None, ()),  # nothing but rounding
        ("relu(x) + 100*x", 0.5, -1.0, None, ()),  # a kink that bears little
    ],
)
def test_the_cause_of_a_difference(
    formula: str, x: float, step: float, cause: str | None, kinks: Any
) -> None:
    (change,) = changes(bpx.parse(formula, x=x), step)
    assert (change.cause, tuple(kink.removeprefix("out = ") for kink in change.kinks)) == (cause, kinks)


def test_many_entries_are_shown_in_part_and_all_in_json() -> None:
    explanation = bpx.load("two_moons").explain(sensitivity=0.01, check=False)
    assert "… 517 rows omitted" in str(explanation)
    assert len(explanation.to_dict()["sensitivity"]["changes"]) == 537


@pytest.mark.parametrize("step", [0.0, float("nan"), float("inf")])
def test_a_change_that_is_none(step: float) -> None:
    with pytest.raises(bpx.BpxError) as caught:
        bpx.parse("x", x=1).explain(sensitivity=step)
    assert caught.value.diagnostics[0].code == "bad-change"


def test_batches_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = changes(bpx.load("xor"))
    monkeypatch.setattr("bpx.explain.measures.sensitivity._MOST_AT_ONCE", 1)
    for one, other in zip(whole, changes(bpx.load("xor")), strict=True):
        assert one[:2] == other[:2]
        assert one.change == pytest.approx(other.change, rel=1e-10, abs=1e-15)
