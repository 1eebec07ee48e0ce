"""The functions of the corpus: forward and backward, written once for floats and for 100 digits.

`m` is NumPy, or a namespace of the same names that works on objects of many digits. Backwards are
written by hand, in the form people write them, rounding and all; each is confirmed at 100 digits before
it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A function with its gradient; `kinks` and `edges` are where its first input meets them."""

    name: str
    forward: Callable[..., Any]  # (m, *inputs)
    backward: Callable[..., Any]  # (m, g, *inputs) → one per input
    shapes: tuple[tuple[int, ...], ...] = ((),)
    kinks: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    special: tuple[float, ...] = ()  # stationary points, cancellations


def scalar(name: str, forward: Any, slope: Any, **facts: Any) -> Case:
    return Case(name, forward, lambda m, g, x: (g * slope(m, x),), **facts)


def pair(name: str, forward: Any, slopes: Any, **facts: Any) -> Case:
    def backward(m: Any, g: Any, x: Any, y: Any) -> Any:
        by_x, by_y = slopes(m, x, y)
        return g * by_x, g * by_y

    return Case(name, forward, backward, ((), ()), **facts)


def sigmoid(m: Any, x: Any) -> Any:
    small = m.exp(-abs(x))
    return m.where(x >= 0, 1 / (1 + small), small / (1 + small))


def softplus(m: Any, x: Any) -> Any:
    return m.maximum(x, 0) + m.log1p(m.exp(-abs(x)))


def gelu_slope(m: Any, x: Any) -> Any:
    inner = 0.7978845608028654 * (x + 0.044715 * x**3)
    t = m.tanh(inner)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608028654 * (1 + 0.044715 * (3 * x * x))


SEVENTH = (1, -7, 21, -35, 35, -21, 7, -1)


def horner(coefficients: Any, x: Any) -> Any:
    total = 0 * x
    for one in coefficients:
        total = total * x + one
    return total


