"""Topics: each a family of graphs with friendly numbers, drawn by a seed.

A topic is a few graphs: statements, in which `{c}` and `{d}` are constants to draw, and inputs. An input is
written `x` for data, `w!` for a parameter, `t?` for a target, with its shape behind a colon; `y?01` is a
class, `y?hot:3` a class of three as zeros and a one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.practice.cells.cells import Values, Workings
from bpx.spec.reading.target import read_text
from bpx.words.diagnostic import Source
from bpx.words.say import say

_CONSTANTS, _TRIES = 4, 20  # draws of the constants, and of values for each
_SMALLEST, _LARGEST = 1e-3, 60.0  # of the numbers in cells: friendly ones are neither
_INPUT = re.compile(r"(?P<name>\w+?)(?P<role>[!?]?)(?P<kind>01|hot)?(?::(?P<shape>[\dx]+))?")
_ROLES = {"": "data", "!": "parameter", "?": "target"}
_RELU_APART = 0.2  # a gate is not left to the last digit


class Topic(NamedTuple):
    """A topic: its graphs as statements and inputs, and the learning rate where steps are asked for."""

    graphs: tuple[tuple[str, str], ...]
    rate: float | None = None


_CROSS_ENTROPY = "L = -(y*log(a) + (1-y)*log(1-a))"

TOPICS: dict[str, Topic] = {
    "chain-rule": Topic(
        (
            ("u = {c}*x + {d}; y = sin(u)", "x"),
            ("u = {c}*x + {d}; y = u^3", "x"),
            ("u = {c}*x; v = exp(u); y = v^2", "x"),
            ("u = {c}*x + {d}; v = tanh(u); y = v^2", "x"),
            ("u = x^2 + {d}; v = log(u); y = sin(v)", "x"),
            ("u = {c}*x; v = sin(u); y = v^3", "x"),
            ("u = x^2; v = sigmoid(u); y = {c}*v", "x"),
            ("u = {c}*x; v = cos(u); y = exp(v)", "x"),
        )
    ),
    "sum-of-paths": Topic(
        (
            ("u = {c}*x; v = x^2; y = u*v", "x"),
            ("u = x*z; v = x + z; y = u*v", "x z"),
            ("u = sin(x); v = {c}*x; y = u*v + x", "x"),
            ("u = x^2; v = exp(x); y = u + {c}*v", "x"),
            ("u = x*z; v = u + {c}*x; y = v^2", "x z"),
            ("p = x + z; q = x*z; r = {c}*x; y = p*q + r", "x z"),
        )
    ),
    "sigmoid-by-parts": Topic(
        (
            ("n = -x; p = exp(n); q = 1 + p; a = 1 / q", "x"),
            ("z = w*x + b; n = -z; p = exp(n); q = 1 + p; a = 1 / q", "x w! b!"),
            ("n = -x; p = exp(n); q = 1 + p; a = 1 / q; L = (a - y)^2", "x y?01"),
        )
    ),
    "logistic-regression": Topic(
        (
            (f"z = w*x + b; a = sigmoid(z); {_CROSS_ENTROPY}", "x w! b! y?01"),
            (f"z = w1*x1 + w2*x2 + b; a = sigmoid(z); {_CROSS_ENTROPY}", "x1 x2 w1! w2! b! y?01"),
            (f"z = w @ x + b; a = sigmoid(z); {_CROSS_ENTROPY}", "x:2 w!:2 b! y?01"),
        )
    ),
    "two-layer-network": Topic(
        (
            ("z = w1*x + b1; h = tanh(z); y = w2*h + b2; L = (y - t)^2", "x w1! b1! w2! b2! t?"),
            ("z = w1*x + b1; h = sigmoid(z); y = w2*h + b2; L = (y - t)^2", "x w1! b1! w2! b2! t?"),
            (
                "z = W1 @ x + b1; h = tanh(z); y = W2 @ h + b2; L = (y - t)^2",
                "x:2 W1!:2x2 b1!:2 W2!:2 b2! t?",
            ),
            (
                "z = W1 @ x + b1; h = relu(z); y = W2 @ h + b2; L = (y - t)^2",
                "x:2 W1!:2x2 b1!:2 W2!:2 b2! t?",
            ),
        )
    ),
    "softmax": Topic(
        (
            ("p = softmax(z); L = -sum(y*log(p))", "z:3 y?hot:3"),
            ("z = W @ x + b; p = softmax(z); L = -sum(y*log(p))", "x:2 W!:3x2 b!:3 y?hot:3"),
            ("z = W @ x; p = softmax(z); L = sum((p - y)^2)", "x:2 W!:3x2 y?hot:3"),
        )
    ),
    "convolution": Topic(
        (
            ("y = conv1d(x, k); L = sum(y^2)", "x:1x1x4 k!:1x1x2"),
            ("y = conv1d(x, k); L = sum((y - t)^2)", "x:1x1x4 k!:1x1x2 t?:1x1x3"),
            ("y = conv2d(x, k); L = sum(y^2)", "x:1x1x3x3 k!:1x1x2x2"),
        )
    ),
    "batch-sums": Topic(
        (
            ("z = w*x + b; L = sum((z - y)^2)", "x:3 w! b! y?:3"),
            ("z = w*x + b; L = mean((z - y)^2)", "x:3 w! b! y?:3"),
            ("z = X @ w + b; L = mean((z - y)^2)", "X:3x2 w!:2 b! y?:3"),
            ("z = w*x + b; a = tanh(z); L = sum(a*y)", "x:3 w! b! y?:3"),
        )
    ),
    "update-steps": Topic(
        (
            ("z = w*x + b; L = (z - y)^2", "x w! b! y?"),
            ("z = w*x + b; a = sigmoid(z); L = (a - y)^2", "x w! b! y?01"),
            ("h = w1*x; z = w2*h; L = (z - y)^2", "x w1! w2! y?"),
            ("z = w @ x + b; L = (z - y)^2", "x:2 w!:2 b! y?"),
        ),
        rate=0.1,
    ),
}


def topic_named(name: str) -> str | None:
    """The topic of that name, in which `_` and blanks stand for `-`; None for any other text."""
    key = name.strip().lower().replace("_", "-").replace(" ", "-")
    return key if key in TOPICS else None


def spec_of(name: str, seed: int, other: int = 0) -> tuple[NamedGraph, float | None]:
    """A graph of the topic, and the learning rate of its steps: of some draws the first with plain numbers.

    `other` counts the graphs that were not to be used for this seed.
    """
    topic = TOPICS[name]
    graph, inputs = topic.graphs[(seed + other) % len(topic.graphs)]
    declared = [match for text in inputs.split() if (match := _INPUT.fullmatch(text))]
    first = None
    for constants in range(_CONSTANTS):
        rng = np.random.default_rng([seed, other, constants])
        statements = graph.format(c=rng.choice([2, 3, 1.5, 2.5]), d=rng.choice([0.5, 1.5, 2.5]))
        values = _drawn(rng, declared)
        spec = _spec(name, statements, declared, values)
        first = first or spec
        workings = Workings(spec, topic.rate)
        for _ in range(_TRIES):
            if _is_plain(workings, workings.values(leaves=values)):
                return _spec(name, statements, declared, values), topic.rate
            values = _drawn(rng, declared)
    assert first
    return first, topic.rate


def _spec(
    name: str, statements: str, declared: Sequence[re.Match[str]], values: Mapping[str, Array]
) -> NamedGraph:
    lines = ["bpx = 1", f'title = "{say(f"practice.topic-{name}")}"', "", "[inputs]"]
    lines += [
        f'{match["name"]} = {{ value = {values[match["name"]].tolist()}, role = "{_ROLES[match["role"]]}" }}'
        for match in declared
    ]
    lines += ["", "[graph]"]
    lines += ['{} = "{}"'.format(*statement.split(" = ")) for statement in statements.split("; ")]
    return read_text(Source(name, "\n".join([*lines, ""])))


def _drawn(rng: np.random.Generator, declared: Sequence[re.Match[str]]) -> dict[str, Array]:
    """Values of the inputs: numbers of one decimal, and classes."""
    return {match["name"]: _value(rng, match) for match in declared}


def _value(rng: np.random.Generator, declared: re.Match[str]) -> Array:
    shape = tuple(int(length) for length in (declared["shape"] or "").split("x") if length)
    if declared["kind"] == "01":
        return np.asarray(float(rng.integers(2)))
    if declared["kind"] == "hot":
        return np.asarray(np.eye(shape[0])[rng.integers(shape[0])])
    return np.asarray(rng.choice(np.arange(2, 20), shape) * rng.choice([-1, 1], shape) / 10)


def _is_plain(workings: Workings, values: Values) -> bool:
    """Is there no cell that is huge or tiny, no two values alike, and no gate that hardly opens?"""
    numbers = np.abs(np.concatenate([np.ravel(value) for value in values.values()]))
    numbers = numbers[numbers != 0]
    if not np.isfinite(numbers).all() or numbers.max() > _LARGEST or numbers.min() < _SMALLEST:
        return False
    inputs = np.abs(np.concatenate([np.ravel(values[name]) for name in workings.leaves]))
    telling = inputs[~np.isin(inputs, (0.0, 1.0))]
    if len(set(telling.tolist())) < len(telling):
        return False
    gates = [node for node in workings.value_keys if workings.graph.ops[node].name == "relu"]
    before = [workings.value_of(workings.graph.args[node][0], values) for node in gates]
    return all(np.abs(value).min() > _RELU_APART and value.max() > 0 for value in before)
