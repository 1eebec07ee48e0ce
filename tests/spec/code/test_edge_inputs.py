"""Arrays at the edge of what NumPy has as inputs of code, from files, and numbers of safetensors files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invoking import error_codes, invoke, plain_json
from rows_of_a_table import every

TRACED = """
import numpy as np

def forward(x):
    return np.sum(x * x)

def backward(x):
    return 2 * x
"""
# Arrays of objects are not traced, so that calls alone say what the slope is.
CALLED = TRACED.replace("x * x)", "np.frompyfunc(lambda v: v * v, 1, 1)(x))")
FLOATS = np.array([1.5, -2.0])
INPUTS: list[tuple[Any, str]] = [
    (np.array([np.nan, 1.0]), "outside domain"),
    (np.array([np.inf, 1.0]), "outside domain"),
    (np.array([np.longdouble("1e4000"), 2]), "outside domain"),
    (np.array([-0.0, 5e-324]), "agree"),
    (FLOATS.astype(np.float16), "agree"),
    (FLOATS.astype(np.longdouble), "agree"),
    (FLOATS.astype(">f8"), "agree"),
    (np.asfortranarray(np.outer(FLOATS, FLOATS)), "agree"),
    (np.array(3.0), "agree"),
    (np.zeros(0), "empty-array"),
    (np.zeros((2, 0, 3)), "empty-array"),
    (np.array([1 + 2j]), "not-a-number"),
    (np.array(["1"]), "not-a-number"),
    (np.array([1, None], dtype=object), "table-pickle"),
]


@pytest.mark.filterwarnings("ignore:overflow encountered in .*multiply")  # in the code itself
@every("array, outcome", INPUTS)
def test_inputs_of_code(array: Any, outcome: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=array)
    for text in (TRACED, CALLED) if outcome != "agree" else (TRACED,):
        (tmp_path / "f.py").write_text(text)
        args = ["gradcheck", f"{tmp_path / 'f.py'}:forward,backward", "--inputs", str(tmp_path / "a.npz")]
        if "-" in outcome:
            assert error_codes(*args) == [outcome]
        else:
            report = plain_json(*args)
            assert report["verdict"] == outcome
            assert report["blame"] == []


def test_whole_numbers_are_no_inputs_to_derive_by(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([1, 2]))
    (tmp_path / "f.py").write_text(TRACED)
    args = ["gradcheck", f"{tmp_path / 'f.py'}:forward,backward", "--inputs", str(tmp_path / "a.npz")]
    assert "pass a NumPy array of floats" in invoke(*args, exit=2).stderr


@every("kind, number, is_exact", [("<i8", 2**53, True), ("<i8", 2**53 + 1, False), ("<u8", 2**64 - 1, False)])
def test_integers_of_safetensors_are_not_rounded(
    kind: str, number: int, is_exact: bool, tmp_path: Path
) -> None:
    data = np.array([number], dtype=kind).tobytes()
    tensor = {"dtype": kind[1:].upper().replace("8", "64"), "shape": [1], "data_offsets": [0, len(data)]}
    header = json.dumps({"x": tensor}).encode()
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)
    args = ["explain", "sum(x)", f"x=@{tmp_path / 'a.safetensors'}"]
    if is_exact:
        assert plain_json(*args)["output"] is not None
    else:
        assert error_codes(*args) == ["rounded-integer"]
