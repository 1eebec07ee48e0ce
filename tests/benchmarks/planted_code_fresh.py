"""A third set of mistakes planted in code, written after the patterns that the second one asked for.

What it gave when it was first measured stands in the README.

Run: python tests/benchmarks/planted_code_fresh.py [--verbose]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from planted_code import Case, Gradients, Slip, changed, main, sigmoid, softmax

FORMULAS = ("numbers-of", "formula", "times-formula", "plus-formula")


def at(position: int, title: str, name: str, codes: tuple[str, ...], backward: Any, change: Any) -> Slip:
    """A slip in one gradient: `change(gradient, g, *inputs)`."""
    return Slip(title, changed(backward, position, change), (name,), codes)


def dense(rng: Any) -> Case:
    """Weights with a row for each output, as torch has them; a class that remembers its input."""

    class Dense:
        def forward(self, x: Any, W: Any, b: Any) -> Any:
            self.x = x
            return x @ W.T + b

        def backward(self, g: Any, x: Any, W: Any, b: Any) -> Gradients:
            return g @ W, g.T @ self.x, g.sum(axis=0)

    layer = Dense()
    inputs = {"x": rng.normal(size=(5, 4)), "W": rng.normal(size=(3, 4)), "b": rng.normal(size=3)}
    b = layer.backward
    slips = [
        at(1, "dW transposed", "W", ("transposed-shape",), b, lambda d, *_: d.T),
        at(1, "dW averaged", "W", ("mean-doubled",), b, lambda d, *_: d / 5),
        at(2, "db of the mean", "b", ("mean-doubled",), b, lambda d, g, *_: g.mean(0)),
        at(2, "db of the last example", "b", ("some-outputs",), b, lambda d, g, *_: g[-1]),
        at(0, "dx of the wrong sign", "x", ("sign",), b, lambda d, *_: -d),
        at(0, "dx of the other way round", "x", ("reversed",), b, lambda d, *_: d[::-1]),
    ]
    return Case("dense", layer.forward, inputs, b, slips)


def residual(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(3, 4)), "W": rng.normal(size=(4, 4))}

    def forward(x: Any, W: Any) -> Any:
        return x + np.maximum(x @ W, 0)

    def b(g: Any, x: Any, W: Any) -> Gradients:
        d = g * (x @ W > 0)
        return g + d @ W.T, x.T @ d

    slips = [
        at(
            0,
            "skip forgotten",
            "x",
            ("plus-formula", "path-dropped", "other-term"),
            b,
            lambda d, g, x, W: d - g,
        ),
        at(0, "skip twice", "x", ("plus-formula", "path-doubled", "other-term"), b, lambda d, g, x, W: d + g),
        at(1, "mask forgotten", "W", ("unmasked", *FORMULAS), b, lambda d, g, x, W: x.T @ g),
        at(1, "dW halved", "W", ("half",), b, lambda d, *_: d / 2),
    ]
    return Case("residual", forward, inputs, b, slips)


def group_norm(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(2, 3, 4)), "gamma": rng.normal(size=(3, 1)) + 2}

    def parts(x: Any) -> tuple[Any, Any]:
        s = np.sqrt(x.var(axis=2, keepdims=True))
        return (x - x.mean(axis=2, keepdims=True)) / s, s

    def forward(x: Any, gamma: Any) -> Any:
        return parts(x)[0] * gamma

    def b(g: Any, x: Any, gamma: Any, mean: float = 1.0, variance: float = 1.0) -> Gradients:
        n, s = parts(x)
        d = g * gamma
        dx = d - mean * d.mean(2, keepdims=True) - variance * n * (d * n).mean(2, keepdims=True)
        return dx / s, (g * n).sum((0, 2))[:, None]

    slips = [
        Slip("mean forgotten", lambda g, *a: b(g, *a, mean=0.0), ("x",), ("mean-term",)),
        Slip("variance of wrong sign", lambda g, *a: b(g, *a, variance=-1.0), ("x",), ("variance-term",)),
        at(0, "deviation forgotten", "x", ("factor-doubled",), b, lambda d, g, x, _: d * parts(x)[1]),
        at(1, "dgamma averaged", "gamma", ("mean-doubled",), b, lambda d, *_: d / 8),
        at(
            1,
            "dgamma of x",
            "gamma",
            ("value-of", *FORMULAS),
            b,
            lambda d, g, x, _: (g * x).sum((0, 2))[:, None],
        ),
    ]
    return Case("group norm", forward, inputs, b, slips)


def channels(rng: Any) -> Case:
    """A convolution with channels, by einsum over windows."""
    inputs = {"x": rng.normal(size=(2, 6)), "w": rng.normal(size=(2, 2, 3)), "b": rng.normal(size=2)}

    def forward(x: Any, w: Any, b: Any) -> Any:
        windows = np.stack([x[:, i : i + 3] for i in range(4)])
        return np.einsum("ick,ock->oi", windows, w) + b[:, None]

    def back(g: Any, x: Any, w: Any, b: Any) -> Gradients:
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for i in range(4):
            dx[:, i : i + 3] += np.einsum("o,ock->ck", g[:, i], w)
            dw += g[:, i, None, None] * x[None, :, i : i + 3]
        return dx, dw, g.sum(axis=1)

    slips = [
        at(1, "dw turned", "w", ("reversed",), back, lambda d, *_: d[:, :, ::-1]),
        at(1, "channels exchanged", "w", ("axes-exchanged",), back, lambda d, *_: d.swapaxes(0, 1)),
        at(2, "db not summed", "b", ("unsummed-shape",), back, lambda d, g, *_: g),
        at(0, "shifted", "x", ("shifted",), back, lambda d, *_: np.roll(d, 1, axis=1)),
        at(0, "last column lost", "x", ("some-zero",), back, lambda d, *_: d * (np.arange(6) < 5)),
    ]
    return Case("convolution with channels", forward, inputs, back, slips)


def gated_linear(rng: Any) -> Case:
    inputs = {"a": rng.normal(size=(3, 3)), "z": rng.normal(size=(3, 3))}

    def b(g: Any, a: Any, z: Any) -> Gradients:
        s = sigmoid(z)
        return g * s, g * a * s * (1 - s)

    slips = [
        at(1, "1 - s forgotten", "z", FORMULAS, b, lambda d, g, a, z: g * a * sigmoid(z)),
        at(1, "a forgotten", "z", ("factor-missing",), b, lambda d, g, a, z: d / a),
        at(0, "z for the gate", "a", ("value-of", *FORMULAS), b, lambda d, g, a, z: g * z),
        at(0, "da is dz", "a", ("other-gradient",), b, lambda d, g, *i: b(g, *i)[1]),
        at(1, "s' twice", "z", FORMULAS, b, lambda d, g, a, z: d * sigmoid(z) * (1 - sigmoid(z))),
    ]
    return Case("gated linear unit", lambda a, z: a * sigmoid(z), inputs, b, slips)


def cosine(rng: Any) -> Case:
    inputs = {"u": rng.normal(size=5), "v": rng.normal(size=5)}

    def b(g: Any, u: Any, v: Any, inner: float = 1.0) -> Gradients:
        lu, lv = np.linalg.norm(u), np.linalg.norm(v)
        c = u @ v / lu / lv
        return g * (v / lv - inner * c * u / lu) / lu, g * (u / lu - c * v / lv) / lv

    slips = [
        Slip("projection forgotten", lambda g, u, v: b(g, u, v, inner=0.0), ("u",), ("length-term",)),
        at(0, "length forgotten", "u", ("factor-doubled",), b, lambda d, g, u, v: d * np.linalg.norm(u)),
        at(1, "a distance, not a similarity", "v", ("sign",), b, lambda d, *_: -d),
        at(1, "dv is du", "v", ("other-gradient",), b, lambda d, g, *i: b(g, *i)[0]),
    ]
    forward = lambda u, v: u @ v / np.linalg.norm(u) / np.linalg.norm(v)  # noqa: E731
    return Case("cosine similarity", forward, inputs, b, slips)


def poisson(rng: Any) -> Case:
    y = rng.integers(0, 5, size=8).astype(float)
    inputs = {"X": rng.normal(size=(8, 3)) / 2, "w": rng.normal(size=3)}

    def forward(X: Any, w: Any) -> Any:
        eta = X @ w
        return np.mean(np.exp(eta) - y * eta)

    def b(g: Any, X: Any, w: Any) -> Gradients:
        e = g * (np.exp(X @ w) - y) / 8
        return np.outer(e, w), X.T @ e

    slips = [
        at(
            1,
            "y forgotten",
            "w",
            ("other-term", *FORMULAS),
            b,
            lambda d, g, X, w: g * X.T @ np.exp(X @ w) / 8,
        ),
        at(1, "exp forgotten", "w", FORMULAS, b, lambda d, g, X, w: g * X.T @ (X @ w - y) / 8),
        at(1, "not averaged", "w", ("mean-lost",), b, lambda d, *_: 8 * d),
        at(0, "w forgotten", "X", ("factor-missing",), b, lambda d, g, X, w: d / w),
    ]
    return Case("poisson regression", forward, inputs, b, slips)


def temperature(rng: Any) -> Case:
    T = 1.7
    inputs = {"z": rng.normal(size=6)}

    def b(g: Any, z: Any) -> Gradients:
        p = softmax(z / T)
        return (p * (g - p @ g) / T,)

    slips = [
        at(0, "1/T forgotten", "z", ("factor-doubled",), b, lambda d, *_: d * T),
        at(0, "1/T twice", "z", ("factor-missing",), b, lambda d, *_: d / T),
        at(
            0,
            "diagonal",
            "z",
            ("diagonal-only",),
            b,
            lambda d, g, z: g * softmax(z / T) * (1 - softmax(z / T)) / T,
        ),
        at(0, "no sum", "z", ("value-of", *FORMULAS), b, lambda d, g, z: g * softmax(z / T) / T),
    ]
    return Case("softmax with a temperature", lambda z: softmax(z / T), inputs, b, slips)


def distances(rng: Any) -> Case:
    inputs = {"X": rng.normal(size=(3, 2)), "Y": rng.normal(size=(4, 2))}

    def forward(X: Any, Y: Any) -> Any:
        return ((X[:, None] - Y[None]) ** 2).sum(-1)

    def b(g: Any, X: Any, Y: Any) -> Gradients:
        d = 2 * g[..., None] * (X[:, None] - Y[None])
        return d.sum(1), -d.sum(0)

    slips = [
        at(0, "2 lost", "X", ("half",), b, lambda d, *_: d / 2),
        at(1, "sign of Y", "Y", ("sign",), b, lambda d, *_: -d),
        at(1, "averaged", "Y", ("mean-doubled",), b, lambda d, *_: d / 3),
        at(
            0,
            "upstream forgotten",
            "X",
            ("upstream-forgotten",),
            b,
            lambda d, g, X, Y: b(np.ones_like(g), X, Y)[0],
        ),
    ]
    return Case("distances", forward, inputs, b, slips)


def trace(rng: Any) -> Case:
    inputs = {"A": rng.normal(size=(3, 3)), "B": rng.normal(size=(3, 3))}

    def b(g: Any, A: Any, B: Any) -> Gradients:
        return g * B.T, g * A.T

    slips = [
        at(0, "B not transposed", "A", ("result-transposed",), b, lambda d, *_: d.T),
        at(1, "dB is dA", "B", ("other-gradient",), b, lambda d, g, A, B: g * B.T),
        at(1, "symmetrized", "B", ("symmetric-part",), b, lambda d, *_: (d + d.T) / 2),
    ]
    return Case("trace", lambda A, B: np.trace(A @ B), inputs, b, slips)


def parabola(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=7), "a": np.array(0.7), "c": np.array(-1.2)}

    def b(g: Any, x: Any, a: Any, c: Any) -> Gradients:
        return g * (2 * a * x + c), (g * x * x).sum(), (g * x).sum()

    slips = [
        at(0, "2 forgotten", "x", FORMULAS, b, lambda d, g, x, a, c: g * (a * x + c)),
        at(
            0,
            "c forgotten",
            "x",
            ("plus-formula", "constant-off", *FORMULAS),
            b,
            lambda d, g, x, a, c: d - g * c,
        ),
        at(1, "da is dc", "a", ("other-gradient",), b, lambda d, g, x, a, c: (g * x).sum()),
        at(2, "dc of the mean", "c", ("mean-doubled",), b, lambda d, *_: d / 7),
    ]
    return Case("parabola", lambda x, a, c: a * x**2 + c * x, inputs, b, slips)


def bag(rng: Any) -> Case:
    """The mean of embedded words."""
    words = np.array([1, 4, 1, 0])
    inputs = {"E": rng.normal(size=(6, 3)), "v": rng.normal(size=3)}

    def b(g: Any, E: Any, v: Any, once: bool = False) -> Gradients:
        d = np.zeros_like(E)
        if once:
            d[words] += g * v / 4
        else:
            np.add.at(d, words, g * v / 4)
        return d, g * E[words].mean(0)

    slips = [
        Slip("counted once", lambda g, E, v: b(g, E, v, once=True), ("E",), ("counted-once",)),
        at(0, "not averaged", "E", ("mean-lost",), b, lambda d, *_: 4 * d),
        at(1, "all rows", "v", ("mean-lost", "numbers-of", *FORMULAS), b, lambda d, g, E, v: g * E.mean(0)),
        at(0, "a word lost", "E", ("some-zero",), b, lambda d, *_: d * (np.arange(6) != 4)[:, None]),
    ]
    return Case("bag of words", lambda E, v: E[words].mean(0) @ v, inputs, b, slips)


def masked_mean(rng: Any) -> Case:
    mask = np.array([[1.0, 1, 1, 0, 0], [1, 1, 1, 1, 0]])
    inputs = {"h": rng.normal(size=(2, 5))}
    count = mask.sum(1, keepdims=True)

    def b(g: Any, h: Any) -> Gradients:
        return (g[:, None] * mask / count,)

    slips = [
        at(0, "mask forgotten", "h", ("unmasked",), b, lambda d, g, h: g[:, None] / count + 0 * h),
        at(0, "count forgotten", "h", ("factor-doubled", "factor-missing"), b, lambda d, *_: d * count),
        at(0, "mask inverted", "h", ("mask-flipped",), b, lambda d, g, h: g[:, None] * (1 - mask) / count),
    ]
    return Case("masked mean", lambda h: (h * mask / count).sum(1), inputs, b, slips)


def elastic_net(rng: Any) -> Case:
    l1, l2 = 0.3, 0.2
    X, t = rng.normal(size=(6, 4)), rng.normal(size=6)
    inputs = {"w": rng.normal(size=4)}

    def forward(w: Any) -> Any:
        return ((X @ w - t) ** 2).mean() + l1 * abs(w).sum() + l2 * (w * w).sum()

    def b(g: Any, w: Any) -> Gradients:
        return (g * (2 * X.T @ (X @ w - t) / 6 + l1 * np.sign(w) + 2 * l2 * w),)

    slips = [
        at(0, "l1 lost", "w", ("penalty-term",), b, lambda d, g, w: d - g * l1 * np.sign(w)),
        at(0, "2 of l2 lost", "w", ("penalty-term",), b, lambda d, g, w: d - g * l2 * w),
        at(
            0,
            "w for its sign",
            "w",
            ("two-terms", *FORMULAS),
            b,
            lambda d, g, w: d + g * l1 * (w - np.sign(w)),
        ),
        at(0, "all halved", "w", ("half",), b, lambda d, *_: d / 2),
    ]
    return Case("elastic net", forward, inputs, b, slips)


CASES = [
    dense,
    residual,
    group_norm,
    channels,
    gated_linear,
    cosine,
    poisson,
    temperature,
    distances,
    trace,
    parabola,
    bag,
    masked_mean,
    elastic_net,
]


if __name__ == "__main__":
    main(CASES)
