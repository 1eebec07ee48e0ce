"""Functions from Python in the styles that files may have: no adapter, the same verdicts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check.report.report import Report

X = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.5]])
W = np.array([[0.25, -0.5], [1.0, 0.125], [-0.75, 0.5]])
Y = np.array([[1.0, 0.0], [0.5, -1.0]])


def noted(report: Report) -> set[str]:
    return {note.code for note in report.notes}


# --- the styles: what is handed over, and what it must be called --------------------------------


def affine(x: Any, w: Any) -> Any:
    out = np.tanh(x @ w)
    cache = (x, w, out)
    return out, cache


def affine_back(dout: Any, cache: Any) -> Any:
    x, w, out = cache
    dz = dout * (1 - out**2)
    return dz @ w.T, x.T @ dz


def affine_back_wrong(dout: Any, cache: Any) -> Any:
    x, w, out = cache
    dz = dout * (1 - out)
    return dz @ w.T, x.T @ dz


def squashed(x: Any) -> Any:
    out = np.sin(x)
    return out, x


def squashed_back(dout: Any, cache: Any) -> Any:
    return dout * np.cos(cache)


def loss_and_grads(params: Any, X: Any, y: Any) -> Any:
    h = X @ params["w"] + params["b"]
    loss = np.mean((h - y) ** 2)
    dh = 2 * (h - y) / y.size
    return loss, {"w": X.T @ dh, "b": dh.sum(axis=0)}


def loss_and_wrong_grads(params: Any, X: Any, y: Any) -> Any:
    h = X @ params["w"] + params["b"]
    loss = np.mean((h - y) ** 2)
    dh = 2 * (h - y) / y.size
    return loss, {"w": X.T @ dh, "b": dh.sum() * np.ones(2)}


def layers(weights: Any, x: Any) -> Any:
    for w in weights:
        x = np.tanh(x @ w)
    return np.sum(x)


def layers_back(weights: Any, x: Any) -> Any:
    values = [x]
    for w in weights:
        values.append(np.tanh(values[-1] @ w))
    grads = [np.zeros_like(w) for w in weights]
    d = np.ones_like(values[-1])
    for i in reversed(range(len(weights))):
        dz = d * (1 - values[i + 1] ** 2)
        grads[i] = values[i].T @ dz
        d = dz @ weights[i].T
    return grads


class Dense:
    """Keeps its weights and what backward needs."""

    def __init__(self) -> None:
        self.w, self.dw, self.x = W.copy(), np.zeros_like(W), X

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.w

    def backward(self, dout: Any) -> Any:
        self.dw = self.x.T @ dout
        return dout @ self.w.T


def rosen(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosen_jac(x: Any) -> Any:
    out = np.zeros_like(x)
    out[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    out[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return out


def residuals(x: Any) -> Any:
    return np.array([x[0] ** 2 - x[1], x[0] * x[1]])


def residuals_jac(x: Any) -> Any:
    return np.array([[2 * x[0], -1.0], [x[1], x[0]]])


def layer(x: Any, w: Any) -> Any:
    return x @ w


def pull(g: Any, x: Any, w: Any) -> Any:
    return g @ w.T, x.T @ g


PARAMS = {"w": W, "b": np.array([0.5, -0.25])}
RIGHT: dict[str, tuple[Callable[[], tuple[Any, ...]], set[str]]] = {
    "cache": (lambda: (affine, [X, W], affine_back), {"x", "w"}),
    "cache of one input": (lambda: (squashed, [X], squashed_back), {"x"}),
    "loss and gradients": (lambda: (loss_and_grads, [PARAMS, X, Y]), {"w", "b"}),
    "inputs by name": (lambda: (layer, {"x": X, "w": W}, pull), {"x", "w"}),
    "dicts by name": (lambda: (loss_and_grads, {"params": PARAMS, "X": X, "y": Y}), {"w", "b"}),
    "lists by name": (
        lambda: (layers, {"weights": [W, np.eye(2)], "x": X}, layers_back),
        {"weights_0", "weights_1"},
    ),
    "object": (lambda: (Dense(), [X]), {"x", "w"}),
    "bound methods": (lambda: ((one := Dense()).forward, [X], one.backward), {"x", "w"}),
    "f, jac": (lambda: (rosen, [np.array([1.5, -0.5, 0.25])], rosen_jac), {"x"}),
    "f, matrix": (lambda: (residuals, [[1.5, -0.5]], residuals_jac), {"x"}),
}


@every("style", RIGHT)
def test_styles_are_understood_without_an_adapter(style: str) -> None:
    arguments, inputs = RIGHT[style]
    report = bpx.gradcheck(*arguments())
    assert report
    assert {column.input for column in report.columns} == inputs
    assert any(code.startswith("traced") for code in noted(report))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((affine, [X, W], affine_back_wrong), "dz = dout * (1 - out)"),
        ((loss_and_wrong_grads, [PARAMS, X, Y]), None),
    ],
)
def test_what_is_wrong_is_found_in_every_style(arguments: Any, line: str | None) -> None:
    report = bpx.gradcheck(*arguments)
    assert report.verdict == "disagree"
    [culprit] = report.blame
    if line is not None:
        assert culprit.code and culprit.code.span.text == line


def test_what_a_function_closes_over_keeps_no_handles() -> None:
    kept: dict[str, Any] = {}
    dense = Dense()

    def forward(x: Any) -> Any:
        kept["x"] = x
        return np.sin(dense.forward(x))

    def backward(dout: Any) -> Any:
        return dense.backward(dout * np.cos(kept["x"] @ dense.w))

    report = bpx.gradcheck(forward, [X], backward)
    assert report
    assert "x" in {column.input for column in report.columns}
    assert not kept
    assert isinstance(dense.x, np.ndarray)
    assert np.array_equal(dense.w, W)


@every(
    "arguments, code",
    [
        ((np.sin, [1.0]), "no-function"),
        ((rosen, [np.ones(3)]), "no-function"),
        ((3, [1.0]), "no-function"),
        ((np.sin, np.ones(3), np.cos), "inputs-no-list"),
        ((np.add, [1.0, 2.0], lambda g, x, y: g), "gradient-count"),
        ((np.add, [1.0], lambda g, x: g), "function-raised"),
        ((layer, {"x": X}, pull), "argument-without-value"),
        ((SimpleNamespace(), [1.0]), "no-function"),
    ],
)
def test_what_does_not_fit_is_said(arguments: Any, code: str) -> None:
    with pytest.raises(bpx.BpxError) as caught:
        bpx.gradcheck(*arguments)
    assert [one.code for one in caught.value.diagnostics] == [code]


def test_what_other_functions_of_a_program_close_over_is_none_of_the_check() -> None:
    module = ModuleType("elsewhere")
    module.__file__ = __file__
    source = "def keeping():\n    held = [[1.0, 2.0]]\n    return lambda x: held\n\nkept = keeping()\n"
    exec(compile(source, __file__, "exec"), vars(module))
    sys.modules["elsewhere"] = module
    try:
        arguments, inputs = RIGHT["cache"]
        assert {column.input for column in bpx.gradcheck(*arguments()).columns} == inputs
    finally:
        del sys.modules["elsewhere"]