SCALARS = [
    scalar("square", lambda m, x: x * x, lambda m, x: 2 * x, special=(0.0,)),
    scalar("cube", lambda m, x: x**3, lambda m, x: 3 * x * x, special=(0.0,)),
    scalar("exp", lambda m, x: m.exp(x), lambda m, x: m.exp(x)),
    scalar("expm1", lambda m, x: m.expm1(x), lambda m, x: m.exp(x)),
    scalar("log", lambda m, x: m.log(x), lambda m, x: 1 / x, edges=(0.0,)),
    scalar("log1p", lambda m, x: m.log1p(x), lambda m, x: 1 / (1 + x), edges=(-1.0,)),
    scalar("sqrt", lambda m, x: m.sqrt(x), lambda m, x: 0.5 / m.sqrt(x), edges=(0.0,)),
    scalar("sin", lambda m, x: m.sin(x), lambda m, x: m.cos(x), special=(1.5707963267948966,)),
    scalar("cos", lambda m, x: m.cos(x), lambda m, x: -m.sin(x), special=(0.0, 3.141592653589793)),
    scalar("tan", lambda m, x: m.tan(x), lambda m, x: 1 + m.tan(x) ** 2, edges=(1.5707963267948966,)),
    scalar(
        "sine of 2 pi x", lambda m, x: m.sin(2 * np.pi * x), lambda m, x: 2 * np.pi * m.cos(2 * np.pi * x)
    ),
    scalar("tanh", lambda m, x: m.tanh(x), lambda m, x: 1 - m.tanh(x) ** 2),
    scalar("sinh", lambda m, x: m.sinh(x), lambda m, x: m.cosh(x)),
    scalar("cosh", lambda m, x: m.cosh(x), lambda m, x: m.sinh(x), special=(0.0,)),
    scalar("arctan", lambda m, x: m.arctan(x), lambda m, x: 1 / (1 + x * x)),
    scalar("sigmoid", sigmoid, lambda m, x: sigmoid(m, x) * (1 - sigmoid(m, x))),
    scalar(
        "plain sigmoid",
        lambda m, x: 1 / (1 + m.exp(-x)),
        lambda m, x: m.exp(-x) / (1 + m.exp(-x)) ** 2,
    ),
    scalar("softplus", softplus, sigmoid),
    scalar("plain softplus", lambda m, x: m.log(1 + m.exp(x)), lambda m, x: m.exp(x) / (1 + m.exp(x))),
    scalar("relu", lambda m, x: m.maximum(x, 0), lambda m, x: m.where(x > 0, 1.0, 0.0), kinks=(0.0,)),
    scalar(
        "shifted relu", lambda m, x: m.maximum(x - 1, 0), lambda m, x: m.where(x > 1, 1.0, 0.0), kinks=(1.0,)
    ),
    scalar(
        "leaky relu",
        lambda m, x: m.where(x > 0, x, 0.1 * x),
        lambda m, x: m.where(x > 0, 1.0, 0.1),
        kinks=(0.0,),
    ),
    scalar(
        "relu of a cube",
        lambda m, x: m.maximum(x**3 - 8, 0) + x,
        lambda m, x: m.where(x > 2, 3 * x * x + 1, 1.0),
        kinks=(2.0,),
    ),
    scalar("abs", lambda m, x: abs(x), lambda m, x: m.where(x > 0, 1.0, -1.0), kinks=(0.0,)),
    scalar(
        "elu",
        lambda m, x: m.where(x > 0, x, m.expm1(m.minimum(x, 0))),
        lambda m, x: m.where(x > 0, 1.0, m.exp(m.minimum(x, 0))),
    ),
    scalar(
        "selu",
        lambda m, x: 1.05 * m.where(x > 0, x, 1.67 * m.expm1(m.minimum(x, 0))),
        lambda m, x: 1.05 * m.where(x > 0, 1.0, 1.67 * m.exp(m.minimum(x, 0))),
        kinks=(0.0,),
    ),
    scalar(
        "gelu",
        lambda m, x: 0.5 * x * (1 + m.tanh(0.7978845608028654 * (x + 0.044715 * x**3))),
        gelu_slope,
    ),
    scalar(
        "swish",
        lambda m, x: x * sigmoid(m, x),
        lambda m, x: sigmoid(m, x) * (1 + x * (1 - sigmoid(m, x))),
    ),
    scalar(
        "mish",
        lambda m, x: x * m.tanh(softplus(m, x)),
        lambda m, x: m.tanh(softplus(m, x)) + x * sigmoid(m, x) * (1 - m.tanh(softplus(m, x)) ** 2),
    ),
    scalar("reciprocal", lambda m, x: 1 / x, lambda m, x: -1 / (x * x), edges=(0.0,)),
    scalar("inverse cube", lambda m, x: x**-3, lambda m, x: -3 * x**-4, edges=(0.0,)),
    scalar("power 3/2", lambda m, x: x * m.sqrt(x), lambda m, x: 1.5 * m.sqrt(x), edges=(0.0,)),
    scalar("bell", lambda m, x: m.exp(-x * x), lambda m, x: -2 * x * m.exp(-x * x), special=(0.0,)),
    scalar("sinc", lambda m, x: m.sin(x) / x, lambda m, x: m.cos(x) / x - m.sin(x) / (x * x), edges=(0.0,)),
    scalar(
        "cancelling cosine",
        lambda m, x: (1 - m.cos(x)) / (x * x),
        lambda m, x: m.sin(x) / (x * x) - 2 * (1 - m.cos(x)) / x**3,
        special=(1e-3, 1e-5),
    ),
    scalar(
        "cancelling exp",
        lambda m, x: (m.exp(x) - 1) / x,
        lambda m, x: m.exp(x) / x - (m.exp(x) - 1) / (x * x),
        special=(1e-3, 1e-5),
    ),
    scalar("tanhshrink", lambda m, x: x - m.tanh(x), lambda m, x: m.tanh(x) ** 2, special=(0.0, 1e-4)),
    scalar(
        "pole",
        lambda m, x: (x * x + 1) / (x * x - 1),
        lambda m, x: -4 * x / (x * x - 1) ** 2,
        edges=(1.0,),
        special=(1 + 2.0**-20,),
    ),
    scalar("log of cosh", lambda m, x: m.log(m.cosh(x)), lambda m, x: m.tanh(x), special=(0.0,)),
    scalar(
        "huber",
        lambda m, x: m.where(abs(x) <= 1, x * x / 2, abs(x) - 0.5),
        lambda m, x: m.minimum(m.maximum(x, -1.0), 1.0),
        special=(1.0, -1.0),
    ),
    scalar(
        "clip",
        lambda m, x: m.minimum(m.maximum(x, -1.0), 1.0),
        lambda m, x: m.where(abs(x) < 1, 1.0, 0.0),
        kinks=(1.0, -1.0),
    ),
    scalar("floor and square", lambda m, x: m.floor(x) + x * x, lambda m, x: 2 * x, edges=(1.0, 2.0, 0.0)),
    scalar(
        "soft abs",
        lambda m, x: m.sqrt(x * x + 1e-12),
        lambda m, x: x / m.sqrt(x * x + 1e-12),
        special=(1e-6,),
    ),
    scalar(
        "sin of 1/x",
        lambda m, x: m.sin(1 / x),
        lambda m, x: -m.cos(1 / x) / (x * x),
        edges=(0.0,),
        special=(1e-4,),
    ),
    scalar(
        "x log x",
        lambda m, x: x * m.log(x),
        lambda m, x: m.log(x) + 1,
        edges=(0.0,),
        special=(0.36787944117144233,),
    ),
    scalar(
        "entropy",
        lambda m, x: -x * m.log(x) - (1 - x) * m.log(1 - x),
        lambda m, x: m.log(1 - x) - m.log(x),
        edges=(0.0, 1.0),
        special=(0.5,),
    ),
    scalar(
        "(x-1)^7 in powers",
        lambda m, x: horner(SEVENTH, x),
        lambda m, x: horner([c * (7 - i) for i, c in enumerate(SEVENTH[:-1])], x),
        special=(1.05, 1.3),
    ),
    scalar("softsign", lambda m, x: x / (1 + abs(x)), lambda m, x: 1 / (1 + abs(x)) ** 2),
    scalar(
        "half circle", lambda m, x: m.sqrt(1 - x * x), lambda m, x: -x / m.sqrt(1 - x * x), edges=(1.0, -1.0)
    ),
    scalar("log of exp", lambda m, x: m.log(m.exp(x)), lambda m, x: 1 + 0 * x),
    scalar(
        "ripple",
        lambda m, x: x * x + 1e-4 * m.sin(1000 * x),
        lambda m, x: 2 * x + 1e-4 * (1000 * m.cos(1000 * x)),
    ),
    scalar(
        "narrow bump",
        lambda m, x: x + 1e-3 * m.exp(-((1e4 * (x - 1)) ** 2)),
        lambda m, x: 1 - 1e-3 * (2e8 * (x - 1) * m.exp(-((1e4 * (x - 1)) ** 2))),
        special=(1.00005, 1.0),
    ),
    scalar("far offset", lambda m, x: 1e6 + m.sin(x), lambda m, x: m.cos(x)),
]

