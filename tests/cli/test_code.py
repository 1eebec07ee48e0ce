"""Python files as targets of the command line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from invoking import error_codes, invoke, plain_json

NET = """import numpy as np


def forward(x, w):
    z = x @ w
    a = np.tanh(z)
    return a, (x, w, a)


def backward(da, cache):
    x, w, a = cache
    dz = da * (1 - a ** 2)
    return dz @ w.T, x.T @ dz


def loss(x, w):
    a, _ = forward(x, w)
    return np.sum(a ** 2)


def inputs():
    return {"x": np.array([[0.1, 0.5], [-0.3, 0.8]]), "w": np.array([[0.7], [-0.2]])}


def others():
    return {"x": np.array([[0.1, 0.5]]), "w": np.array([[0.7], [-0.2]])}
"""
WRONG = NET.replace("(1 - a ** 2)", "(1 - a)")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    Path("wrong.py").write_text(WRONG)
    np.savez("values.npz", x=np.ones((3, 2)), w=np.full((2, 1), 0.1))
    Path("values.json").write_text(json.dumps({"x": [[0.1, 0.2]], "w": [[0.5], [0.3]]}))
    return tmp_path


def test_explain_names_lines_and_variables() -> None:
    nodes = {node["name"]: node for node in plain_json("explain", "net.py:loss")["nodes"]}
    assert (nodes["z"]["line"], nodes["z"]["code"]) == (5, "x @ w")
    assert nodes["a"]["line"] == 6
    assert Path(nodes["a"]["file"]).name == "net.py"


def test_convert_saves_the_function() -> None:
    graph = tomllib.loads(invoke("convert", "net.py:loss").stdout)["graph"]
    assert graph["z"] == "x @ w"


def test_a_right_gradient() -> None:
    found = plain_json("gradcheck", "net.py:forward,backward")
    assert (found["verdict"], found["blame"]) == ("agree", [])
    assert {row["input"] for row in found["inputs"]} == {"x", "w"}


def test_a_wrong_gradient_names_the_line() -> None:
    found = plain_json("gradcheck", "wrong.py:forward,backward", exit=1)
    (culprit,) = found["blame"]
    assert culprit["line"] == 12
    assert culprit["code_line"]["text"] == "dz = da * (1 - a)"
    assert culprit["code_line"]["gradient_of"] == "z"


def test_the_report_has_inputs_before_entries_and_says_nothing_of_digits() -> None:
    text = invoke("gradcheck", "wrong.py:forward,backward", exit=1).stdout
    assert text.index("Cause: wrong.py:12") < text.index("Input by input") < text.index("Entry by entry")
    assert "last written digit" not in text
    assert "z[0" not in text  # nobody has claimed it
    right = invoke("gradcheck", "net.py:forward,backward").stdout
    assert "Input by input" in right
    assert "Entry by entry" not in right


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (["--inputs", "values.npz"], 8),
        (["--inputs", "values.json"], 4),
        (["--inputs", "others"], 4),
        (["--random", "x:(5,2) w:(2,3)"], 16),
    ],
)
def test_values_for_arguments(options: list[str], size: int) -> None:
    found = plain_json("gradcheck", "net.py:forward,backward", *options)
    assert (found["verdict"], found["total"]) == ("agree", size)


@pytest.mark.parametrize(
    ("args", "codes"),
    [
        (["explain", "x^2", "--set", "x=1", "--inputs", "values.npz"], ["only-for-code"]),
        (["gradcheck", "x^2", "--set", "x=1", "--random", "x:(2,)"], ["only-for-code"]),
        (["explain", "none.py:loss"], ["missing-file"]),
        (["explain", "net.py"], ["no-name-in-file"]),
        (["explain", "net.py:los"], ["not-in-file"]),
        (["gradcheck", "net.py:forwards,backwards"], ["not-in-file", "not-in-file"]),
        (["explain", "net.py:loss", "--random", "x=3"], ["bad-random"]),
        (["explain", "net.py:loss", "--inputs", "none.npz"], ["missing-file"]),
        (["explain", "net.py:los", "--set", "x"], ["bad-assignment", "not-in-file"]),
    ],
)
def test_all_that_is_wrong_is_said(args: list[str], codes: list[str]) -> None:
    assert error_codes(*args) == codes


def test_a_file_that_was_changed_is_read_anew() -> None:
    plain_json("gradcheck", "net.py:forward,backward")
    Path("net.py").write_text(WRONG)
    (culprit,) = plain_json("gradcheck", "net.py:forward,backward", exit=1)["blame"]
    assert culprit["code_line"]["text"] == "dz = da * (1 - a)"
