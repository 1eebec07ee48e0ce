"""Hostile files and arguments are refused by counts, before anything is made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bpx
from bpx.graph.graph import Graph
from bpx.spec.code.lines.edits import LONGEST_EDITED, edits
from bpx.spec.models.model import ModelError
from bpx.spec.models.protobuf import has_more_fields
from bpx.spec.models.pt2 import MOST_REPEATED, _strided
from bpx.spec.reading import claims
from bpx.spec.reading.target import names_file, read_text
from bpx.spec.tables import stated
from bpx.spec.tables.safetensors import read_safetensors
from bpx.words.diagnostic import BpxError, Diagnostic, Source


def _loaded(steps: list[str]) -> bpx.Spec:
    text = "\n".join(["bpx = 1", "[inputs]", "x = 1", "s0 = 2", "[graph]", *steps])
    return bpx.Spec.of(read_text(Source("chain.toml", text)))


@pytest.mark.parametrize("work", [lambda spec: spec.explain(named=True), bpx.Spec.to_code])
def test_names_end_what_is_walked_through(work: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas in the names of steps take as long as they are, however much stands in front of them."""
    needs, walked = Graph.needs, 0

    def counted(self: Graph, **options: object) -> list[int]:
        nonlocal walked
        needed = needs(self, **options)  # type: ignore[arg-type]
        walked += len(needed)
        return needed

    monkeypatch.setattr(Graph, "needs", counted)
    counts = []
    for length in (50, 200):
        walked = 0
        work(_loaded([f's{i + 1} = "s{i}*1.01 + x"' for i in range(length)]))  # type: ignore[operator]
        counts.append(walked)
    assert counts[1] <= 4.2 * counts[0]


def test_tensors_that_share_their_bytes_are_refused() -> None:
    entry = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
    problems: list[Diagnostic] = []
    for count, codes in ((1, []), (2, ["table-broken"])):
        header = json.dumps({f"k{i}": entry for i in range(count)}).encode()
        data = len(header).to_bytes(8, "little") + header + b"\0" * 16
        assert len([*read_safetensors("a.safetensors", data, problems)]) == (not codes)
        assert [problem.code for problem in problems] == codes


def _field(at: int, payload: bytes | int) -> bytes:
    if isinstance(payload, int):
        return bytes([at << 3, payload])
    return bytes([at << 3 | 2, len(payload)]) + payload


def test_fields_inside_messages_are_counted() -> None:
    attribute = _field(1, b"axis") + _field(3, 1)
    node = _field(1, b"x") + _field(2, b"y") + _field(5, attribute)
    tensor = _field(1, 7) + _field(9, b"\x0a\x00" * 20)  # numbers that look like messages are none
    model = _field(1, 8) + _field(7, _field(1, node) * 3 + _field(5, tensor))
    fields = 2 + 4 + 3 * (3 + 2) + 2
    assert not has_more_fields(model, fields)
    assert has_more_fields(model, fields - 1)
    assert not has_more_fields(model[:-5], fields)


def test_a_tensor_that_repeats_its_numbers_is_bounded() -> None:
    def meta(length: int) -> dict[str, object]:
        return {"sizes": [{"as_int": length}], "strides": [{"as_int": 0}], "storage_offset": {"as_int": 0}}

    data = np.ones(1).tobytes()
    assert _strided(data, np.dtype("f8"), meta(3), "w").tolist() == [1, 1, 1]
    with pytest.raises(ModelError, match="model-short"):
        _strided(data, np.dtype("f8"), meta(MOST_REPEATED + 1), "w")


def test_statements_of_any_length_are_not_edited() -> None:
    scope = {"x": np.ones(2), "y": np.ones(2)}
    for count, are_edited in ((20, True), (LONGEST_EDITED // 4, False)):
        found = next(edits("z = " + "x + " * count + "y", scope, False), None)
        assert (found is not None) == are_edited


def test_no_file_has_so_long_a_name() -> None:
    assert names_file("a" * 4000 + ".toml")
    assert not names_file("a" * 5000 + ".toml")


@pytest.mark.parametrize("value", [np.broadcast_to(1.0, 10**12), np.broadcast_to(1, (2**26 + 1,))])
def test_arrays_are_too_large_before_they_are_copied(value: object) -> None:
    with pytest.raises(BpxError) as refusal:
        bpx.parse("sum(x)", x=value)
    assert [problem.code for problem in refusal.value.diagnostics] == ["input-too-large"]


def test_claims_are_read_no_further_than_their_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MOST_READ", 3)
    monkeypatch.setattr(stated, "MOST_READ", 3)
    read: list[object] = []
    derivative = claims.claimed_derivative

    def counted(spec: object, syntax: object, problems: object) -> object:
        read.append(syntax)
        return derivative(spec, syntax, problems)  # type: ignore[arg-type]

    monkeypatch.setattr(claims, "claimed_derivative", counted)
    monkeypatch.setattr(stated, "claimed_derivative", counted)
    with pytest.raises(BpxError):
        bpx.gradcheck("x^2", {"x": 1.0}, claims={f"k{i}": 1.0 for i in range(50)})
    assert len(read) == 8  # what they mean, and what is wrong with them


def test_a_long_answer_is_cut_where_it_is_shown() -> None:
    sheet = bpx.parse("x^2", x=3).practice()
    graded = bpx.grade(sheet, dict.fromkeys(sheet.exercise.asked, "9" * 10000))
    assert len(str(graded.to("plain"))) < 5_000


@pytest.mark.parametrize("name", ["a.ipynb", "a.md"])
def test_brackets_in_a_notebook_are_no_sheet(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text('{"cells": ' + "[" * 100_000)
    with pytest.raises(BpxError) as refusal:
        bpx.grade(tmp_path / name)
    assert [problem.code for problem in refusal.value.diagnostics] == ["no-sheet"]