PAIRS = [
    pair("product", lambda m, x, y: x * y, lambda m, x, y: (y, x)),
    pair("quotient", lambda m, x, y: x / y, lambda m, x, y: (1 / y, -x / (y * y))),
    pair(
        "arctan2",
        lambda m, x, y: m.arctan2(x, y),
        lambda m, x, y: (y / (x * x + y * y), -x / (x * x + y * y)),
    ),
    pair(
        "hypotenuse",
        lambda m, x, y: m.sqrt(x * x + y * y),
        lambda m, x, y: (x / m.sqrt(x * x + y * y), y / m.sqrt(x * x + y * y)),
    ),
    pair(
        "max",
        lambda m, x, y: m.maximum(x, y),
        lambda m, x, y: (
            m.where(x > y, 1.0, m.where(x < y, 0.0, 0.5)),
            m.where(x > y, 0.0, m.where(x < y, 1.0, 0.5)),
        ),
        kinks=(1.0,),
    ),
    pair(
        "power",
        lambda m, x, y: m.exp(y * m.log(x)),
        lambda m, x, y: (y * m.exp((y - 1) * m.log(x)), m.log(x) * m.exp(y * m.log(x))),
        edges=(0.0,),
    ),
    pair(
        "difference of squares",
        lambda m, x, y: x * x - y * y,
        lambda m, x, y: (2 * x, -2 * y),
        special=(1.0,),
    ),
    pair("decay", lambda m, x, y: x * m.exp(-y), lambda m, x, y: (m.exp(-y), -x * m.exp(-y))),
    pair(
        "logaddexp",
        lambda m, x, y: m.maximum(x, y) + m.log1p(m.exp(-abs(x - y))),
        lambda m, x, y: (sigmoid(m, x - y), sigmoid(m, y - x)),
        special=(1.0,),
    ),
    pair(
        "cross-entropy with logits",
        lambda m, x, y: m.maximum(x, 0) - x * y + m.log1p(m.exp(-abs(x))),
        lambda m, x, y: (sigmoid(m, x) - y, -x),
    ),
    pair(
        "irregular",
        lambda m, x, y: m.sin(x * y) + (x * y) ** 2,
        lambda m, x, y: (y * m.cos(x * y) + 2 * x * y * y, x * m.cos(x * y) + 2 * x * x * y),
    ),
]

