"""The command line of audits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from invoking import error_codes, invoke, plain_json

SPEC = ["x*w^2", "--set", "x=[1,2]", "--set", "w=[0.5,3]", "--upstream", "[1,1]"]


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("right.npz", dx=np.array([0.25, 9.0]), w_grad=np.array([1.0, 12.0]))
    np.savez("wrong.npz", dx=np.array([0.25, 9.0]), w_grad=np.array([0.5, 6.0]))
    Path("rounded.json").write_text(json.dumps({"dw": [1.0001, 12.0]}))
    Path("text.csv").write_text("what\never\n")


def audit(*rest: str, exit: int = 0) -> dict[str, object]:
    return plain_json("audit", SPEC[0], *rest, *SPEC[1:], exit=exit)


def test_right_gradients() -> None:
    found = audit("right.npz")
    assert (found["verdict"], found["total"]) == ("agree", 4)


def test_wrong_gradients_end_in_one() -> None:
    assert audit("wrong.npz", exit=1)["verdict"] == "disagree"
    assert audit("wrong.npz", "--skip", "w_grad")["verdict"] == "agree"


def test_rounded_gradients() -> None:
    assert audit("rounded.json", exit=1)["verdict"] == "disagree"
    assert audit("rounded.json", "--rtol", "0.001")["verdict"] == "agree"
    assert audit("rounded.json", "--digits", "3")["verdict"] == "agree"


def test_two_programs() -> None:
    text = invoke("audit", "right.npz", "wrong.npz", "--graph", *SPEC, exit=1).stdout
    assert "w" in text
    found = plain_json("audit", "right.npz", "right.npz", "--graph", *SPEC)
    assert found["kind"] == "audit"


def test_a_file_of_code() -> None:
    Path("net.py").write_text("def loss(x, w):\n    return (x * w ** 2).sum()\n")
    values = ["--set", "x=[1.0,2.0]", "--set", "w=[0.5,3.0]"]
    assert plain_json("audit", "net.py:loss", "right.npz", *values)["verdict"] == "agree"


@pytest.mark.parametrize(
    ("args", "codes"),
    [
        (["audit", "x^2", "none.npz", "--set", "x=1"], ["missing-file"]),
        (["audit", "right.npz", "wrong.npz"], ["audit-graph"]),
        (["audit", "x^2", "right.npz", "--set", "x=1", "--detect", "2"], ["bad-detect"]),
    ],
)
def test_what_is_of_no_use(args: list[str], codes: list[str]) -> None:
    assert error_codes(*args) == codes
