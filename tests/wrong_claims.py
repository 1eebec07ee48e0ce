"""Random small specs with claims that are wrong in every way: what must never be an error of bpx's own.

Lengths are drawn from 1, 2 and 3, so that they are often equal and a mistake of the user's, or of the
catalogue, may pass for something that fits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpx.explain.explain import explain
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.claims import read_claim, with_claims
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import BpxError, Source

# Expressions in matrices a (m, n), b (n, k), vectors u (m), v (n), a scalar c and a number i of a row.
EXPRESSIONS = [
    "sum((c*a) @ b)",
    "reshape(c, [1, 1]) @ reshape(v, [1, n])",
    "a @ concat(b, b, axis=1)",
    "sum(tanh(a @ v) * u)",
    "softmax(a @ v) @ u",
    "sum(softmax(a) @ b)",
    "mean((a.T @ u - v)^2)",
    "sum(outer(u, v) * a)",
    "cross_entropy(a, softmax(a*c))",
    "sum(layer_norm(a) * c)",
    "norm(a @ v - u)",
    "max(u, c) @ u",
    "sum(relu(a - c) @ b)",
    "sum(stack(v, v*c) @ b)",
    "einsum('ij,jk->ik', a, b)",
    "sum(cumsum(a, axis=0)*c)",
    "sum(a[0] * v)",
    "amax(a*c)",
    "var(a @ b)",
    "sum(attention(a, a*c, a))",
    "sum(batch_norm(a, v, v))",
    "logsumexp(a @ v) * c",
    "sum(where(a > c, a, v))",
    "sum((u + 1) / (u^2 + 1)) * c",
    "sum(prod(a, axis=1) * u)",
]


def drawn_specs(rng: np.random.Generator, count: int) -> Iterator[NamedGraph]:
    """So many specs with one to three claims each; those that do not fit together are left out."""
    drawn = 0
    while drawn < count:
        m, n, k = rng.integers(1, 4, 3).tolist()
        shapes = {"a": (m, n), "b": (n, k), "u": (m,), "v": (n,), "c": ()}
        expression = EXPRESSIONS[rng.integers(len(EXPRESSIONS))].replace("[1, n]", f"[1, {n}]")
        values = {
            name: np.round(rng.normal(size=shape), 2)
            for name, shape in shapes.items()
            if name in _names(expression)
        }
        try:
            spec = read_expression(Source("<expression>", expression), values)
            names = rng.permutation(list(values))[: rng.integers(1, 4)].tolist()
            gradients = explain(spec, check=False).gradients if rng.random() < 0.4 else {}
            texts = [
                _nearly(rng, gradients[name]) if name in gradients else _claim(rng, values, name)
                for name in names
            ]
            claims = [read_claim(f"{name} = {text}") for name, text in zip(names, texts, strict=True)]
            yield with_claims(spec, claims)
        except BpxError:
            continue
        drawn += 1


def _nearly(rng: np.random.Generator, gradient: np.ndarray) -> str:
    """The right gradient with few digits, which may be wrong, as if something had been rounded on the way."""
    off = gradient * (1 + 0.004 * rng.normal(size=np.shape(gradient)))
    return str(np.round(off, int(rng.integers(-1, 5))).tolist())


def _names(expression: str) -> set[str]:
    return {letter for letter in "abuvc" if letter in _words(expression)}


def _words(expression: str) -> list[str]:
    return "".join(char if char.isalpha() or char == "_" else " " for char in expression).split()


def _claim(rng: np.random.Generator, values: dict[str, np.ndarray], name: str) -> str:
    """Numbers of the right shape, or of another, or a formula in the names there are."""
    other = str(rng.choice(list(values)))
    shape = values[name].shape if rng.random() < 0.7 else values[other].shape
    numbers = np.round(rng.normal(size=shape), int(rng.integers(0, 4))).tolist()
    formulas = [
        str(numbers),
        str(numbers),
        str(float(np.round(rng.normal(), 2))),
        f"sum({other})",
        f"{name} * 2",
        f"{other} + {name}",
        f"{name}.T" if values[name].ndim == 2 else f"-{name}",
        f"sum({name}) * {name}",
        f"1/{name}",
        f"0*{name}",
    ]
    return formulas[rng.integers(len(formulas))]
