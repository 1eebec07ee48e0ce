"""Values that stand in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.spec.reading.endings import is_code
from bpx.spec.reading.target import names_file
from bpx.spec.tables.value_in_file import _split, value_in_file
from bpx.words.diagnostic import BpxError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "a.npy", np.array([1.0, 2.0]))
    np.savez(tmp_path / "d.npz", x=np.array([1.0, 2.0]), y=np.array(3.0))
    (tmp_path / "plain.csv").write_text("1,2\n3,4\n")
    (tmp_path / "column.txt").write_text("1\n2\n")
    (tmp_path / "head.csv").write_text("x,y\n1,5\n2,6\n")
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "names.json").write_text(json.dumps({"x": [1, 2], "y": 3}))
    np.save(tmp_path / "objects.npy", np.array([object()]), allow_pickle=True)
    return tmp_path


@pytest.mark.parametrize(
    "reference",
    ["a.npy", "d.npz", "d.npz:x", "column.txt", "head.csv", "list.json", "names.json", "names.json:x"],
)
def test_a_value_is_found(folder: Path, reference: str) -> None:
    np.testing.assert_array_equal(value_in_file("x", str(folder / reference)), [1, 2])


def test_a_table_without_a_head_is_a_matrix(folder: Path) -> None:
    np.testing.assert_array_equal(value_in_file("x", str(folder / "plain.csv")), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("reference", "name", "code"),
    [
        ("d.npz", "q", "not-in-table"),
        ("d.npz:q", "x", "not-in-table"),
        ("none.json", "x", "missing-file"),
        ("none.npy", "x", "missing-file"),
        ("objects.npy", "x", "table-pickle"),
        ("a.xyz", "x", "table-ending"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, reference: str, name: str, code: str) -> None:
    with pytest.raises(BpxError) as error:
        value_in_file(name, str(folder / reference))
    assert [problem.code for problem in error.value.diagnostics] == [code]


NUMBERS = [
    ("[1, 2.5, -0]", [1, 2.5, -0.0]),
    ("9007199254740993", 2.0**53),  # as in a formula, to the nearest float
    ("1e999", "not-finite-input"),
    ("[NaN]", "not-finite-input"),
    ('"1"', "not-a-number"),
    ("[1, null]", "not-a-number"),
    ("[1, [2]]", "not-a-number"),
    ("[[], []]", "empty-array"),
]


@every("text, expected", NUMBERS)
def test_a_list_in_json_holds_numbers(tmp_path: Path, text: str, expected: Any) -> None:
    (tmp_path / "t.json").write_text(text)
    problems: list[str] = []
    try:
        np.testing.assert_array_equal(value_in_file("x", str(tmp_path / "t.json")), expected)
    except BpxError as error:
        problems = [problem.code for problem in error.diagnostics]
    assert problems == ([expected] if isinstance(expected, str) else [])


@every("ending", [".npy", ".npz"])
@every(
    "array, code",
    [
        (np.array([1, np.nan]), "table-not-finite"),
        (np.zeros((0, 3)), "empty-array"),
        (np.array([2**53 + 1, 1]), "rounded-integer"),
        (np.array([2**64 - 1], dtype=np.uint64), "rounded-integer"),
    ],
)
def test_what_is_wrong_with_the_array_that_is_meant_is_said(
    tmp_path: Path, array: Any, code: str, ending: str
) -> None:
    path = tmp_path / f"a{ending}"
    (np.save if ending == ".npy" else np.savez)(path, array)
    with pytest.raises(BpxError) as error:
        value_in_file("x", str(path))
    assert [problem.code for problem in error.value.diagnostics] == [code]


@every(
    "reference, parts",
    [
        (r"C:\x.npz", (r"C:\x.npz", None)),
        (r"C:\x.npz:w", (r"C:\x.npz", "w")),
        ("C:/a b/x.npz", ("C:/a b/x.npz", None)),
        ("x.npz:layer/w", ("x.npz", "layer/w")),
    ],
)
def test_the_colon_of_a_drive_is_no_key(reference: str, parts: tuple[str, str | None]) -> None:
    assert _split(reference) == parts


@every("path", [r"C:\net.py", r".\spec", r"..\spec", r"C:\a b\m.toml", r"\\server\m.toml", "C:/m.npz"])
def test_paths_of_windows_name_files(path: str) -> None:
    assert names_file(path) and not names_file(r"\frac{1}{x}")
    assert is_code(f"{path}:loss,back") == path.endswith(".py")