# --- tensors --------------------------------------------------------------------------------------


def softmax(m: Any, z: Any) -> Any:
    e = m.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_pull(p: Any, g: Any) -> Any:
    return p * (g - np.sum(g * p, axis=-1, keepdims=True))


LABELS = np.eye(4)[[0, 2, 1]]


def cross_entropy(m: Any, z: Any) -> Any:
    shifted = z - np.max(z, axis=-1, keepdims=True)
    return -np.sum(LABELS * (shifted - m.log(np.sum(m.exp(shifted), axis=-1, keepdims=True)))) / 3


def cross_entropy_pull(m: Any, g: Any, z: Any) -> Any:
    return (g * (softmax(m, z) - LABELS) / 3,)


def log_softmax(m: Any, z: Any) -> Any:
    shifted = z - np.max(z, axis=-1, keepdims=True)
    return shifted - m.log(np.sum(m.exp(shifted), axis=-1, keepdims=True))


def logsumexp(m: Any, z: Any) -> Any:
    top = np.max(z)
    return top + m.log(np.sum(m.exp(z - top)))


def mlp(m: Any, x: Any, w: Any, b: Any, v: Any) -> Any:
    return np.sum(m.tanh(x @ w + b) @ v)


def mlp_pull(m: Any, g: Any, x: Any, w: Any, b: Any, v: Any) -> Any:
    h = m.tanh(x @ w + b)
    d = g * np.broadcast_to(v, h.shape) * (1 - h * h)
    return d @ w.T, x.T @ d, np.sum(d, axis=0), g * np.sum(h, axis=0)


def relu_mlp(m: Any, x: Any, w: Any, v: Any) -> Any:
    return m.maximum(x @ w, 0) @ v


def relu_mlp_pull(m: Any, g: Any, x: Any, w: Any, v: Any) -> Any:
    z = x @ w
    h = m.maximum(z, 0)
    d = np.outer(g, v) * m.where(z > 0, 1.0, 0.0)
    return d @ w.T, x.T @ d, h.T @ g


def layer_norm(m: Any, x: Any, gain: Any, shift: Any) -> Any:
    c = x - np.mean(x, axis=-1, keepdims=True)
    return gain * c / m.sqrt(np.mean(c * c, axis=-1, keepdims=True) + 1e-5) + shift


def layer_norm_pull(m: Any, g: Any, x: Any, gain: Any, shift: Any) -> Any:
    c = x - np.mean(x, axis=-1, keepdims=True)
    s = 1 / m.sqrt(np.mean(c * c, axis=-1, keepdims=True) + 1e-5)
    n, d = c * s, g * gain
    by_x = s * (d - np.mean(d, axis=-1, keepdims=True) - n * np.mean(d * n, axis=-1, keepdims=True))
    return by_x, np.sum(g * n, axis=0), np.sum(g, axis=0)


