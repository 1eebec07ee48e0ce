"""Mistakes planted in code of other kinds than that of `planted_code.py`.

Other layers (gates, recurrences, images, kernels, likelihoods), other ways of writing (loops, classes that
remember, einsum, buffers filled in place, sums over time), other slips. The functions, and the codes that
count as the right kind, were written down before the first measurement; what that was stands in the README.

Run: python tests/benchmarks/planted_code_held_out.py [--verbose]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from planted_code import Case, Gradients, Slip, changed, main, sigmoid, softmax

# The last resort finds the formula of the slip itself: as good a name as a pattern.
FORMULAS = ("numbers-of", "formula", "times-formula", "plus-formula")


# --- gates and recurrences ------------------------------------------------------------------------


def gated_unit(rng: Any) -> Case:
    """A gate between an old and a new state, as in a GRU."""
    inputs = {
        "x": rng.normal(size=(3, 4)),
        "h": rng.normal(size=(3, 2)),
        "Wz": rng.normal(size=(4, 2)),
        "Wn": rng.normal(size=(4, 2)),
    }

    def forward(x: Any, h: Any, Wz: Any, Wn: Any) -> Any:
        z = sigmoid(np.dot(x, Wz))
        return (1 - z) * h + z * np.tanh(np.dot(x, Wn))

    def backward(
        g: Any,
        x: Any,
        h: Any,
        Wz: Any,
        Wn: Any,
        slope: Any = lambda z: z * (1 - z),
        bend: Any = lambda n: 1 - n * n,
    ) -> Gradients:
        z, n = sigmoid(np.dot(x, Wz)), np.tanh(np.dot(x, Wn))
        gate, new = g * (n - h) * slope(z), g * z * bend(n)
        return np.dot(gate, Wz.T) + np.dot(new, Wn.T), g * (1 - z), np.dot(x.T, gate), np.dot(x.T, new)

    def gate(x: Any, Wz: Any) -> Any:
        return sigmoid(np.dot(x, Wz))

    return Case(
        "gated unit",
        forward,
        inputs,
        backward,
        [
            Slip(
                "z for 1 - z in dh",
                changed(backward, 1, lambda d, g, x, h, Wz, Wn: g * gate(x, Wz)),
                ("h",),
                ("value-of", "factor-missing", *FORMULAS),
            ),
            Slip(
                "dh forgets the gate",
                changed(backward, 1, lambda d, g, *_: g),
                ("h",),
                ("unchanged", "factor-missing"),
            ),
            Slip(
                "dWn without batch transpose",
                changed(backward, 3, lambda d, *_: d.T),
                ("Wn",),
                ("transposed-shape",),
            ),
            Slip("sign of the gate", changed(backward, 2, lambda d, *_: -d), ("Wz",), ("sign",)),
            Slip(
                "dx through the new state alone",
                changed(
                    backward,
                    0,
                    lambda d, g, x, h, Wz, Wn: (g * gate(x, Wz) * (1 - np.tanh(x @ Wn) ** 2)) @ Wn.T,
                ),
                ("x",),
                ("path-dropped", "other-term", *FORMULAS),
            ),
            Slip(
                "dh forgets the upstream gradient",
                changed(backward, 1, lambda d, g, x, h, Wz, Wn: 1 - gate(x, Wz)),
                ("h",),
                ("upstream-forgotten",),
            ),
        ],
    )


def recurrence(rng: Any) -> Case:
    """A plain RNN over five steps, backwards through time in a loop."""
    steps = 5
    inputs = {
        "X": rng.normal(size=(steps, 3)),
        "U": rng.normal(size=(3, 2)) / 2,
        "W": rng.normal(size=(2, 2)) / 2,
    }

    def states(X: Any, U: Any, W: Any) -> list[Any]:
        h = [np.zeros(2)]
        for t in range(steps):
            h.append(np.tanh(X[t] @ U + h[-1] @ W))
        return h

    def forward(X: Any, U: Any, W: Any) -> Any:
        return sum((h**2).sum() for h in states(X, U, W)[1:])

    def backward(g: Any, X: Any, U: Any, W: Any, through: float = 1.0, accumulate: bool = True) -> Gradients:
        h = states(X, U, W)
        dX, dU, dW, later = np.zeros_like(X), np.zeros_like(U), np.zeros_like(W), np.zeros(2)
        for t in range(steps, 0, -1):
            dz = (2 * g * h[t] + through * later) * (1 - h[t] ** 2)
            dX[t - 1] = dz @ U.T
            dU = accumulate * dU + np.outer(X[t - 1], dz)
            dW = accumulate * dW + np.outer(h[t - 1], dz)
            later = dz @ W.T
        return dX, dU, dW

    return Case(
        "recurrence",
        forward,
        inputs,
        backward,
        [
            Slip("dU transposed", changed(backward, 1, lambda d, *_: d.T), ("U",), ("transposed-shape",)),
            Slip("dW transposed", changed(backward, 2, lambda d, *_: d.T), ("W",), ("result-transposed",)),
            Slip("time reversed", changed(backward, 0, lambda d, *_: d[::-1]), ("X",), ("reversed",)),
            Slip(
                "off by one in time",
                changed(backward, 0, lambda d, *_: np.roll(d, 1, axis=0)),
                ("X",),
                ("shifted",),
            ),
            Slip(
                "first step forgotten",
                changed(backward, 0, lambda d, *_: d * (np.arange(steps) > 0)[:, None]),
                ("X",),
                ("some-zero",),
            ),
            Slip(
                "dU averaged over time",
                changed(backward, 1, lambda d, *_: d / steps),
                ("U",),
                ("mean-doubled",),
            ),
        ],
    )


def attention_pooling(rng: Any) -> Case:
    """Scores by a vector, a softmax over the rows, their weighted sum."""
    inputs = {"H": rng.normal(size=(5, 3)), "v": rng.normal(size=3)}

    def forward(H: Any, v: Any) -> Any:
        return softmax(H.dot(v)) @ H

    def backward(g: Any, H: Any, v: Any, values: float = 1.0, mean: float = 1.0) -> Gradients:
        a = softmax(H.dot(v))
        da = H @ g
        ds = a * (da - mean * (a * da).sum())
        return values * np.outer(a, g) + np.outer(ds, v), H.T @ ds

    return Case(
        "attention pooling",
        forward,
        inputs,
        backward,
        [
            Slip(
                "softmax without its sum",
                changed(backward, 1, lambda d, g, H, v: backward(g, H, v, mean=0.0)[1]),
                ("v",),
                ("value-of", "other-term", "diagonal-only", "softmax-sum", *FORMULAS),
            ),
            Slip(
                "H as values forgotten",
                changed(backward, 0, lambda d, g, H, v: backward(g, H, v, values=0.0)[0]),
                ("H",),
                ("other-term", "path-dropped", *FORMULAS),
            ),
            Slip("dv halved", changed(backward, 1, lambda d, *_: d / 2), ("v",), ("half",)),
            Slip(
                "dv divided by a root",
                changed(backward, 1, lambda d, *_: d / math.sqrt(3)),
                ("v",),
                ("root-doubled",),
            ),
        ],
    )


# --- norms ----------------------------------------------------------------------------------------


def batch_norm(rng: Any) -> Case:
    """Step by step, as in lecture notes: the variance, then the mean."""
    inputs = {"x": rng.normal(size=(6, 3)), "gamma": rng.normal(size=3) + 2, "beta": rng.normal(size=3)}
    eps = 1e-5

    def forward(x: Any, gamma: Any, beta: Any) -> Any:
        mu, var = x.mean(0), x.var(0)
        return gamma * (x - mu) / np.sqrt(var + eps) + beta

    def backward(
        g: Any, x: Any, gamma: Any, beta: Any, through_var: float = 1.0, through_mean: float = 1.0
    ) -> Gradients:
        n, mu, var = len(x), x.mean(0), x.var(0)
        std_inv = 1 / np.sqrt(var + eps)
        dxhat = g * gamma
        dvar = through_var * np.sum(dxhat * (x - mu) * -0.5 * std_inv**3, axis=0)
        dmu = through_mean * (np.sum(-dxhat * std_inv, axis=0) + dvar * np.mean(-2 * (x - mu), axis=0))
        dx = dxhat * std_inv + dvar * 2 * (x - mu) / n + dmu / n
        return dx, np.sum(g * (x - mu) * std_inv, axis=0), np.sum(g, axis=0)

    def x_hat(x: Any) -> Any:
        return (x - x.mean(0)) / np.sqrt(x.var(0) + eps)

    return Case(
        "batch norm",
        forward,
        inputs,
        backward,
        [
            Slip(
                "variance forgotten",
                lambda g, *a: backward(g, *a, through_var=0.0),
                ("x",),
                ("variance-term",),
            ),
            Slip("mean forgotten", lambda g, *a: backward(g, *a, through_mean=0.0), ("x",), ("mean-term",)),
            Slip("dvar twice", lambda g, *a: backward(g, *a, through_var=2.0), ("x",), ("variance-term",)),
            Slip(
                "dgamma of x",
                changed(backward, 1, lambda d, g, x, *_: np.sum(g * x, 0)),
                ("gamma",),
                ("value-of", *FORMULAS),
            ),
            Slip(
                "dgamma not summed",
                changed(backward, 1, lambda d, g, x, *_: g * x_hat(x)),
                ("gamma",),
                ("unsummed-shape",),
            ),
            Slip("dbeta averaged", changed(backward, 2, lambda d, *_: d / 6), ("beta",), ("mean-doubled",)),
            Slip(
                "gamma forgotten in dx",
                changed(backward, 0, lambda d, g, x, gamma, beta: d / gamma),
                ("x",),
                ("factor-missing",),
            ),
            Slip(
                "the deviation forgotten in dx",
                changed(backward, 0, lambda d, g, x, *_: d * np.sqrt(x.var(0) + eps)),
                ("x",),
                ("factor-missing", "factor-doubled", *FORMULAS),
            ),
        ],
    )


def rms_norm(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(4, 5)), "scale": rng.normal(size=5) + 1.5}

    def forward(x: Any, scale: Any) -> Any:
        return x / np.sqrt((x * x).mean(-1, keepdims=True)) * scale

    def backward(g: Any, x: Any, scale: Any, inner: float = 1.0) -> Gradients:
        r = np.sqrt((x * x).mean(-1, keepdims=True))
        d = g * scale
        return d / r - inner * x * (d * x).mean(-1, keepdims=True) / r**3, (g * x / r).sum(0)

    def r(x: Any) -> Any:
        return np.sqrt((x * x).mean(-1, keepdims=True))

    return Case(
        "rms norm",
        forward,
        inputs,
        backward,
        [
            Slip(
                "root taken for constant",
                lambda g, *a: backward(g, *a, inner=0.0),
                ("x",),
                ("length-term", "variance-term", "other-term", *FORMULAS),
            ),
            Slip(
                "inner term of wrong sign",
                lambda g, *a: backward(g, *a, inner=-1.0),
                ("x",),
                ("length-term", "variance-term", "other-term", *FORMULAS),
            ),
            Slip(
                "dscale not divided by the root",
                changed(backward, 1, lambda d, g, x, s: (g * x).sum(0)),
                ("scale",),
                ("value-of", "factor-missing", *FORMULAS),
            ),
            Slip(
                "dscale of y",
                changed(backward, 1, lambda d, g, x, s: d * s),
                ("scale",),
                ("value-of", "factor-doubled", *FORMULAS),
            ),
        ],
    )


def unit_length(rng: Any) -> Case:
    """Rows scaled to length 1."""
    inputs = {"x": rng.normal(size=(3, 4))}

    def forward(x: Any) -> Any:
        return np.stack([row / np.sqrt(row @ row) for row in x])

    def backward(g: Any, x: Any, projected: float = 1.0, power: int = 1) -> Gradients:
        out = np.empty_like(x)
        for i, row in enumerate(x):
            length = np.sqrt(row @ row)
            u = row / length
            out[i] = (g[i] - projected * u * (u @ g[i])) / length**power
        return (out,)

    return Case(
        "unit length",
        forward,
        inputs,
        backward,
        [
            Slip(
                "projection forgotten",
                lambda g, x: backward(g, x, projected=0.0),
                ("x",),
                ("length-term", "variance-term", "other-term", *FORMULAS),
            ),
            Slip(
                "length squared",
                lambda g, x: backward(g, x, power=2),
                ("x",),
                ("factor-missing", "factor-doubled", *FORMULAS),
            ),
            Slip(
                "length forgotten",
                lambda g, x: backward(g, x, power=0),
                ("x",),
                ("factor-missing", "factor-doubled", *FORMULAS),
            ),
        ],
    )


# --- images ---------------------------------------------------------------------------------------


def image_convolution(rng: Any) -> Case:
    """Of images (N, H, W) by one kernel, padded by 1, stride 2, in loops."""
    inputs = {"x": rng.normal(size=(2, 5, 5)), "w": rng.normal(size=(3, 3)), "b": np.array(0.3)}

    def forward(x: Any, w: Any, b: Any) -> Any:
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        out = np.zeros((2, 3, 3), dtype=x.dtype)
        for i in range(3):
            for j in range(3):
                out[:, i, j] = (padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] * w).sum((1, 2)) + b
        return out

    def backward(g: Any, x: Any, w: Any, b: Any, kernel: Any = None) -> Gradients:
        padded, turned = np.pad(x, ((0, 0), (1, 1), (1, 1))), w if kernel is None else kernel
        dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
        for i in range(3):
            for j in range(3):
                window = (slice(None), slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 3))
                dpadded[window] += g[:, i, j, None, None] * turned
                dw += (g[:, i, j, None, None] * padded[window]).sum(0)
        return dpadded[:, 1:-1, 1:-1], dw, g.sum()

    return Case(
        "convolution of images",
        forward,
        inputs,
        backward,
        [
            Slip("dw turned", changed(backward, 1, lambda d, *_: d[::-1, ::-1]), ("w",), ("turned",)),
            Slip("dw transposed", changed(backward, 1, lambda d, *_: d.T), ("w",), ("result-transposed",)),
            Slip("db averaged", changed(backward, 2, lambda d, *_: d / 18), ("b",), ("mean-doubled",)),
            Slip(
                "kernel turned in dx",
                lambda g, x, w, b: backward(g, x, w, b, kernel=w[::-1, ::-1]),
                ("x",),
                ("name-reversed", *FORMULAS),
            ),
            Slip(
                "padding cut at the wrong side",
                changed(backward, 0, lambda d, *_: np.roll(d, -1, axis=2)),
                ("x",),
                ("shifted",),
            ),
            Slip(
                "dw averaged over the batch",
                changed(backward, 1, lambda d, *_: d / 2),
                ("w",),
                ("half", "mean-doubled"),
            ),
        ],
    )


def average_pooling(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(2, 4, 6))}

    def forward(x: Any) -> Any:
        return x.reshape(2, 2, 2, 3, 2).mean(axis=(2, 4))

    def backward(g: Any, x: Any) -> Gradients:
        return (np.repeat(np.repeat(g, 2, axis=1), 2, axis=2) / 4,)

    return Case(
        "average pooling",
        forward,
        inputs,
        backward,
        [
            Slip("not divided", lambda g, x: (4 * backward(g, x)[0],), ("x",), ("mean-lost", "factor")),
            Slip(
                "divided by the width of a window", lambda g, x: (2 * backward(g, x)[0],), ("x",), ("double",)
            ),
            Slip(
                "to the first element of a window",
                lambda g, x: (backward(g, x)[0] * np.tile([[4, 0], [0, 0]], (2, 3)),),
                ("x",),
                ("misrouted", "some-zero", "some-factor"),
            ),
            Slip(
                "tiled, not repeated",
                lambda g, x: (np.tile(g, (1, 2, 2)) / 4,),
                ("x",),
                ("order-of-elements", "misrouted", "permuted"),
            ),
        ],
    )


def image_max_pooling(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(4, 6))}

    def forward(x: Any) -> Any:
        out = np.zeros((2, 3), dtype=x.dtype)
        for i in range(2):
            for j in range(3):
                out[i, j] = np.max(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
        return out

    def backward(g: Any, x: Any, swapped: bool = False) -> Gradients:
        d = np.zeros_like(x)
        for i in range(2):
            for j in range(3):
                window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                row, column = np.unravel_index(np.argmax(window), window.shape)
                if swapped:
                    row, column = column, row
                d[2 * i + row, 2 * j + column] += g[i, j]
        return (d,)

    return Case(
        "max pooling of images",
        forward,
        inputs,
        backward,
        [
            Slip(
                "row and column exchanged", lambda g, x: backward(g, x, swapped=True), ("x",), ("misrouted",)
            ),
            Slip(
                "times the value",
                lambda g, x: (backward(g, x)[0] * x,),
                ("x",),
                ("value-of", "factor-doubled", *FORMULAS),
            ),
            Slip(
                "mask without upstream",
                lambda g, x: (backward(np.ones_like(g), x)[0],),
                ("x",),
                ("upstream-forgotten",),
            ),
        ],
    )


def upsampling(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(3, 4))}

    def forward(x: Any) -> Any:
        return x.repeat(2, axis=0).repeat(2, axis=1)

    def backward(g: Any, x: Any) -> Gradients:
        return (g.reshape(3, 2, 4, 2).sum(axis=(1, 3)),)

    return Case(
        "upsampling",
        forward,
        inputs,
        backward,
        [
            Slip(
                "averaged",
                lambda g, x: (g.reshape(3, 2, 4, 2).mean(axis=(1, 3)),),
                ("x",),
                ("mean-doubled", "factor"),
            ),
            Slip("every second element", lambda g, x: (g[::2, ::2],), ("x",), ("some-outputs",)),
            Slip(
                "blocks in the wrong order",
                lambda g, x: (g.reshape(2, 3, 2, 4).sum(axis=(0, 2)),),
                ("x",),
                ("order-of-elements", "misrouted", "jacobian-transposed"),
            ),
        ],
    )


# --- losses ---------------------------------------------------------------------------------------


def hinge(rng: Any) -> Case:
    """The multi-class hinge loss with a penalty, in loops over the examples."""
    t = rng.integers(0, 3, size=6)
    inputs = {"W": rng.normal(size=(4, 3)), "X": rng.normal(size=(6, 4))}
    reg = 0.1

    def forward(W: Any, X: Any) -> Any:
        total = 0.0
        for x, label in zip(X, t, strict=True):
            scores = x @ W
            margins = np.maximum(0, scores - scores[label] + 1)
            total = total + margins.sum() - 1
        return total / 6 + reg * (W * W).sum()

    def backward(
        g: Any, W: Any, X: Any, own: float = 1.0, penalty: float = 2.0, mean: float = 6.0
    ) -> Gradients:
        dW, dX = np.zeros_like(W), np.zeros_like(X)
        for i, label in enumerate(t):
            scores = X[i] @ W
            for j in range(3):
                if j != label and scores[j] - scores[label] + 1 > 0:
                    dW[:, j] += X[i]
                    dW[:, label] -= own * X[i]
                    dX[i] += W[:, j] - W[:, label]
        return g * (dW / mean + penalty * reg * W), g * dX / 6

    return Case(
        "hinge loss",
        forward,
        inputs,
        backward,
        [
            Slip(
                "penalty not doubled", lambda g, *a: backward(g, *a, penalty=1.0), ("W",), ("penalty-term",)
            ),
            Slip("penalty forgotten", lambda g, *a: backward(g, *a, penalty=0.0), ("W",), ("penalty-term",)),
            Slip("dX not averaged", changed(backward, 1, lambda d, *_: 6 * d), ("X",), ("mean-lost",)),
            Slip("dX sign", changed(backward, 1, lambda d, *_: -d), ("X",), ("sign",)),
            Slip(
                "penalty averaged too",
                changed(backward, 0, lambda d, g, W, X: backward(g, W, X, penalty=2 / 6)[0]),
                ("W",),
                ("penalty-term",),
            ),
        ],
    )


def binary_cross_entropy(rng: Any) -> Case:
    t = (rng.random(8) > 0.5) * 1.0
    inputs = {"w": rng.normal(size=3), "b": np.array(0.2), "X": rng.normal(size=(8, 3))}

    def forward(w: Any, b: Any, X: Any) -> Any:
        p = sigmoid(X @ w + b)
        return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))

    def backward(g: Any, w: Any, b: Any, X: Any) -> Gradients:
        e = g * (sigmoid(X @ w + b) - t) / 8
        return X.T @ e, e.sum(), np.outer(e, w)

    def twice(g: Any, w: Any, b: Any, X: Any) -> Any:
        p = sigmoid(X @ w + b)
        return X.T @ (g * (p - t) * p * (1 - p) / 8)

    return Case(
        "binary cross-entropy",
        forward,
        inputs,
        backward,
        [
            Slip(
                "sigmoid' on top",
                changed(backward, 0, lambda d, *a: twice(*a)),
                ("w",),
                ("factor-doubled", "hidden-slope-twice", *FORMULAS),
            ),
            Slip("summed, not averaged", changed(backward, 0, lambda d, *_: 8 * d), ("w",), ("mean-lost",)),
            Slip(
                "target forgotten",
                changed(backward, 1, lambda d, g, w, b, X: g * sigmoid(X @ w + b).mean()),
                ("b",),
                ("other-term", "value-of", *FORMULAS),
            ),
            Slip("t - p", changed(backward, 0, lambda d, *_: -d), ("w",), ("sign",)),
            Slip(
                "dX without its weights",
                changed(backward, 2, lambda d, g, w, b, X: d / w),
                ("X",),
                ("factor-missing",),
            ),
        ],
    )


def huber(rng: Any) -> Case:
    t = rng.normal(size=(4, 3))
    inputs = {"y": 2 * rng.normal(size=(4, 3))}

    def forward(y: Any) -> Any:
        e = np.abs(y - t)
        return np.where(e < 1, e**2 / 2, e - 0.5).mean()

    def backward(g: Any, y: Any) -> Gradients:
        return (g * np.clip(y - t, -1, 1) / 12,)

    return Case(
        "huber loss",
        forward,
        inputs,
        backward,
        [
            Slip("not averaged", lambda g, y: (12 * backward(g, y)[0],), ("y",), ("mean-lost",)),
            Slip(
                "averaged over rows", lambda g, y: (3 * backward(g, y)[0],), ("y",), ("factor", "mean-lost")
            ),
            Slip(
                "never clipped",
                lambda g, y: (g * (y - t) / 12,),
                ("y",),
                ("unclipped", "some-factor", *FORMULAS),
            ),
            Slip("sign lost", lambda g, y: (abs(backward(g, y)[0]),), ("y",), ("some-sign",)),
        ],
    )


def divergence(rng: Any) -> Case:
    """KL divergence of a diagonal normal from the standard one, and a sample drawn through it."""
    noise = rng.normal(size=4)
    inputs = {"mu": rng.normal(size=4), "logvar": rng.normal(size=4) / 2}

    def forward(mu: Any, logvar: Any) -> Any:
        z = mu + np.exp(logvar / 2) * noise
        return 0.5 * np.sum(np.exp(logvar) + mu**2 - 1 - logvar) + np.sum(z**3)

    def backward(g: Any, mu: Any, logvar: Any, half: float = 0.5) -> Gradients:
        s = np.exp(logvar / 2)
        dz = 3 * (mu + s * noise) ** 2
        return g * (mu + dz), g * (0.5 * (np.exp(logvar) - 1) + half * dz * noise * s)

    return Case(
        "divergence",
        forward,
        inputs,
        backward,
        [
            Slip(
                "half of the deviation forgotten",
                changed(backward, 1, lambda d, g, mu, lv: backward(g, mu, lv, half=1.0)[1]),
                ("logvar",),
                ("other-term", *FORMULAS),
            ),
            Slip(
                "mu's own term forgotten",
                changed(backward, 0, lambda d, g, mu, lv: d - g * mu),
                ("mu",),
                ("other-term", "penalty-term", "plus-formula", "numbers-of"),
            ),
            Slip(
                "by the variance, not its log",
                changed(backward, 1, lambda d, g, mu, lv: d / np.exp(lv)),
                ("logvar",),
                ("log-derivative", "factor-missing", "factor-doubled", *FORMULAS),
            ),
            Slip(
                "mu off by a constant",
                changed(backward, 0, lambda d, g, *_: d + g),
                ("mu",),
                ("constant-off", "other-term", "plus-formula"),
            ),
        ],
    )


def gaussian_likelihood(rng: Any) -> Case:
    data = rng.normal(size=7)
    inputs = {"mu": np.array(0.4), "sigma": np.array(1.7)}

    def forward(mu: Any, sigma: Any) -> Any:
        return np.sum((data - mu) ** 2) / (2 * sigma**2) + len(data) * np.log(sigma)

    def backward(g: Any, mu: Any, sigma: Any) -> Gradients:
        e = data - mu
        return -g * e.sum() / sigma**2, g * (len(data) / sigma - (e**2).sum() / sigma**3)

    return Case(
        "normal likelihood",
        forward,
        inputs,
        backward,
        [
            Slip("sign of the inner derivative", changed(backward, 0, lambda d, *_: -d), ("mu",), ("sign",)),
            Slip(
                "by log sigma",
                changed(backward, 1, lambda d, g, mu, s: d * s),
                ("sigma",),
                ("log-derivative", "factor-doubled", *FORMULAS),
            ),
            Slip(
                "sigma for its square",
                changed(backward, 0, lambda d, g, mu, s: d * s),
                ("mu",),
                ("factor-missing", "factor-doubled", *FORMULAS),
            ),
            Slip(
                "averaged",
                changed(backward, 0, lambda d, *_: d / 7),
                ("mu",),
                ("mean-doubled", "factor-below-one"),
            ),
        ],
    )


def log_softmax_loss(rng: Any) -> Case:
    """Weights and inputs of a classifier, log-softmax written out; the classes stand in rows."""
    y = rng.integers(0, 3, size=5)
    inputs = {"W": rng.normal(size=(3, 4)), "X": rng.normal(size=(4, 5))}

    def forward(W: Any, X: Any) -> Any:
        s = np.matmul(W, X)
        s = s - s.max(axis=0)
        return np.sum(np.log(np.exp(s).sum(axis=0)) - s[y, range(5)]) / 5

    def error(W: Any, X: Any, axis: int = 0, hot: float = 1.0) -> Any:
        p = softmax(W @ X, axis=axis)
        p[y, range(5)] -= hot
        return p / 5

    def backward(g: Any, W: Any, X: Any) -> Gradients:
        e = g * error(W, X)
        return e @ X.T, W.T @ e

    return Case(
        "log-softmax",
        forward,
        inputs,
        backward,
        [
            Slip(
                "softmax over the wrong axis",
                changed(backward, 0, lambda d, g, W, X: g * error(W, X, axis=1) @ X.T),
                ("W",),
                ("wrong-axis", *FORMULAS),
            ),
            Slip(
                "one-hot forgotten",
                changed(backward, 0, lambda d, g, W, X: g * error(W, X, hot=0.0) @ X.T),
                ("W",),
                ("other-term", *FORMULAS),
            ),
            Slip(
                "averaged over the classes",
                changed(backward, 0, lambda d, *_: d * 5 / 3),
                ("W",),
                ("factor", "mean-lost"),
            ),
            Slip("averaged twice", changed(backward, 1, lambda d, *_: d / 5), ("X",), ("mean-doubled",)),
            Slip(
                "dX with W not transposed",
                changed(backward, 1, lambda d, *_: d.T),
                ("X",),
                ("transposed-shape",),
            ),
        ],
    )


# --- activations ------------------------------------------------------------------------------------


def smooth_activation(
    name: str, function: Any, slope: Any, slips: list[tuple[str, Any, tuple[str, ...]]]
) -> Any:
    """An activation of a batch, in a class that remembers what it has seen."""

    class Layer:
        def forward(self, x: Any) -> Any:
            self.x = x
            return function(x)

    def make(rng: Any) -> Case:
        layer = Layer()

        def backward(g: Any, x: Any) -> Gradients:
            return (g * slope(x),)

        wrong = [Slip(title, lambda g, x, d=d: (d(g, x),), ("x",), codes) for title, d, codes in slips]
        return Case(name, layer.forward, {"x": rng.normal(size=(2, 6))}, backward, wrong)

    return make


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_slope(x: Any, inner: float = 3 * 0.044715) -> Any:
    t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * math.sqrt(2 / math.pi) * (1 + inner * x**2)


ACTIVATIONS = [
    smooth_activation(
        "swish",
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)),
        [
            ("second term forgotten", lambda g, x: g * sigmoid(x), ("value-of", "factor-missing", *FORMULAS)),
            (
                "first term forgotten",
                lambda g, x: g * x * sigmoid(x) * (1 - sigmoid(x)),
                ("value-of", "factor-doubled", *FORMULAS),
            ),
            (
                "sigmoid' not multiplied by x",
                lambda g, x: g * (sigmoid(x) + sigmoid(x) * (1 - sigmoid(x))),
                FORMULAS,
            ),
        ],
    ),
    smooth_activation(
        "gelu",
        gelu,
        gelu_slope,
        [
            ("inner derivative of the cube forgotten", lambda g, x: g * gelu_slope(x, inner=0.0), FORMULAS),
            ("value for derivative", lambda g, x: g * gelu(x), ("value-of",)),
            ("sign", lambda g, x: -g * gelu_slope(x), ("sign",)),
        ],
    ),
    smooth_activation(
        "leaky relu",
        lambda x: np.where(x > 0, x, 0.1 * x),
        lambda x: np.where(x > 0, 1.0, 0.1),
        [
            ("slope forgotten", lambda g, x: g * (x > 0), ("some-zero", "mask-missing", *FORMULAS)),
            ("no slope at all", lambda g, x: g, ("unchanged", "some-factor", "unmasked")),
            ("mask inverted", lambda g, x: g * np.where(x > 0, 0.1, 1.0), ("mask-flipped", *FORMULAS)),
            (
                "mask of the upstream gradient",
                lambda g, x: g * np.where(g > 0, 1.0, 0.1),
                ("mask-of-upstream", *FORMULAS),
            ),
        ],
    ),
    smooth_activation(
        "elu",
        lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
        lambda x: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0))),
        [
            ("exp everywhere", lambda g, x: g * np.exp(x), ("value-of", *FORMULAS)),
            (
                "value on the left",
                lambda g, x: g * np.where(x > 0, 1.0, np.exp(np.minimum(x, 0)) - 1),
                ("value-of", *FORMULAS),
            ),
        ],
    ),
    smooth_activation(
        "softplus",
        lambda x: np.log(1 + np.exp(x)),
        sigmoid,
        [
            ("value for derivative", lambda g, x: g * np.log(1 + np.exp(x)), ("value-of",)),
            ("1 over", lambda g, x: g / (1 + np.exp(x)), ("value-of", *FORMULAS)),
            ("without upstream", lambda g, x: sigmoid(x) + 0 * g, ("upstream-forgotten",)),
            ("upstream twice", lambda g, x: g * g * sigmoid(x), ("upstream-squared",)),
        ],
    ),
]


# --- sums, indices, kernels ---------------------------------------------------------------------------


def running_sum(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=6)}

    def backward(g: Any, x: Any) -> Gradients:
        return (g[::-1].cumsum()[::-1],)

    return Case(
        "running sum",
        lambda x: np.cumsum(x),
        inputs,
        backward,
        [
            Slip("not turned round", lambda g, x: (np.cumsum(g),), ("x",), ("jacobian-transposed",)),
            Slip("passed on", lambda g, x: (g,), ("x",), ("unchanged", "diagonal-only")),
            Slip("turned once", lambda g, x: (g[::-1].cumsum(),), ("x",), ("reversed",)),
        ],
    )


def factorisation(rng: Any) -> Case:
    """Ratings of users and items that are known in part."""
    users, items = np.array([0, 1, 1, 2, 3]), np.array([2, 0, 1, 2, 2])
    r = rng.normal(size=5)
    inputs = {"P": rng.normal(size=(4, 2)), "Q": rng.normal(size=(3, 2)), "bias": rng.normal(size=4)}

    def forward(P: Any, Q: Any, bias: Any) -> Any:
        return np.sum((np.einsum("ij,ij->i", P[users], Q[items]) + bias[users] - r) ** 2)

    def backward(g: Any, P: Any, Q: Any, bias: Any, add: bool = True) -> Gradients:
        e = 2 * g * (np.einsum("ij,ij->i", P[users], Q[items]) + bias[users] - r)
        dP, dQ, db = np.zeros_like(P), np.zeros_like(Q), np.zeros_like(bias)
        for k, (u, i) in enumerate(zip(users, items, strict=True)):
            dP[u] += e[k] * Q[i]
            dQ[i] = add * dQ[i] + e[k] * P[u]
            db[u] += e[k]
        return dP, dQ, db

    return Case(
        "factorisation",
        forward,
        inputs,
        backward,
        [
            Slip(
                "the last rating alone counts",
                changed(backward, 1, lambda d, g, *a: backward(g, *a, add=False)[1]),
                ("Q",),
                ("counted-once", "other-term", "some-factor", "last-counts", *FORMULAS),
            ),
            Slip("2 of the square lost", changed(backward, 0, lambda d, *_: d / 2), ("P",), ("half",)),
            Slip(
                "a user forgotten",
                changed(backward, 2, lambda d, *_: d * [1, 0, 1, 1]),
                ("bias",),
                ("some-zero",),
            ),
            Slip(
                "a user doubled",
                changed(backward, 2, lambda d, *_: d * [1, 2, 1, 1]),
                ("bias",),
                ("some-double",),
            ),
            Slip(
                "averaged over the ratings",
                changed(backward, 0, lambda d, *_: d / 5),
                ("P",),
                ("mean-doubled", "factor-below-one"),
            ),
        ],
    )


def batched_product(rng: Any) -> Case:
    inputs = {"A": rng.normal(size=(2, 3, 3)), "B": rng.normal(size=(2, 3, 3))}

    def forward(A: Any, B: Any) -> Any:
        return np.einsum("bij,bjk->bik", A, B)

    def backward(g: Any, A: Any, B: Any) -> Gradients:
        return np.einsum("bik,bjk->bij", g, B), np.einsum("bij,bik->bjk", A, g)

    return Case(
        "batched product",
        forward,
        inputs,
        backward,
        [
            Slip(
                "B not transposed",
                changed(backward, 0, lambda d, g, A, B: g @ B),
                ("A",),
                ("not-transposed", "jacobian-transposed", *FORMULAS),
            ),
            Slip(
                "A on the wrong side",
                changed(backward, 1, lambda d, g, A, B: g @ A.transpose(0, 2, 1)),
                ("B",),
                ("order-swapped", "jacobian-transposed", *FORMULAS),
            ),
            Slip(
                "result transposed",
                changed(backward, 0, lambda d, *_: d.transpose(0, 2, 1)),
                ("A",),
                ("result-transposed",),
            ),
            Slip(
                "batches exchanged",
                changed(backward, 0, lambda d, *_: d[::-1]),
                ("A",),
                ("reversed", "shifted"),
            ),
            Slip(
                "dA for dB",
                changed(backward, 1, lambda d, g, *a: backward(g, *a)[0]),
                ("B",),
                ("other-gradient",),
            ),
        ],
    )


def kernel(rng: Any) -> Case:
    """A radial kernel between the rows of two arrays."""
    inputs = {"X": rng.normal(size=(3, 2)), "Y": rng.normal(size=(4, 2)), "length": np.array(1.3)}

    def parts(X: Any, Y: Any, length: Any) -> tuple[Any, Any]:
        gap = X[:, None, :] - Y[None, :, :]
        return gap, np.exp(-(gap**2).sum(-1) / (2 * length**2))

    def backward(g: Any, X: Any, Y: Any, length: Any) -> Gradients:
        gap, k = parts(X, Y, length)
        d = (g * k / length**2)[..., None] * gap
        return -d.sum(1), d.sum(0), (g * k * (gap**2).sum(-1)).sum() / length**3

    return Case(
        "kernel",
        lambda *a: parts(*a)[1],
        inputs,
        backward,
        [
            Slip("sign of dX", changed(backward, 0, lambda d, *_: -d), ("X",), ("sign",)),
            Slip(
                "by the log of the length",
                changed(backward, 2, lambda d, g, X, Y, s: d * s),
                ("length",),
                ("log-derivative", "factor-doubled", *FORMULAS),
            ),
            Slip("factor 2 of the square", changed(backward, 1, lambda d, *_: 2 * d), ("Y",), ("double",)),
            Slip(
                "divided by the length once",
                changed(backward, 0, lambda d, g, X, Y, s: d * s),
                ("X",),
                ("factor-missing", "factor-doubled", *FORMULAS),
            ),
        ],
    )


def potential(rng: Any) -> Case:
    """Lennard-Jones between two particles: scalars, powers."""
    inputs = {"r": np.array(1.3), "s": np.array(1.1), "e": np.array(0.7)}

    def forward(r: Any, s: Any, e: Any) -> Any:
        return 4 * e * ((s / r) ** 12 - (s / r) ** 6)

    def backward(g: Any, r: Any, s: Any, e: Any, six: float = 1.0) -> Gradients:
        q = s / r
        return (
            -4 * g * e * (12 * q**12 - six * 6 * q**6) / r,
            4 * g * e * (12 * q**12 - 6 * q**6) / s,
            4 * g * (q**12 - q**6),
        )

    return Case(
        "potential",
        forward,
        inputs,
        backward,
        [
            Slip("a force, not a gradient", changed(backward, 0, lambda d, *_: -d), ("r",), ("sign",)),
            Slip(
                "1 / r forgotten",
                changed(backward, 0, lambda d, g, r, s, e: d * r),
                ("r",),
                ("log-derivative", "factor-doubled", "factor-missing", *FORMULAS),
            ),
            Slip(
                "the energy for its slope",
                changed(backward, 2, lambda d, g, r, s, e: d * e),
                ("e",),
                ("factor-doubled", "value-of", *FORMULAS),
            ),
            Slip(
                "dr is ds",
                changed(backward, 0, lambda d, g, *a: backward(g, *a)[1]),
                ("r",),
                ("other-gradient",),
            ),
        ],
    )


def classifier(rng: Any) -> Case:
    """Two layers with relu and cross-entropy, the mean over the batch, a penalty: as in course work."""
    X, y = rng.normal(size=(6, 4)), rng.integers(0, 3, size=6)
    inputs = {
        "W1": rng.normal(size=(4, 5)),
        "b1": rng.normal(size=5),
        "W2": rng.normal(size=(5, 3)),
        "b2": rng.normal(size=3),
    }
    reg = 0.05

    def forward(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        h = np.maximum(0, X @ W1 + b1)
        p = softmax(h @ W2 + b2)
        return -np.log(p[np.arange(6), y]).mean() + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

    def backward(
        g: Any, W1: Any, b1: Any, W2: Any, b2: Any, masked: bool = True, transposed: bool = True
    ) -> Gradients:
        h = np.maximum(0, X @ W1 + b1)
        e = softmax(h @ W2 + b2)
        e[np.arange(6), y] -= 1
        e *= g / 6
        dh = e @ W2.T
        if masked:
            dh[h <= 0] = 0
        return X.T @ dh + g * reg * W1, dh.sum(0), h.T @ e + g * reg * W2, e.sum(0)

    def updated(g: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Gradients:
        right = backward(g, W1, b1, W2, b2)
        late = backward(g, W1, b1, W2 - 0.1 * right[2], b2)
        return late[0], late[1], right[2], right[3]

    return Case(
        "classifier",
        forward,
        inputs,
        backward,
        [
            Slip(
                "relu forgotten",
                lambda g, *a: backward(g, *a, masked=False),
                ("W1",),
                ("hidden-slope-missing",),
            ),
            Slip(
                "penalty forgotten in W1",
                changed(backward, 0, lambda d, g, W1, *_: d - g * reg * W1),
                ("W1",),
                ("penalty-term",),
            ),
            Slip(
                "penalty with its 2",
                changed(backward, 2, lambda d, g, W1, b1, W2, b2: d + g * reg * W2),
                ("W2",),
                ("penalty-term",),
            ),
            Slip("b2 not averaged", changed(backward, 3, lambda d, *_: 6 * d), ("b2",), ("mean-lost",)),
            Slip("b1 from the first example", changed(backward, 1, lambda d, *_: d / 2), ("b1",), ("half",)),
            Slip("dW1 transposed", changed(backward, 0, lambda d, *_: d.T), ("W1",), ("transposed-shape",)),
        ],
    )


def mixture(rng: Any) -> Case:
    """The log of a sum of exponentials over the last axis, a mean over the rest."""
    inputs = {"z": rng.normal(size=(4, 3)), "log_pi": rng.normal(size=3)}

    def forward(z: Any, log_pi: Any) -> Any:
        s = z + log_pi
        top = s.max(axis=1)
        return np.mean(top + np.log(np.exp(s - top[:, None]).sum(axis=1)))

    def backward(g: Any, z: Any, log_pi: Any) -> Gradients:
        p = softmax(z + log_pi) / 4
        return g * p, g * p.sum(0)

    return Case(
        "mixture",
        forward,
        inputs,
        backward,
        [
            Slip("not averaged", changed(backward, 0, lambda d, *_: 4 * d), ("z",), ("mean-lost",)),
            Slip(
                "log_pi forgotten",
                changed(backward, 0, lambda d, g, z, lp: g * softmax(z) / 4),
                ("z",),
                ("value-of", *FORMULAS),
            ),
            Slip(
                "dlog_pi not summed",
                changed(backward, 1, lambda d, g, *a: backward(g, *a)[0]),
                ("log_pi",),
                ("unsummed-shape", "other-gradient"),
            ),
            Slip(
                "dlog_pi of the first row",
                changed(backward, 1, lambda d, g, *a: backward(g, *a)[0][0]),
                ("log_pi",),
                ("one-row", "some-outputs", *FORMULAS),
            ),
        ],
    )


CASES = [
    gated_unit,
    recurrence,
    attention_pooling,
    batch_norm,
    rms_norm,
    unit_length,
    image_convolution,
    average_pooling,
    image_max_pooling,
    upsampling,
    hinge,
    binary_cross_entropy,
    huber,
    divergence,
    gaussian_likelihood,
    log_softmax_loss,
    *ACTIVATIONS,
    running_sum,
    factorisation,
    batched_product,
    kernel,
    potential,
    classifier,
    mixture,
]


if __name__ == "__main__":
    main(CASES)
