"""Optimizers: steps worked out by hand, and PyTorch's own where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import torch

from bpx.train.optimizers import OPTIMIZERS, adam, descent, heavy_ball


def updates(update: Any, gradients: list[float]) -> list[float]:
    return [float(update(np.array([gradient]))[0]) for gradient in gradients]


def test_descent_by_hand() -> None:
    assert updates(descent(0.5), [4, -2]) == [-2, 1]


def test_momentum_by_hand() -> None:
    """v is 4, then 0.5·4 - 2 = 0, then 0.5·0 + 1 = 1."""
    assert updates(heavy_ball(0.5, 0.5), [4, -2, 1]) == [-2, 0, -0.5]


def test_adam_by_hand() -> None:
    """The first step is the rate, whatever the gradient; the second worked out as Algorithm 1 has it."""
    first, second = updates(adam(0.1, 0.5, 0.75, 0.0), [4, -2])
    assert first == pytest.approx(-0.1, rel=1e-15)
    mean = (0.5 * 2 + 0.5 * -2) / (1 - 0.5**2)  # m1 = 0.5 · 4
    square = (0.75 * 4 + 0.25 * 4) / (1 - 0.75**2)  # v1 = 0.25 · 16
    assert second == pytest.approx(-0.1 * mean / square**0.5, abs=1e-15)
    third = updates(adam(0.1, 0.5, 0.75, 0.0), [4, 1])[1]
    mean, square = (1 + 0.5) / 0.75, (3 + 0.25) / 0.4375
    assert third == pytest.approx(-0.1 * mean / square**0.5, rel=1e-14)


def test_epsilon_stands_outside_of_the_root() -> None:
    assert updates(adam(0.1, 0.9, 0.999, 1.0), [1.0]) == [pytest.approx(-0.05)]


TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "adam": ("Adam", {"betas": (0.9, 0.999), "eps": 1e-8}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_as_torch_has_it(name: str) -> None:
    t = torch()
    draw = np.random.default_rng(0)
    kind, settings = TORCH[name]
    ours = draw.normal(size=20)
    theirs = t.tensor(ours, requires_grad=True)
    peer = getattr(t.optim, kind)([theirs], lr=0.03, **settings)
    update = OPTIMIZERS[name].make(0.03, *OPTIMIZERS[name].settings.values())
    for _ in range(60):
        gradient = draw.normal(size=20) * 10.0 ** draw.integers(-6, 6)
        ours = ours + update(gradient)
        theirs.grad = t.tensor(gradient)
        peer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_is_left_as_it_is(name: str) -> None:
    update = OPTIMIZERS[name].make(0.1, *OPTIMIZERS[name].settings.values())
    gradient = np.array([1.0, -2.0])
    first = update(gradient)
    kept = first.copy()
    update(gradient)
    assert (gradient.tolist(), first.tolist()) == ([1, -2], kept.tolist())
