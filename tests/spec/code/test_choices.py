"""Which line is blamed, and what it should say, where several would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backward_files import recorded, written
from rows_of_a_table import every

import bpx
from bpx.spec.code.lines.counts import line_of
from bpx.spec.code.lines.doubts import calls_to
from bpx.spec.code.lines.edits import edits

HEAD = """
    def forward(x, w, b):
        z = x @ w + b
        a = np.tanh(z)
        return a
"""
RNG = np.random.default_rng(0)
VALUES = {"x": RNG.normal(size=(5, 3)), "w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=4)}


def blame_of(tmp_path: Path, backward: str) -> Any:
    written(tmp_path, HEAD + backward)
    report = bpx.gradcheck(f"{tmp_path / 'user.py'}:forward,backward", VALUES)
    [blame] = report.blame
    assert blame.code is not None
    return blame


def test_the_line_that_called_a_function_handed_it_what_it_works_on(tmp_path: Path) -> None:
    text = """
    def slope(d, a):
        return d * (1 - a ** 2)


    def backward(d, a):
        dz = slope(d, a)
        return dz
    """
    module = written(tmp_path, text)
    settings = recorded(module.backward, np.ones(3), np.full(3, 0.5)).settings
    inside = next(one for one in settings if one.argument and one.key.target == "d")
    [returned] = [one for one in settings if one.statement and "1 - a" in one.statement.text]
    assert [line for _, line in calls_to(settings, returned)] == [8]
    assert calls_to(settings, inside) == []
    assert line_of(returned.statement)[1] == 4


SHAPES = [
    ("db = dz.sum()", "db = dz.sum(axis=0)"),
    ("db = np.sum(dz)", "db = np.sum(dz, axis=0)"),
    ("db = dz", "db = dz.sum(axis=0)"),
    ("db = dz.sum(axis=0, keepdims=True)", None),  # named, though no change of it was tried
]


@pytest.mark.parametrize(("line", "right"), SHAPES)
def test_a_gradient_of_the_wrong_shape_has_a_line(tmp_path: Path, line: str, right: str | None) -> None:
    blame = blame_of(
        tmp_path,
        f"""
    def backward(dout, x, w, b):
        a = np.tanh(x @ w + b)
        dz = dout * (1 - a ** 2)
        dw = x.T @ dz
        {line}
        return dz @ w.T, dw, db
    """,
    )
    assert (blame.code.text, blame.code.right) == (line, right)
    assert [mistake.code for mistake in blame.mistakes] == ["wrong-shape"]


def test_of_equally_small_corrections_the_later_line_is_meant(tmp_path: Path) -> None:
    # A minus in either line would do: `slope` as it is has a meaning, up to its sign.
    text = """
    def forward(t, b, X, y):
        margin = y * (X @ t + b)
        return np.mean(np.log1p(np.exp(-margin)))


    def backward(t, b, X, y):
        margin = y * (X @ t + b)
        slope = 1 / (1 + np.exp(margin))
        r = y * slope
        return X.T @ r / len(y), r.mean()
    """
    written(tmp_path, text)
    values = {
        "t": RNG.normal(size=3),
        "b": 0.3,
        "X": RNG.normal(size=(6, 3)),
        "y": np.sign(RNG.normal(size=6)),
    }
    [blame] = bpx.gradcheck(f"{tmp_path / 'user.py'}:forward,backward", values).blame
    assert blame.code is not None
    assert blame.code.right == "r = -y * slope"


def test_a_gradient_with_the_wrong_sign_is_mended_where_it_is_made(tmp_path: Path) -> None:
    # A minus in the next line would do too.
    text = """
    def forward(x, w):
        return np.tanh(x @ w)


    def backward(dout, x, w):
        dz = dout * (np.tanh(x @ w) ** 2 - 1)
        dw = x.T @ dz
        return dw
    """
    written(tmp_path, text)
    values = {name: VALUES[name] for name in "xw"}
    [blame] = bpx.gradcheck(f"{tmp_path / 'user.py'}:forward,backward", values).blame
    assert blame.code is not None
    assert blame.code.right == "dz = dout * (1 - np.tanh(x @ w) ** 2)"


def test_a_proposal_never_changes_an_argument_in_place(tmp_path: Path) -> None:
    blame = blame_of(
        tmp_path,
        """
    def backward(dout, x, w, b):
        a = np.tanh(x @ w + b)
        dout = 1 - a ** 2
        return dout @ w.T, x.T @ dout, dout.sum(axis=0)
    """,
    )
    assert blame.code.text == "dout = 1 - a ** 2"
    assert blame.code.right in ("dout = dout * (1 - a ** 2)", "dout = (1 - a ** 2) * dout")


NUMBERS = {"pad": 1, "stride": 2, "H": 5, "i": 0, "j": 0, "n": 3}
ARRAYS = {
    "dxp": np.ones((2, 7, 7)),
    "dz": np.ones((5, 4)),
    "c": np.ones(4),
    "k": 0.4,
    "ragged": [[1], [2, 3]],
}


@every(
    "text, other",
    [
        ("dx = dxp[:, :H, :H]", "dx = dxp[:, pad:H + pad, pad:H + pad]"),
        ("dx = dxp[:, pad + 1:H + pad + 1, pad:H]", "dx = dxp[:, pad:H + pad, pad:H]"),
        ("r, s = i, j", "r, s = i * stride, j * stride"),
        ("dx[n, i + 1, j] += d", "dx[n, 2 * i + 1, 2 * j] += d"),
        ("g = np.concatenate([a, b, c])", "g = np.concatenate([a, c, b])"),
        ("g = 1 / (1 + dz)", "g = 1 / (1 + dz) ** 2"),
        ("g = -k * c", "g = -c * c"),
        ("g = -k * c", "g = -(1 - k) * c"),
        ("return dz @ c", "return dz"),
        ("db = ragged", "db += ragged"),
    ],
)
def test_changes_of_indices_and_of_what_is_computed(text: str, other: str) -> None:
    assert other in [edit.text for edit in edits(text, {**NUMBERS, **ARRAYS})]


@pytest.mark.parametrize(
    ("error", "d", "line"),
    [
        # As much as ∂/∂z this may be that of the `-z` in `np.exp(-z)`, which has no name.
        ("a - y", "-error * a * (1 - a)", "d"),
        # And this as much as ∂/∂a that of the data y.
        ("y - a", "error * a * (1 - a)", "error"),
    ],
)
def test_gradients_are_those_of_names_that_backward_has_gradients_of(
    tmp_path: Path, error: str, d: str, line: str
) -> None:
    text = """
    def forward(w, v, x, y):
        h = 1 / (1 + np.exp(-(w @ x)))
        z = v @ h
        a = 1 / (1 + np.exp(-z))
        return 0.5 * np.sum((a - y) ** 2)


    def backward(w, v, x, y):
        h = 1 / (1 + np.exp(-(w @ x)))
        a = 1 / (1 + np.exp(-(v @ h)))
        error = ERROR
        d = D
        dh = v.T @ d * h * (1 - h)
        return np.outer(dh, x), np.outer(d, h)
    """
    written(tmp_path, text.replace("ERROR", error).replace("D", d))
    values = {"w": RNG.normal(size=(3, 4)), "v": RNG.normal(size=(2, 3)), "x": VALUES["b"], "y": np.ones(2)}
    [blame] = bpx.gradcheck(f"{tmp_path / 'user.py'}:forward,backward", values).blame
    assert blame.code is not None
    assert blame.code.sets == line
    assert [mistake.code for mistake in blame.mistakes] == ["sign"]


def test_a_mean_is_forgotten_where_the_gradient_is_made_and_not_where_a_mask_is(tmp_path: Path) -> None:
    # `mask[X @ w > 0] = 1 / len(X)` would do too.
    text = """
    def forward(w, X):
        h = np.maximum(X @ w, 0)
        return h.sum() / len(X) + 0.1 * np.sum(w * w)


    def backward(w, X):
        mask = np.zeros(len(X))
        mask[X @ w > 0] = 1
        dw = X.T @ mask
        dw += 0.2 * w
        return dw
    """
    written(tmp_path, text)
    values = {"w": RNG.normal(size=3), "X": RNG.normal(size=(7, 3))}
    [blame] = bpx.gradcheck(f"{tmp_path / 'user.py'}:forward,backward", values).blame
    assert blame.code is not None
    assert blame.code.right == "dw = (X.T @ mask) / len(X)"


def test_variables_come_before_what_a_loop_has_kept() -> None:
    kept = {f"hs[{t}]": np.full(4, float(t)) for t in range(40)}
    scope = {**kept, "W": np.ones((4, 4)), "dh": np.ones(4) * 50, "draw": np.ones(4) * 60}
    assert "dnext = W.T @ draw" in [edit.text for edit in edits("dnext = W.T @ dh", scope)]
