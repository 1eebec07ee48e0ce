"""Optimizers: steps worked out by hand, loops of plain floats, PyTorch's own where it is installed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from oracle import torch
from rows_of_a_table import every
from trainings import network

from bpx.spec.reading.target import read_target
from bpx.train.optimizers import OPTIMIZERS, QUANTITIES, Update
from bpx.train.settings import read_choice
from bpx.train.train import Options, train


def made(text: str) -> Update:
    """An optimizer as it is written on the command line."""
    problems: list[Any] = []
    name, settings = read_choice(text, OPTIMIZERS, "optimizer", problems)
    assert not problems
    row = OPTIMIZERS[name]
    return row.make(**{**row.settings, **settings})


def updates(text: str, rate: float, gradients: list[float], value: float = 0.0) -> list[float]:
    update = made(text)
    return [float(update(np.array([one]), np.array([value]), rate)[0]) for one in gradients]


def test_descent_by_hand() -> None:
    assert updates("sgd", 0.5, [4, -2]) == [-2, 1]


def test_momentum_by_hand() -> None:
    """v is 4, then 0.5·4 - 2 = 0, then 0.5·0 + 1 = 1; Nesterov's step is g + v/2."""
    assert updates("momentum(momentum=0.5)", 0.5, [4, -2, 1]) == [-2, 0, -0.5]
    assert updates("nesterov(momentum=0.5)", 0.5, [4, -2, 1]) == [-3, 1, -0.75]


def test_weight_decay_by_hand() -> None:
    """In the gradient (4 + 0.5·8 = 8), and beside it (-0.1·0.5·8, whatever the gradient)."""
    assert updates("sgd(weight_decay=0.5)", 0.5, [4], value=8) == [-4]
    assert updates("adam(weight_decay=0.5)", 0.1, [-4], value=8) == pytest.approx([0], abs=1e-15)
    assert updates("adamw(weight_decay=0.5, eps=0)", 0.1, [-4], value=8) == pytest.approx([0.1 - 0.4])


def test_adam_by_hand() -> None:
    """The first step is the rate, whatever the gradient; the second worked out as Algorithm 1 has it."""
    adam = "adam(beta1=0.5, beta2=0.75, eps=0)"
    first, second = updates(adam, 0.1, [4, -2])
    assert first == pytest.approx(-0.1, rel=1e-15)
    mean = (0.5 * 2 + 0.5 * -2) / (1 - 0.5**2)  # m1 = 0.5 · 4
    square = (0.75 * 4 + 0.25 * 4) / (1 - 0.75**2)  # v1 = 0.25 · 16
    assert second == pytest.approx(-0.1 * mean / square**0.5, abs=1e-15)
    third = updates(adam, 0.1, [4, 1])[1]
    mean, square = (1 + 0.5) / 0.75, (3 + 0.25) / 0.4375
    assert third == pytest.approx(-0.1 * mean / square**0.5, rel=1e-14)


def test_epsilon_stands_outside_of_the_root() -> None:
    assert updates("adam(eps=1)", 0.1, [1.0]) == [pytest.approx(-0.05)]
    assert updates("rmsprop(alpha=0.75, eps=0.5)", 0.1, [1.0]) == [pytest.approx(-0.1)]  # √0.25 + 0.5


# --- loops of plain floats ----------------------------------------------------------------------

Loop = Callable[[float, list[float]], Iterator[float]]


def rms_loop(value: float, gradients: list[float]) -> Iterator[float]:
    v = b = 0.0
    for g in gradients:
        g += 0.1 * value
        v = 0.9 * v + 0.1 * g**2
        b = 0.5 * b + g / (math.sqrt(v) + 1e-3)
        value -= 0.03 * b
        yield value


def adam_loop(
    value: float, gradients: list[float], inside: float = 0.1, beside: float = 0.0
) -> Iterator[float]:
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        g += inside * value
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        step = m / (1 - 0.8**t) / (math.sqrt(v / (1 - 0.95**t)) + 1e-3)
        value = value * (1 - 0.03 * beside) - 0.03 * step
        yield value


