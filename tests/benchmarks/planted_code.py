"""Mistakes planted in backward functions written in NumPy: are the input and the kind of mistake named?

Each function stands with its right backward and with wrong ones, each of which makes one slip that people
make: a factor, a transpose, a sum, a mask, a term, a name in place of another.

Run: python tests/benchmarks/planted_code.py [--verbose]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from bpx.check.function.black_box import check_function
from bpx.check.report.report import Report

Gradients = tuple[Any, ...]


class Slip(NamedTuple):
    """A wrong backward: whose gradient is wrong, and the codes that name the mistake, any of them."""

    title: str
    backward: Callable[..., Gradients]
    culprits: tuple[str, ...]
    codes: tuple[str, ...]


class Case(NamedTuple):
    """A function with its inputs, its right backward and wrong ones."""

    name: str
    forward: Callable[..., Any]
    inputs: dict[str, Any]
    backward: Callable[..., Gradients]
    slips: list[Slip]


def changed(
    backward: Callable[..., Gradients], at: int, change: Callable[..., Any]
) -> Callable[..., Gradients]:
    """The backward with one gradient changed: `change(gradient, g, *inputs)`."""

    def wrong(g: Any, *inputs: Any) -> Gradients:
        gradients = list(backward(g, *inputs))
        gradients[at] = change(gradients[at], g, *inputs)
        return tuple(gradients)

    return wrong


def softmax(z: Any, axis: int = -1) -> Any:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


# --- layers ---------------------------------------------------------------------------------------


def linear(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(5, 3)), "W": rng.normal(size=(3, 4)), "b": rng.normal(size=4)}

    def forward(x: Any, W: Any, b: Any) -> Any:
        return x @ W + b

    def backward(g: Any, x: Any, W: Any, b: Any) -> Gradients:
        return g @ W.T, x.T @ g, g.sum(axis=0)

    return Case(
        "linear",
        forward,
        inputs,
        backward,
        [
            Slip(
                "bias averaged",
                changed(backward, 2, lambda d, g, *_: g.mean(axis=0)),
                ("b",),
                ("mean-doubled",),
            ),
            Slip("bias not summed", changed(backward, 2, lambda d, g, *_: g), ("b",), ("unsummed-shape",)),
            Slip("dW over the batch", changed(backward, 1, lambda d, *_: d / 5), ("W",), ("mean-doubled",)),
            Slip("dW transposed", changed(backward, 1, lambda d, *_: d.T), ("W",), ("transposed-shape",)),
            Slip("dx forgotten", changed(backward, 0, lambda d, *_: 0 * d), ("x",), ("dropped",)),
            Slip(
                "in another order",
                lambda g, *a: (backward(g, *a)[1], backward(g, *a)[0], backward(g, *a)[2]),
                ("x", "W"),
                ("other-gradient",),
            ),
            Slip("dW twice", changed(backward, 1, lambda d, *_: 2 * d), ("W",), ("double",)),
            Slip(
                "first example only", changed(backward, 2, lambda d, g, *_: g[0]), ("b",), ("some-outputs",)
            ),
        ],
    )


def activation(name: str, function: Any, slope: Any, more: list[tuple[str, Any, tuple[str, ...]]]) -> Any:
    def make(rng: Any) -> Case:
        inputs = {"x": rng.normal(size=(3, 4))}

        def backward(g: Any, x: Any) -> Gradients:
            return (g * slope(x),)

        slips = [
            Slip(title, lambda g, x, wrong=wrong: (wrong(g, x),), ("x",), codes)
            for title, wrong, codes in more
        ]
        return Case(name, function, inputs, backward, slips)

    return make


ACTIVATIONS = [
    activation(
        "tanh",
        np.tanh,
        lambda x: 1 - np.tanh(x) ** 2,
        [
            ("derivative missing", lambda g, x: g, ("factor-missing", "unchanged")),
            ("derivative twice", lambda g, x: g * (1 - np.tanh(x) ** 2) ** 2, ("factor-doubled",)),
            ("value for derivative", lambda g, x: g * np.tanh(x), ("value-of",)),
            ("upstream forgotten", lambda g, x: 1 - np.tanh(x) ** 2 + 0 * g, ("upstream-forgotten",)),
        ],
    ),
    activation(
        "sigmoid",
        sigmoid,
        lambda x: sigmoid(x) * (1 - sigmoid(x)),
        [
            ("times its value", lambda g, x: g * sigmoid(x) ** 2 * (1 - sigmoid(x)), ("factor-doubled",)),
            ("a (1 - a) at the input", lambda g, x: g * x * (1 - x), ("value-of",)),
            ("1 - a^2", lambda g, x: g * (1 - sigmoid(x) ** 2), ("value-of",)),
            ("sign", lambda g, x: -g * sigmoid(x) * (1 - sigmoid(x)), ("sign",)),
        ],
    ),
    activation(
        "relu",
        lambda x: np.maximum(x, 0),
        lambda x: (x > 0) * 1.0,
        [
            ("mask missing", lambda g, x: g, ("unmasked",)),
            ("mask inverted", lambda g, x: g * (x <= 0), ("mask-flipped",)),
            ("value for derivative", lambda g, x: g * np.maximum(x, 0), ("factor-doubled", "value-of")),
        ],
    ),
    activation(
        "square",
        lambda x: x**2,
        lambda x: 2 * x,
        [
            ("factor 2 lost", lambda g, x: g * x, ("half",)),
            ("exponent kept", lambda g, x: 2 * g * x**2, ("factor-doubled",)),
            (
                "one element",
                lambda g, x: 2 * g * x * np.where(np.arange(12).reshape(3, 4) == 5, 3, 1),
                ("some-factor", "one-element"),
            ),
        ],
    ),
]


def dropout(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(4, 5))}
    mask, p = (rng.random((4, 5)) > 0.4) * 1.0, 0.4

    def forward(x: Any) -> Any:
        return x * mask / (1 - p)

    def backward(g: Any, x: Any) -> Gradients:
        return (g * mask / (1 - p),)

    return Case(
        "dropout",
        forward,
        inputs,
        backward,
        [
            Slip("not masked", lambda g, x: (g / (1 - p),), ("x",), ("unmasked",)),
            Slip("not scaled", lambda g, x: (g * mask,), ("x",), ("factor-doubled", "factor-missing")),
            Slip("scaled the wrong way", lambda g, x: (g * mask * (1 - p),), ("x",), ("factor-doubled",)),
        ],
    )


# --- norms ----------------------------------------------------------------------------------------


def layer_norm(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(3, 5)), "gamma": rng.normal(size=5) + 2, "beta": rng.normal(size=5)}

    def parts(x: Any) -> tuple[Any, Any]:
        centred = x - x.mean(axis=1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True))
        return centred / deviation, deviation

    def forward(x: Any, gamma: Any, beta: Any) -> Any:
        return parts(x)[0] * gamma + beta

    def backward(
        g: Any, x: Any, gamma: Any, beta: Any, mean: bool = True, variance: bool = True
    ) -> Gradients:
        n, s = parts(x)
        d = g * gamma
        dx = d - mean * d.mean(axis=1, keepdims=True) - variance * n * (d * n).mean(axis=1, keepdims=True)
        return dx / s, (g * n).sum(axis=0), g.sum(axis=0)

    return Case(
        "layer norm",
        forward,
        inputs,
        backward,
        [
            Slip("mean forgotten", lambda g, *a: backward(g, *a, mean=False), ("x",), ("mean-term",)),
            Slip(
                "variance forgotten",
                lambda g, *a: backward(g, *a, variance=False),
                ("x",),
                ("variance-term",),
            ),
            Slip(
                "both forgotten",
                lambda g, *a: backward(g, *a, mean=False, variance=False),
                ("x",),
                ("norm-terms",),
            ),
            Slip(
                "y for x̂ in dgamma",
                changed(backward, 1, lambda d, g, *a: (g * forward(*a)).sum(axis=0)),
                ("gamma",),
                ("value-of",),
            ),
            Slip(
                "dgamma over gamma",
                changed(backward, 1, lambda d, g, x, gamma, beta: d / gamma),
                ("gamma",),
                ("factor-missing",),
            ),
            Slip(
                "dbeta is dgamma",
                changed(backward, 2, lambda d, g, x, *_: backward(g, x, *_)[1]),
                ("beta",),
                ("other-gradient",),
            ),
        ],
    )


# --- losses ---------------------------------------------------------------------------------------


def cross_entropy(rng: Any) -> Case:
    y = rng.integers(0, 4, size=6)
    inputs = {"z": rng.normal(size=(6, 4)), "y": y}
    hot = np.eye(4)[y]

    def forward(z: Any, y: Any) -> Any:
        return -np.log(softmax(z)[np.arange(6), y]).mean()

    def backward(g: Any, z: Any, y: Any) -> Gradients:
        return g * (softmax(z) - hot) / 6, None

    return Case(
        "cross-entropy",
        forward,
        inputs,
        backward,
        [
            Slip("not averaged", lambda g, z, y: (g * (softmax(z) - hot), None), ("z",), ("mean-lost",)),
            Slip("sign", lambda g, z, y: (g * (hot - softmax(z)) / 6, None), ("z",), ("sign",)),
            Slip("one-hot forgotten", lambda g, z, y: (g * softmax(z) / 6, None), ("z",), ("other-term",)),
            Slip(
                "upstream forgotten",
                lambda g, z, y: ((softmax(z) - hot) / 6, None),
                ("z",),
                ("upstream-forgotten",),
            ),
            Slip(
                "averaged over all",
                lambda g, z, y: (g * (softmax(z) - hot) / 24, None),
                ("z",),
                ("mean-doubled",),
            ),
        ],
    )


def ridge(rng: Any) -> Case:
    inputs = {"X": rng.normal(size=(7, 3)), "w": rng.normal(size=3), "t": rng.normal(size=7)}
    reg = 0.3

    def forward(X: Any, w: Any, t: Any) -> Any:
        return ((X @ w - t) ** 2).mean() + reg / 2 * (w**2).sum()

    def backward(g: Any, X: Any, w: Any, t: Any, penalty: float = 1.0) -> Gradients:
        r = 2 * g * (X @ w - t) / 7
        return np.outer(r, w), X.T @ r + penalty * reg * g * w, -r

    return Case(
        "ridge regression",
        forward,
        inputs,
        backward,
        [
            Slip("penalty lost", lambda g, *a: backward(g, *a, penalty=0.0), ("w",), ("penalty-term",)),
            Slip("penalty doubled", lambda g, *a: backward(g, *a, penalty=2.0), ("w",), ("penalty-term",)),
            Slip("penalty averaged", lambda g, *a: backward(g, *a, penalty=1 / 7), ("w",), ("penalty-term",)),
            Slip("sign of the target", changed(backward, 2, lambda d, *_: -d), ("t",), ("sign",)),
            Slip("2 of the square lost", changed(backward, 0, lambda d, *_: d / 2), ("X",), ("half",)),
        ],
    )


# --- products, indices, shapes ----------------------------------------------------------------------


def attention(rng: Any) -> Case:
    inputs = {name: rng.normal(size=(4, 3)) for name in ("q", "k", "v")}

    def forward(q: Any, k: Any, v: Any) -> Any:
        return softmax(q @ k.T / np.sqrt(3)) @ v

    def backward(
        g: Any, q: Any, k: Any, v: Any, scale: float = 1 / np.sqrt(3), diagonal: bool = False
    ) -> Gradients:
        a = softmax(q @ k.T / np.sqrt(3))
        da = g @ v.T
        ds = a * da if diagonal else a * (da - (a * da).sum(axis=1, keepdims=True))
        return ds @ k * scale, ds.T @ q * scale, a.T @ g

    return Case(
        "attention",
        forward,
        inputs,
        backward,
        [
            Slip("scale forgotten", lambda g, *a: backward(g, *a, scale=1.0), ("q", "k"), ("root-missing",)),
            Slip("scale twice", lambda g, *a: backward(g, *a, scale=1 / 3), ("q", "k"), ("root-doubled",)),
            Slip(
                "dv not transposed",
                changed(backward, 2, lambda d, g, q, k, v: softmax(q @ k.T / np.sqrt(3)) @ g),
                ("v",),
                ("jacobian-transposed",),
            ),
            Slip(
                "dq is dk",
                changed(backward, 0, lambda d, g, *a: backward(g, *a)[1]),
                ("q",),
                ("other-gradient",),
            ),
        ],
    )


def quadratic(rng: Any) -> Case:
    inputs = {"A": rng.normal(size=(4, 4)), "x": rng.normal(size=4)}

    def forward(A: Any, x: Any) -> Any:
        return x @ A @ x

    def backward(g: Any, A: Any, x: Any) -> Gradients:
        return g * np.outer(x, x), g * (A + A.T) @ x

    return Case(
        "quadratic form",
        forward,
        inputs,
        backward,
        [
            Slip("A counted once", lambda g, A, x: (g * np.outer(x, x), g * A @ x), ("x",), ("numbers-of",)),
            Slip("twice A x", lambda g, A, x: (g * np.outer(x, x), 2 * g * A @ x), ("x",), ("numbers-of",)),
            Slip(
                "half of dA", lambda g, A, x: (g * np.outer(x, x) / 2, g * (A + A.T) @ x), ("A",), ("half",)
            ),
        ],
    )


def bilinear(rng: Any) -> Case:
    inputs = {"A": rng.normal(size=(4, 4)), "u": rng.normal(size=4), "v": rng.normal(size=4)}

    def forward(A: Any, u: Any, v: Any) -> Any:
        return np.tanh(u @ A @ v)

    def backward(g: Any, A: Any, u: Any, v: Any) -> Gradients:
        d = g * (1 - np.tanh(u @ A @ v) ** 2)
        return d * np.outer(u, v), d * A @ v, d * A.T @ u

    return Case(
        "bilinear form",
        forward,
        inputs,
        backward,
        [
            Slip("dA transposed", changed(backward, 0, lambda d, *_: d.T), ("A",), ("result-transposed",)),
            Slip(
                "symmetric part",
                changed(backward, 0, lambda d, *_: (d + d.T) / 2),
                ("A",),
                ("symmetric-part",),
            ),
            Slip(
                "du is dv",
                changed(backward, 1, lambda d, g, *a: backward(g, *a)[2]),
                ("u",),
                ("other-gradient",),
            ),
            Slip(
                "tanh' forgotten in du",
                changed(backward, 1, lambda d, g, A, u, v: g * A @ v),
                ("u",),
                ("factor-missing",),
            ),
        ],
    )


def embedding(rng: Any) -> Case:
    rows = np.array([2, 0, 2, 3])
    inputs = {"E": rng.normal(size=(5, 3)), "rows": rows}

    def forward(E: Any, rows: Any) -> Any:
        return (E[rows] ** 2).sum()

    def backward(g: Any, E: Any, rows: Any) -> Gradients:
        d = np.zeros_like(E)
        np.add.at(d, rows, 2 * g * E[rows])
        return d, None

    def once(g: Any, E: Any, rows: Any) -> Gradients:
        d = np.zeros_like(E)
        d[rows] += 2 * g * E[rows]
        return d, None

    return Case(
        "embedding",
        forward,
        inputs,
        backward,
        [
            Slip("counted once", once, ("E",), ("counted-once",)),
            Slip(
                "a row forgotten",
                changed(backward, 0, lambda d, *_: d * (np.arange(5) != 3)[:, None]),
                ("E",),
                ("some-zero",),
            ),
            Slip(
                "sign in a column", changed(backward, 0, lambda d, *_: d * [1, -1, 1]), ("E",), ("some-sign",)
            ),
        ],
    )


def convolution(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=8), "w": rng.normal(size=3)}

    def forward(x: Any, w: Any) -> Any:
        return np.array([x[i : i + 3] @ w for i in range(6)])

    def backward(g: Any, x: Any, w: Any) -> Gradients:
        dx = np.zeros_like(x)
        for i in range(6):
            dx[i : i + 3] += g[i] * w
        return dx, np.array([g @ x[i : i + 6] for i in range(3)])

    def border(d: Any, *_: Any) -> Any:
        return d * np.array([0, 1, 1, 1, 1, 1, 1, 0])

    return Case(
        "convolution",
        forward,
        inputs,
        backward,
        [
            Slip("kernel turned", changed(backward, 1, lambda d, *_: d[::-1]), ("w",), ("reversed",)),
            Slip("border left out", changed(backward, 0, border), ("x",), ("some-zero",)),
            Slip("shifted", changed(backward, 1, lambda d, *_: np.roll(d, 1)), ("w",), ("shifted",)),
        ],
    )


def pooling(rng: Any) -> Case:
    inputs = {"x": rng.normal(size=(3, 6))}

    def forward(x: Any) -> Any:
        return x.reshape(3, 3, 2).max(axis=2)

    def backward(g: Any, x: Any) -> Gradients:
        blocks = x.reshape(3, 3, 2)
        return (((blocks == blocks.max(axis=2, keepdims=True)) * g[:, :, None]).reshape(3, 6).astype(float),)

    def first(g: Any, x: Any) -> Gradients:
        return ((np.array([1.0, 0.0]) * g[:, :, None]).reshape(3, 6),)

    return Case(
        "max pooling",
        forward,
        inputs,
        backward,
        [
            Slip("to the first element", first, ("x",), ("misrouted",)),
            Slip("to all elements", lambda g, x: (np.repeat(g, 2, axis=1),), ("x",), ("unmasked",)),
            Slip(
                "to the smallest",
                lambda g, x: (np.repeat(g, 2, axis=1) - backward(g, x)[0],),
                ("x",),
                ("misrouted", "mask-flipped"),
            ),
        ],
    )


def softmax_layer(rng: Any) -> Case:
    inputs = {"z": rng.normal(size=5)}

    def backward(g: Any, z: Any) -> Gradients:
        p = softmax(z)
        return (p * (g - (p * g).sum()),)

    return Case(
        "softmax",
        softmax,
        inputs,
        backward,
        [
            Slip(
                "diagonal only", lambda g, z: (g * softmax(z) * (1 - softmax(z)),), ("z",), ("diagonal-only",)
            ),
            Slip("twice", lambda g, z: (2 * backward(g, z)[0],), ("z",), ("double",)),
            Slip("no sum", lambda g, z: (g * softmax(z),), ("z",), ("value-of",)),
        ],
    )


def network(rng: Any) -> Case:
    X, t = rng.normal(size=(4, 6)), rng.normal(size=(4, 2))
    inputs = {
        "W1": rng.normal(size=(6, 5)),
        "b1": rng.normal(size=5),
        "W2": rng.normal(size=(5, 2)),
        "b2": rng.normal(size=2),
    }

    def forward(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        return ((np.tanh(X @ W1 + b1) @ W2 + b2 - t) ** 2).sum()

    def backward(g: Any, W1: Any, b1: Any, W2: Any, b2: Any, slope: Any = lambda h: 1 - h**2) -> Gradients:
        h = np.tanh(X @ W1 + b1)
        d = 2 * g * (h @ W2 + b2 - t)
        dh = d @ W2.T * slope(h)
        return X.T @ dh, dh.sum(axis=0), h.T @ d, d.sum(axis=0)

    return Case(
        "two layers",
        forward,
        inputs,
        backward,
        [
            Slip(
                "tanh' forgotten",
                lambda g, *a: backward(g, *a, slope=np.ones_like),
                ("W1",),
                ("hidden-slope-missing",),
            ),
            Slip(
                "tanh' twice",
                lambda g, *a: backward(g, *a, slope=lambda h: (1 - h**2) ** 2),
                ("W1",),
                ("hidden-slope-twice",),
            ),
            Slip(
                "1 - h",
                lambda g, *a: backward(g, *a, slope=lambda h: 1 - h),
                ("W1",),
                ("hidden-slope-wrong",),
            ),
            Slip("b2 averaged", changed(backward, 3, lambda d, *_: d / 4), ("b2",), ("mean-doubled",)),
            Slip("dW2 doubled", changed(backward, 2, lambda d, *_: 2 * d), ("W2",), ("double",)),
        ],
    )


CASES = [
    linear,
    *ACTIVATIONS,
    dropout,
    layer_norm,
    cross_entropy,
    ridge,
    attention,
    quadratic,
    bilinear,
    embedding,
    convolution,
    pooling,
    softmax_layer,
    network,
]


# --- what comes out -----------------------------------------------------------------------------------


class Found(NamedTuple):
    """What the check made of a slip."""

    title: str
    caught: bool
    culprits: bool  # all of them, and nobody else
    kind: bool
    first: bool
    codes: list[list[str]]


def judged(case: Case, slip: Slip) -> Found:
    report = check(case, slip.backward)
    blamed = {culprit.node: [mistake.code for mistake in culprit.mistakes] for culprit in report.blame}
    kind = bool(blamed) and all(set(codes) & set(slip.codes) for codes in blamed.values())
    first = bool(blamed) and all(codes[:1] and codes[0] in slip.codes for codes in blamed.values())
    title = f"{case.name}: {slip.title}"
    return Found(
        title,
        report.verdict == "disagree",
        set(blamed) == set(slip.culprits),
        kind,
        first,
        list(blamed.values()),
    )


def distorted(case: Case, rng: np.random.Generator) -> Iterator[tuple[str, Callable[..., Gradients]]]:
    """The backward with one gradient, of four elements at least, distorted in ways that have no name."""
    for at, value in enumerate(case.inputs.values()):
        if np.size(value) < 4 or np.asarray(value).dtype.kind != "f":
            continue
        factors = rng.uniform(0.3, 3.0, np.shape(value))
        a, b, c = rng.uniform(0.5, 3.0, 3)

        def scattered(d: Any, *_: Any, factors: Any = factors) -> Any:
            return d * factors

        def bent(d: Any, g: Any, *inputs: Any, at: int = at, a: float = a, b: float = b, c: float = c) -> Any:
            return d * (a + np.cos(b * inputs[at] + c))

        for kind, change in (("scattered", scattered), ("bent", bent)):
            yield f"{case.name}: {list(case.inputs)[at]} {kind}", changed(case.backward, at, change)


def nameless(every: list[Case], verbose: bool) -> tuple[int, int]:
    """How many distortions are caught and get no name, and how many there are."""
    good = total = 0
    for case in every:
        for title, backward in distorted(case, np.random.default_rng(list(case.name.encode()))):
            report = check(case, backward)
            names = [mistake.text for culprit in report.blame for mistake in culprit.mistakes]
            total += 1
            good += report.verdict == "disagree" and not names
            if verbose and (names or report.verdict != "disagree"):
                print("    distorted", title, report.verdict, names)
    return good, total


def check(case: Case, backward: Callable[..., Gradients]) -> Report:
    return check_function(case.forward, list(case.inputs.values()), backward, list(case.inputs))


def cases(makers: list[Callable[..., Case]], seeds: int) -> Iterator[Case]:
    for seed in range(seeds):
        for make in makers:
            yield make(np.random.default_rng(seed))


def main(makers: list[Callable[..., Case]], seeds: int = 3) -> None:
    verbose, start = "--verbose" in sys.argv, time.perf_counter()
    every = list(cases(makers, seeds))
    right = [check(case, case.backward).verdict for case in every]
    found = [judged(case, slip) for case in every for slip in case.slips]
    total, seconds = len(found), time.perf_counter() - start
    kinds, first = sum(one.kind for one in found), sum(one.first for one in found)
    print(f"{len(makers)} functions, {total} planted slips in {seeds} draws ({seconds:.0f} s)")
    print(f"  right: {right.count('agree')} of {len(right)} agree, {right.count('disagree')} disagree")
    print(f"  caught: {sum(one.caught for one in found)} of {total}")
    print(f"  the culprits blamed, and nobody else: {sum(one.culprits for one in found)} of {total}")
    print(f"  the kind is among those named: {kinds} of {total}; is named first: {first}")
    good, distortions = nameless(every, verbose)
    print(f"  arbitrary distortions without a name: {good} of {distortions}")
    for one in found if verbose else []:
        if not (one.caught and one.culprits and one.kind):
            print("   ", one.title, one.caught, one.culprits, one.codes)


if __name__ == "__main__":
    main(CASES)
