"""Drawn numbers are those of NumPy's frozen stream, for ever; tables hand out their columns."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.recipe import Normal, NumberTable, Uniform
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.write import to_document
from bpx.words.diagnostic import BpxError, Source


def read(inputs: dict[str, Any], tables: dict[str, Any] | None = None, **values: Any) -> NamedGraph:
    document = {"bpx": 1, "tables": tables or {}, "inputs": inputs, "graph": {"y": "+".join(inputs)}}
    return read_spec(Source("s.json", json.dumps(document)), "json", values)


def first(spec: NamedGraph) -> Input:
    return spec.inputs[0]


# Written down once; a version of NumPy that draws others would break every spec that draws.
NORMAL = [[1.6243453636632417, -0.6117564136500754], [-0.5281717522634557, -1.0729686221561705]]
UNIFORM = [0.417022004702574, 0.7203244934421581, 0.00011437481734488664]


def test_the_numbers_drawn_are_always_the_same() -> None:
    assert Normal((2, 2), 1).array().tolist() == NORMAL
    assert Uniform((3,), 1).array().tolist() == UNIFORM


def test_numbers_are_scaled_and_moved() -> None:
    np.testing.assert_array_equal(Normal((2, 2), 1, 3, 0.5).array(), np.array(NORMAL) * 0.5 + 3)
    np.testing.assert_array_equal(Uniform((3,), 1, -1, 3).array(), np.array(UNIFORM) * 4 - 1)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 4), max_size=3))
def test_uniform_numbers_lie_between_their_bounds(seed: int, shape: list[int]) -> None:
    found = Uniform(tuple(shape), seed, -2, 0.5).array()
    assert found.shape == tuple(shape)
    assert ((found >= -2) & (found < 0.5)).all()


def test_an_input_is_drawn_as_its_spec_says() -> None:
    spec = read({"W": {"normal": [2, 2], "mean": 1, "scale": 2, "seed": 1, "role": "parameter"}})
    np.testing.assert_array_equal(first(spec).value, np.array(NORMAL) * 2 + 1)
    assert first(spec).role == "parameter"
    assert first(spec).recipe == Normal((2, 2), 1, 1, 2)


def test_the_same_seed_gives_the_same_numbers_to_each_input() -> None:
    spec = read({"a": {"uniform": [3], "seed": 1}, "b": {"uniform": [3], "seed": 1}})
    assert [one.value.tolist() for one in spec.inputs] == [UNIFORM, UNIFORM]


def test_a_drawn_number_may_be_a_scalar() -> None:
    assert first(read({"a": {"uniform": [], "seed": 1}})).value == UNIFORM[0]


def test_what_is_drawn_cannot_be_changed_in_place() -> None:
    for one in read({"a": {"uniform": [], "seed": 1}, "b": {"normal": [2], "seed": 1}}).inputs:
        with pytest.raises(ValueError, match="read-only"):
            one.value[...] = 0


# --- saving -------------------------------------------------------------------------------------

DRAWN = {"normal": [100, 100], "scale": 0.1, "seed": 7, "role": "parameter", "range": [-1, 1]}


def test_the_recipe_is_saved_and_not_the_numbers() -> None:
    assert to_document(read({"W": DRAWN}))["inputs"] == {"W": DRAWN}


def test_other_numbers_are_saved_as_numbers() -> None:
    given_value = read({"W": {"normal": [2], "seed": 1}}, W=[1, 2])
    assert to_document(given_value)["inputs"] == {"W": [1, 2]}
    assert first(given_value).recipe is None


def test_numbers_that_a_step_has_changed_are_saved_as_numbers() -> None:
    spec = read({"W": {"uniform": [3], "seed": 1, "role": "parameter"}})
    moved = first(spec)._replace(value=first(spec).value - 0.5)
    entry = to_document(replace(spec, inputs=(moved,)))["inputs"]["W"]
    assert entry == {"value": [one - 0.5 for one in UNIFORM], "role": "parameter"}


# --- room ---------------------------------------------------------------------------------------


def refused(inputs: dict[str, Any]) -> list[str]:
    with pytest.raises(BpxError) as caught:
        read(inputs)
    return [problem.message for problem in caught.value.diagnostics]


@pytest.mark.parametrize("entry", [{"normal": [2**14, 2**14]}, {"uniform": [10**100] * 3}])
def test_what_would_not_fit_takes_no_memory(entry: dict[str, Any]) -> None:
    tracemalloc.start()
    try:
        (message,) = refused({"a": {**entry, "seed": 1}})
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert message.startswith("`a` would have ")


def test_all_inputs_together_must_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpx.spec.reading.decode_inputs.LARGEST_DRAWN", 10)
    messages = refused({name: {"normal": [2, 2], "seed": 1} for name in "abc"})
    assert messages == [
        "`c` would have 12 elements, together with the inputs before it, more than bpx computes"
    ]


# --- tables -------------------------------------------------------------------------------------

IRIS = {"columns": ["length", "width", "species"], "rows": [[5.1, 3.5, 0], [4.9, 3.0, 0], [6.2, 2.9, 1]]}


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({}, IRIS["rows"]),
        ({"columns": ["length", "width"]}, [[5.1, 3.5], [4.9, 3], [6.2, 2.9]]),
        ({"columns": ["species", "length"]}, [[0, 5.1], [0, 4.9], [1, 6.2]]),
        ({"columns": ["species"]}, [[0], [0], [1]]),
        ({"column": "species"}, [0, 0, 1]),
    ],
)
def test_an_input_takes_columns_of_a_table(entry: dict[str, Any], value: Any) -> None:
    spec = read({"X": {"table": "iris", **entry, "role": "target"}}, {"iris": IRIS})
    assert first(spec).value.tolist() == value
    assert first(spec).value.flags.c_contiguous
    assert not first(spec).value.flags.writeable
    assert to_document(spec)["inputs"]["X"] == {"table": "iris", **entry, "role": "target"}


def test_a_table_is_saved_as_it_is_written() -> None:
    spec = read({"X": {"table": "iris"}}, {"iris": IRIS, "other": IRIS})
    assert to_document(spec)["tables"] == {"iris": IRIS, "other": IRIS}
    assert spec.tables["iris"].cells.tolist() == IRIS["rows"]
    assert isinstance(spec.tables["iris"], NumberTable)


def test_a_table_that_no_input_uses_is_a_warning() -> None:
    spec = read({"X": {"table": "iris"}}, {"iris": IRIS, "other": IRIS})
    assert [(one.code, one.severity, one.span and one.span.text) for one in spec.warnings] == [
        ("unused-table", "warning", '"other"')
    ]