def attention(m: Any, q: Any, k: Any, v: Any) -> Any:
    return softmax(m, q @ k.T / 1.25) @ v


def attention_pull(m: Any, g: Any, q: Any, k: Any, v: Any) -> Any:
    p = softmax(m, q @ k.T / 1.25)
    d = softmax_pull(p, g @ v.T) / 1.25
    return d @ k, d.T @ q, p.T @ g


def convolution(m: Any, x: Any, k: Any) -> Any:
    return sum(k[i] * x[i : i + 4] for i in range(3))


def convolution_pull(m: Any, g: Any, x: Any, k: Any) -> Any:
    by_x = 0 * x
    for i in range(3):
        by_x[i : i + 4] = by_x[i : i + 4] + k[i] * g
    return by_x, np.stack([np.sum(g * x[i : i + 4]) for i in range(3)])


def norm(m: Any, x: Any) -> Any:
    return m.sqrt(np.sum(x * x))


def cosine(m: Any, x: Any, y: Any) -> Any:
    return np.sum(x * y) / (norm(m, x) * norm(m, y))


def cosine_pull(m: Any, g: Any, x: Any, y: Any) -> Any:
    a, b, c = norm(m, x), norm(m, y), cosine(m, x, y)
    return g * (y / (a * b) - c * x / (a * a)), g * (x / (a * b) - c * y / (b * b))


def unit(m: Any, x: Any) -> Any:
    return x / norm(m, x)


def unit_pull(m: Any, g: Any, x: Any) -> Any:
    size = norm(m, x)
    return (g / size - x * np.sum(g * x) / size**3,)


def variance(m: Any, x: Any) -> Any:
    c = x - np.mean(x)
    return np.mean(c * c)


def recurrent(m: Any, x: Any, w: Any) -> Any:
    h = x
    for _ in range(3):
        h = m.tanh(w @ h)
    return np.sum(h)


def recurrent_pull(m: Any, g: Any, x: Any, w: Any) -> Any:
    states = [x]
    for _ in range(3):
        states.append(m.tanh(w @ states[-1]))
    d, by_w = g + 0 * x, 0 * w
    for before, after in zip(states[-2::-1], states[:0:-1], strict=True):
        d = d * (1 - after * after)
        by_w = by_w + np.outer(d, before)
        d = w.T @ d
    return d, by_w


def determinant(m: Any, a: Any) -> Any:
    return a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]


def distances(m: Any, x: Any) -> Any:
    total = 0
    for i in range(3):
        for j in range(i):
            total = total + m.sqrt(np.sum((x[i] - x[j]) ** 2))
    return total


def distances_pull(m: Any, g: Any, x: Any) -> Any:
    by_x = 0 * x
    for i in range(3):
        for j in range(i):
            d = g * (x[i] - x[j]) / m.sqrt(np.sum((x[i] - x[j]) ** 2))
            by_x[i] = by_x[i] + d
            by_x[j] = by_x[j] - d
    return (by_x,)


def top(m: Any, x: Any) -> Any:
    return np.max(x)


def top_pull(m: Any, g: Any, x: Any) -> Any:
    best = m.where(x == np.max(x), 1.0, 0.0)
    return (g * best / np.sum(best),)


def pooled(m: Any, x: Any) -> Any:
    return np.max(x.reshape(2, 3), axis=1)


def pooled_pull(m: Any, g: Any, x: Any) -> Any:
    blocks = x.reshape(2, 3)
    best = m.where(blocks == np.max(blocks, axis=1, keepdims=True), 1.0, 0.0)
    return ((g[:, np.newaxis] * best / np.sum(best, axis=1, keepdims=True)).reshape(6),)


def product(m: Any, x: Any) -> Any:
    return np.prod(x)


def product_pull(m: Any, g: Any, x: Any) -> Any:
    return (g * np.stack([np.prod(np.delete(x, i)) for i in range(len(x))]),)


