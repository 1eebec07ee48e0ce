"""Examples that are there to be trained: published steps, and what is learnt, beside loops by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bpx

Arrays = dict[str, Any]


def inputs_of(example: str) -> Arrays:
    return {one.name: one.value for one in bpx.load(example).inputs}


def learnt(training: bpx.Training) -> Arrays:
    return {name: after for name, (_, after) in training.parameters.items()}


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


# --- published steps ----------------------------------------------------------------------------

# Matt Mazur, A Step by Step Backpropagation Example (2015), as printed.
MAZUR_NEW_WEIGHTS = {
    "w1": "0.149780716",
    "w2": "0.19956143",
    "w3": "0.24975114",
    "w4": "0.29950229",
    "w5": "0.35891648",
    "w6": "0.408666186",
    "w7": "0.511301270",
    "w8": "0.561370121",
}
# Han, Kamber and Pei, Data Mining: Concepts and Techniques (2011), Example 9.1, as printed.
HAN_KAMBER_VALUES = {"I4": "-0.7", "O4": "0.332", "I5": "0.1", "O5": "0.525", "I6": "-0.105", "O6": "0.474"}
HAN_KAMBER_NEW_WEIGHTS = {
    "w14": "0.192",
    "w15": "-0.306",
    "w24": "0.4",
    "w25": "0.1",
    "w34": "-0.508",
    "w35": "0.194",
    "w46": "-0.261",
    "w56": "-0.138",
    "b4": "-0.408",
    "b5": "0.194",
    "b6": "0.218",
}
STEPS = [("mazur_network", 0.5, MAZUR_NEW_WEIGHTS), ("han_kamber_network", 0.9, HAN_KAMBER_NEW_WEIGHTS)]

published_steps = pytest.mark.parametrize(
    ("example", "rate", "printed"), STEPS, ids=[one[0] for one in STEPS]
)


def as_printed(found: Any, figure: str) -> str:
    """`found` with as many digits as `figure`."""
    return f"{float(found):.{len(figure.partition('.')[2])}f}"


def all_as_printed(found: Arrays, printed: dict[str, str]) -> dict[str, str]:
    return {name: as_printed(value, printed[name]) for name, value in found.items()}


@published_steps
def test_a_step_of_explain_gives_the_printed_weights(
    example: str, rate: float, printed: dict[str, str]
) -> None:
    step = bpx.load(example).explain(step=rate).step
    assert step is not None
    assert all_as_printed({name: new for name, (_, _, new) in step.updates.items()}, printed) == printed


@published_steps
def test_a_step_of_train_gives_the_printed_weights(
    example: str, rate: float, printed: dict[str, str]
) -> None:
    assert all_as_printed(learnt(bpx.load(example).train(rate=rate, steps=1)), printed) == printed


def test_mazur_network_has_the_error_of_the_printed_weights_after_the_step() -> None:
    w1, w2, w3, w4, w5, w6, w7, w8 = map(float, MAZUR_NEW_WEIGHTS.values())
    h1, h2 = sigmoid(w1 * 0.05 + w2 * 0.10 + 0.35), sigmoid(w3 * 0.05 + w4 * 0.10 + 0.35)
    o1, o2 = sigmoid(w5 * h1 + w6 * h2 + 0.60), sigmoid(w7 * h1 + w8 * h2 + 0.60)
    before, after = bpx.load("mazur_network").train(rate=0.5, steps=1).history
    assert as_printed(before, "0.298371109") == "0.298371109"
    assert as_printed(after, "0.291027774") == "0.291027774"
    assert after == pytest.approx(((o1 - 0.01) ** 2 + (o2 - 0.99) ** 2) / 2, rel=1e-8)


def test_han_kamber_network_has_the_printed_values() -> None:
    nodes = {row.name: row.value for row in bpx.load("han_kamber_network").explain().nodes}
    found = {name: nodes[name] for name in HAN_KAMBER_VALUES}
    assert all_as_printed(found, HAN_KAMBER_VALUES) == HAN_KAMBER_VALUES


# --- gradient descent by hand -------------------------------------------------------------------


def descend(
    loss: Callable[[Arrays], tuple[float, Arrays]], v: Arrays, rate: float, steps: int
) -> list[float]:
    """The losses along the way; `loss` gives its value and gradients."""
    history = []
    for _ in range(steps):
        value, gradients = loss(v)
        history.append(value)
        v = {**v, **{name: v[name] - rate * gradient for name, gradient in gradients.items()}}
    return [*history, loss(v)[0]]


def xor_loss(v: Arrays) -> tuple[float, Arrays]:
    h = sigmoid(v["x"] @ v["W1"] + v["b1"])
    y = sigmoid(h @ v["W2"] + v["b2"])
    out = (y - v["t"]) / 2 * y * (1 - y)
    hidden = out @ v["W2"].T * h * (1 - h)
    gradients = {"W1": v["x"].T @ hidden, "b1": hidden.sum(0), "W2": h.T @ out, "b2": out.sum(0)}
    return float(np.mean((y - v["t"]) ** 2)), gradients


def iris_loss(v: Arrays) -> tuple[float, Arrays]:
    exps = np.exp(v["x"] @ v["W"] + v["b"])
    p = exps / exps.sum(axis=1, keepdims=True)
    right = np.eye(3)[v["species"].astype(int)]
    error = (p - right) / 150
    return float(-np.mean(np.log(np.sum(p * right, axis=1)))), {"W": v["x"].T @ error, "b": error.sum(0)}


def test_xor_is_learnt_as_by_hand() -> None:
    v = inputs_of("xor")
    training = bpx.load("xor").train(rate=2, steps=1000)
    assert training.history == pytest.approx(descend(xor_loss, v, 2, 1000), rel=1e-10)
    w = learnt(training)
    y = sigmoid(sigmoid(v["x"] @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"])
    assert np.abs(y - v["t"]).max() < 0.06


def test_irises_are_told_apart_as_by_hand() -> None:
    v = inputs_of("iris_softmax")
    training = bpx.load("iris_softmax").train(steps=500)
    assert training.history == pytest.approx(descend(iris_loss, v, 0.1, 500), rel=1e-10)
    scores = v["x"] @ learnt(training)["W"] + learnt(training)["b"]
    assert np.sum(scores.argmax(axis=1) == v["species"]) == 147


# --- what is learnt -----------------------------------------------------------------------------


def test_sine_network_comes_within_two_hundredths_of_the_sine() -> None:
    w = learnt(bpx.load("sine_network").train(optimizer="adam", rate=0.05, steps=400))
    x = np.linspace(-3, 3, 601)
    y = np.tanh(np.outer(x, w["w1"]) + w["b1"]) @ w["w2"] + w["b2"]
    assert np.abs(y - np.sin(x)).max() < 0.02


def test_two_moons_are_parted() -> None:
    v = inputs_of("two_moons")
    w = learnt(bpx.load("two_moons").train(optimizer="adam", rate=0.02))
    hidden = np.maximum(np.maximum(v["x"] @ w["W1"] + w["b1"], 0) @ w["W2"] + w["b2"], 0)
    assert np.all((hidden @ w["W3"] + w["b3"]) * v["label"] > 0)
