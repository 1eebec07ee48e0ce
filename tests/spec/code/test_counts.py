from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpx
from bpx.spec.code.lines.counts import stands_for

NET = """
import numpy as np

def forward(X, W1, W2):
    A1 = np.tanh(X @ W1)
    A2 = 1 / (1 + np.exp(-(A1 @ W2)))
    return A2, (A1, A2)

def loss(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / len(Y)

def backward(X, Y, W2, cache):
    A1, A2 = cache
    n = len(Y)
    dZ2 = (A2 - Y) / n
    dW2 = A1.T @ dZ2
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    dW1 = X.T @ dZ1
    return dW1, dW2

def inputs():
    r = np.random.default_rng(5)
    X, W1, W2 = (r.normal(size=size) for size in ((5, 2), (2, 4), (4, 3)))
    return dict(X=X, W1=W1, W2=W2, Y=np.eye(3)[[0, 1, 2, 2, 1]])
"""


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("dZ2 = (A2 - Y) * A2 * (1 - A2) / n", "dZ2 = (A2 - Y) / n"),
        ("n = Y.shape[1]", "n = Y.shape[0]"),
    ],
)
def test_a_count_is_blamed_for_a_wrong_count_alone(tmp_path: Path, wrong: str, right: str) -> None:
    sets = wrong.split(" = ")[0]
    [line] = [line.strip() for line in NET.splitlines() if line.strip().startswith(f"{sets} = ")]
    path = tmp_path / "net.py"
    path.write_text(NET.replace(line, wrong), encoding="utf-8")
    [culprit] = bpx.gradcheck(f"{path}:forward,loss,backward").blame
    assert culprit.code is not None
    assert (culprit.code.text, culprit.code.right) == (wrong, right)


def test_what_stands_for_a_name() -> None:
    assert stands_for("n", "d = (a - n) / n", "d = (a - n) / len(a)")
    assert not stands_for("n", "d = x.T @ d / n", "d = x.T @ d")


X, Y = np.random.default_rng(1).normal(size=(2, 6, 3))


def forward(W1: Any, W2: Any) -> Any:
    return np.sum((np.maximum(X @ W1, 0) @ W2 - Y) ** 2)


def backward(g: Any, W1: Any, W2: Any) -> Any:
    Z = X @ W1
    H = np.maximum(Z, 0)
    D = 2 * (H @ W2 - Y)
    dH = D @ W2.T
    dZ = dH * (dH > 0)
    return X.T @ dZ, H.T @ D


def test_gradients_that_a_line_does_not_explain_are_listed() -> None:
    r = np.random.default_rng(2)
    values = [r.normal(size=(3, 4)), r.normal(size=(4, 3))]
    text = str(bpx.gradcheck(forward, values, backward, names=["W1", "W2"]))
    assert "dZ = dH * (Z > 0)" in text
    assert "The gradient of `W1` is wrong because of this line, but not only because of it." in text
    assert "The gradient of `W2` is wrong too, but bpx cannot name the cause." in text