def divergence(m: Any, z: Any, y: Any) -> Any:
    p = softmax(m, y)
    return np.sum(p * (log_softmax(m, y) - log_softmax(m, z)))


def divergence_pull(m: Any, g: Any, z: Any, y: Any) -> Any:
    p, q = softmax(m, y), softmax(m, z)
    gap = log_softmax(m, y) - log_softmax(m, z)
    return g * (q - p), g * softmax_pull(p, gap)


TENSORS = [
    Case("softmax", softmax, lambda m, g, z: (softmax_pull(softmax(m, z), g),), ((4,),)),
    Case("softmax cross-entropy", cross_entropy, cross_entropy_pull, ((3, 4),)),
    Case(
        "log-softmax",
        log_softmax,
        lambda m, g, z: (g - softmax(m, z) * np.sum(g, axis=-1, keepdims=True),),
        ((4,),),
    ),
    Case("logsumexp", logsumexp, lambda m, g, z: (g * softmax(m, z),), ((5,),)),
    Case("divergence", divergence, divergence_pull, ((3,), (3,))),
    Case("matrix product", lambda m, a, b: a @ b, lambda m, g, a, b: (g @ b.T, a.T @ g), ((2, 3), (3, 2))),
    Case(
        "chain of products",
        lambda m, a, b, c: np.sum(a @ b @ c),
        lambda m, g, a, b, c: (
            g * np.outer(np.ones(len(a)), np.sum(b @ c, axis=1)),
            g * np.outer(np.sum(a, axis=0), np.sum(c, axis=1)),
            g * np.outer(np.sum(a @ b, axis=0), np.ones(c.shape[1])),
        ),
        ((2, 2), (2, 3), (3, 2)),
    ),
    Case("tanh network", mlp, mlp_pull, ((3, 2), (2, 3), (3,), (3,))),
    Case("relu network", relu_mlp, relu_mlp_pull, ((3, 2), (2, 3), (3,))),
    Case("layer norm", layer_norm, layer_norm_pull, ((2, 4), (4,), (4,))),
    Case("attention", attention, attention_pull, ((2, 2), (3, 2), (3, 2))),
    Case("convolution", convolution, convolution_pull, ((6,), (3,))),
    Case("norm", norm, lambda m, g, x: (g * x / norm(m, x),), ((4,),)),
    Case(
        "sum of abs",
        lambda m, x: np.sum(abs(x)),
        lambda m, g, x: (g * m.where(x > 0, 1.0, m.where(x < 0, -1.0, 0.0)),),
        ((4,),),
    ),
    Case("cosine similarity", cosine, cosine_pull, ((3,), (3,))),
    Case("unit vector", unit, unit_pull, ((3,),)),
    Case(
        "mean squared error",
        lambda m, x, y: np.mean((x - y) ** 2),
        lambda m, g, x, y: (2 * g * (x - y) / 4, -2 * g * (x - y) / 4),
        ((4,), (4,)),
    ),
    Case("variance", variance, lambda m, g, x: (2 * g * (x - np.mean(x)) / 5,), ((5,),)),
    Case("recurrent", recurrent, recurrent_pull, ((2,), (2, 2))),
    Case(
        "determinant",
        determinant,
        lambda m, g, a: (g * np.array([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]]),),
        ((2, 2),),
    ),
    Case("distances", distances, distances_pull, ((3, 2),)),
    Case("largest", top, top_pull, ((4,),)),
    Case("max pooling", pooled, pooled_pull, ((6,),)),
    Case("product of all", product, product_pull, ((4,),)),
    Case("bias", lambda m, x, b: x + b, lambda m, g, x, b: (g, np.sum(g, axis=0)), ((3, 2), (2,))),
    Case(
        "quadratic form",
        lambda m, x, a: x @ a @ x,
        lambda m, g, x, a: (g * (a @ x + a.T @ x), g * np.outer(x, x)),
        ((3,), (3, 3)),
    ),
    Case("running sum", lambda m, x: np.cumsum(x), lambda m, g, x: (np.cumsum(g[::-1])[::-1],), ((4,),)),
]

CASES = [*SCALARS, *PAIRS, *TENSORS]
