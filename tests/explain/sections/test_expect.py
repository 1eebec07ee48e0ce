"""`[expect]`: a figure holds to its own last digit, and what does not hold is said with both numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.sections.expect import tolerance
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.written import Written
from bpx.spec.reading.documents.document import Format
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import BpxError, Diagnostic, Source


def third(value: str = "", gradients: str = "") -> NamedGraph:
    """y = x / 3 at x = 1: value and gradient are 0.333…"""
    text = 'bpx = 1\n[inputs]\nx = 1\n[graph]\ny = "x / 3"\n[expect]\n'
    text += f"value = {value}\n" if value else ""
    text += f"gradients = {{ {gradients} }}\n" if gradients else ""
    return read_spec(Source("third.toml", text), "toml")


def unmet(spec: NamedGraph) -> list[Diagnostic]:
    return list(explain(spec).unmet)


# --- to the last written digit ------------------------------------------------------------------


@every(
    "written, off",
    [
        ("0.4", 0.05),
        ("0.40", 0.005),
        ("0.400", 0.0005),
        ("-1.25", 0.005),
        ("12.0", 0.05),
        ("1e-3", 5e-4),
        ("1.5e-3", 5e-5),
        ("1.50e-3", 5e-6),
        ("2.5e3", 50),
        ("1_000.5", 0.05),
        ("6.02E23", 5e20),
    ],
)
def test_a_figure_may_be_off_by_half_a_unit_of_its_last_digit(written: str, off: float) -> None:
    found = tolerance(Written(written), ())
    assert found == pytest.approx(off, rel=1e-9, abs=1e-11 * abs(float(written)))


@pytest.mark.parametrize("exact", [3, -20, 0, 0.25, 1e-9])
def test_a_number_that_is_not_written_is_meant_exactly(exact: float) -> None:
    assert tolerance(exact, ()) == pytest.approx(1e-12 * abs(exact), abs=0)


def test_each_element_has_its_own_tolerance() -> None:
    found = tolerance([[Written("0.5"), 2], [Written("0.25"), Written("1e2")]], (2, 2))
    np.testing.assert_allclose(found, [[0.05, 0], [0.005, 50]], rtol=1e-9, atol=1e-11)


@every(
    "figure, holds",
    [
        ("0.3", True),
        ("0.33", True),
        ("0.34", False),
        ("0.32", False),
        ("0.35", False),
        ("0.333", True),
        ("0.334", False),
        ("0.335", False),
        ("0.3333333333", True),
        ("0.3333333343", False),
        ("3.33e-1", True),
        ("3.4e-1", False),
        ("3.5e-1", False),
        ("-0.33", False),
        ("0", False),
        ("1", False),
    ],
)
@every("format", ["as it is", "toml", "json"])
def test_what_holds(figure: str, holds: bool, format: str) -> None:
    spec = saved(third(value=figure, gradients=f"x = {figure}"), format)
    assert [one.facts["what"] for one in unmet(spec)] == ([] if holds else ["y", "∂y/∂x"])


def saved(spec: NamedGraph, format: Any) -> NamedGraph:
    if format == "as it is":
        return spec
    return read_spec(Source(f"saved.{format}", write_spec(spec, format)), format)


@pytest.mark.parametrize("format", ["toml", "json"])
def test_figures_are_saved_as_written(format: Format) -> None:
    text = write_spec(third(value="0.330", gradients="x = 3.3e-1"), format)
    assert "0.330" in text
    assert "3.3e-1" in text


def test_json_figures_are_judged_by_their_text() -> None:
    document = {"bpx": 1, "inputs": {"x": 1}, "graph": {"y": "x / 3"}}
    text = json.dumps(document)[:-1] + ', "expect": {"value": 0.330}}'
    assert [one.code for one in unmet(read_spec(Source("a.json", text), "json"))] == ["expect-mismatch"]
    text = text.replace("0.330", "0.33")
    assert unmet(read_spec(Source("a.json", text), "json")) == []


# --- what is said -------------------------------------------------------------------------------


def test_both_numbers_are_shown() -> None:
    (value, gradient) = unmet(third(value="0.5", gradients="x = 0.250"))
    assert (value.code, gradient.code) == ("expect-mismatch", "expect-mismatch")
    assert (value.facts["what"], value.facts["expected"]) == ("y", "0.5")
    assert (gradient.facts["what"], gradient.facts["expected"]) == ("∂y/∂x", "0.250")
    for one in (value, gradient):
        assert one.facts["found"] == "0.33333333"
        assert one.facts["expected"] in one.message
        assert one.facts["found"] in one.message


def test_what_holds_goes_unsaid() -> None:
    assert unmet(third(value="0.33", gradients="x = 0.33")) == []
    assert unmet(third()) == []


def test_only_what_fails_is_named() -> None:
    assert [one.facts["what"] for one in unmet(third(value="0.33", gradients="x = 0.5"))] == ["∂y/∂x"]


def test_unmet_stands_in_the_json() -> None:
    (one,) = explain(third(value="0.5")).to_dict()["diagnostics"]
    assert (one["code"], one["severity"]) == ("expect-mismatch", "error")


def matrix(expect: str) -> NamedGraph:
    text = 'bpx = 1\n[inputs]\nW = [[1, 2], [3, 4]]\nt = { value = 1, role = "target" }\n'
    text += '[graph]\nV = "W * 2"\nL = "sum(V^2) * t"\n[expect]\n' + expect
    return read_spec(Source("matrix.toml", text), "toml")


@every(
    "expect, codes",
    [
        ("gradients = { W = [[8, 16], [24, 32]] }", []),
        ("gradients = { W = [[8, 16], [24, 31]] }", ["expect-mismatch"]),
        ("gradients = { W = [8, 16] }", ["expect-shape"]),
        ("gradients = { W = 8 }", ["expect-shape"]),
        ("gradients = { V = [[4, 8], [12, 16]] }", []),
        ("gradients = { V = [[4, 8], [12, 17]] }", ["expect-mismatch"]),
        ("gradients = { t = 120 }", []),
        ("gradients = { t = 121 }", ["expect-mismatch"]),
        ("gradients = { L = 1 }", []),
        ("value = [120]", ["expect-shape"]),
        ("value = 120", []),
    ],
)
def test_arrays_inner_nodes_and_targets(expect: str, codes: list[str]) -> None:
    assert [one.code for one in unmet(matrix(expect))] == codes


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(BpxError) as caught:
        matrix("gradients = { U = 1, Wx = 2 }")
    assert [one.code for one in caught.value.diagnostics] == ["expect-unknown"] * 2


def test_a_gradient_that_is_not_finite_meets_no_figure() -> None:
    text = 'bpx = 1\n[inputs]\nx = 0\n[graph]\ny = "sqrt(x)"\n[expect]\ngradients = { x = 1e300 }\n'
    assert [one.code for one in unmet(read_spec(Source("a.toml", text), "toml"))] == ["expect-mismatch"]


# --- when it is judged --------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"of": "y"}, {"upstream": 2}])
def test_other_questions_are_not_judged(options: dict[str, Any]) -> None:
    assert explain(third(value="0.5"), **options).unmet == ()


@pytest.mark.parametrize(
    "options", [{"wrt": ["y"]}, {"expand": ["all"]}, {"paths": []}, {"second": True}, {"step": 0.1}]
)
def test_a_closer_look_is_judged_as_the_plain_one(options: dict[str, Any]) -> None:
    found = explain(third(value="0.5", gradients="x = 0.5"), **options).unmet
    assert [one.facts["what"] for one in found] == ["y", "∂y/∂x"]


def test_figures_are_stated_of_the_values_in_the_spec_and_of_no_others() -> None:
    text = 'bpx = 1\n[inputs]\nx = 1\n[graph]\ny = "x / 3"\n[expect]\nvalue = 0.5\n'
    assert explain(read_spec(Source("third.toml", text), "toml", {"x": 2})).unmet == ()
    assert len(explain(read_spec(Source("third.toml", text), "toml")).unmet) == 1