def nesterov_loop(value: float, gradients: list[float]) -> Iterator[float]:
    b = 0.0
    for g in gradients:
        g += 0.1 * value
        b = 0.5 * b + g
        value -= 0.03 * (g + 0.5 * b)
        yield value


LOOPS: dict[str, Loop] = {
    "nesterov(momentum=0.5, weight_decay=0.1)": nesterov_loop,
    "rmsprop(alpha=0.9, eps=1e-3, momentum=0.5, weight_decay=0.1)": rms_loop,
    "adam(beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.1)": adam_loop,
    "adamw(beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.1)": lambda w, g: adam_loop(w, g, 0.0, 0.1),
}


@pytest.mark.parametrize("text", LOOPS)
def test_as_a_loop_of_floats(text: str) -> None:
    gradients = np.random.default_rng(1).normal(size=40).tolist()
    update, value = made(text), np.array([0.7])
    for gradient, expected in zip(gradients, LOOPS[text](0.7, gradients), strict=True):
        value = value + update(np.array([gradient]), value, 0.03)
        assert value[0] == pytest.approx(expected, rel=1e-12)


TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "sgd(weight_decay=0.1)": ("SGD", {"weight_decay": 0.1}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov(weight_decay=0.1)": ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop(momentum=0.5, weight_decay=0.1)": ("RMSprop", {"momentum": 0.5, "weight_decay": 0.1}),
    "adam": ("Adam", {}),
    "adam(beta1=0.5, beta2=0.9, eps=1e-3, weight_decay=0.1)": (
        "Adam",
        {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "adamw": ("AdamW", {}),
}


@every("text", TORCH)
def test_as_torch_has_it(text: str) -> None:
    t = torch()
    draw = np.random.default_rng(0)
    kind, settings = TORCH[text]
    ours = draw.normal(size=20)
    theirs = t.tensor(ours, requires_grad=True)
    peer = getattr(t.optim, kind)([theirs], lr=0.03, **settings)
    update = made(text)
    for _ in range(60):
        gradient = draw.normal(size=20) * 10.0 ** draw.integers(-6, 6)
        ours = ours + update(gradient, ours, 0.03)
        theirs.grad = t.tensor(gradient)
        peer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("text", LOOPS)
def test_a_gradient_is_left_as_it_is(text: str) -> None:
    update = made(text)
    gradient, value = np.array([1.0, -2.0]), np.array([3.0, 4.0])
    first = update(gradient, value, 0.1)
    kept = first.copy()
    update(gradient, value, 0.1)
    assert (gradient.tolist(), value.tolist()) == ([1, -2], [3, 4])
    assert first.tolist() == kept.tolist()


# --- as they are shown --------------------------------------------------------------------------


@every("text", [*OPTIMIZERS, *LOOPS])
def test_the_formulas_give_the_numbers_beside_them(text: str) -> None:
    """Each formula, worked out with the numbers that stand in the step and in the one before."""
    found = train(network(), Options(text, rate=0.02, steps=4, show_steps=4, schedule="linear(warmup=2)"))
    before = {name: dict.fromkeys(QUANTITIES, np.zeros(())) for name in found.parameters}
    for shown in found.shown:
        assert shown.formulas
        for name in shown.changes:
            values = {**shown.of(name), **before[name], "sqrt": np.sqrt}
            for formula in shown.formulas:
                target, right = formula.split(" = ")
                worked = eval(right.replace("^", "**"), {}, values)
                np.testing.assert_allclose(worked, shown.of(name)[target], rtol=1e-5, atol=1e-12)
                values[target] = shown.of(name)[target]
            assert np.array_equal(values["value"] + values["update"], values["new"])
            before[name] = {key: arrays[name] for key, arrays in shown.quantities.items()}
            # What is shown is what the formulas name.
            assert set(shown.quantities) <= {formula.split(" = ")[0] for formula in shown.formulas}


def test_kingma_and_ba_on_a_published_example() -> None:
    """Mazur's network: Adam's first step moves every weight by the rate, whatever its gradient."""
    found = train(read_target("mazur_network"), Options("adam", rate=0.5, steps=1, show_steps=1))
    for change in found.shown[0].changes.values():
        np.testing.assert_allclose(change.update, -0.5 * np.sign(change.gradient), rtol=1e-4)
