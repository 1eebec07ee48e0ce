"""Optimizers and schedules with settings drawn at random, over 20 steps, beside the formulas and PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from oracle import torch
from rows_of_a_table import every

from bpx.train.optimizers import OPTIMIZERS
from bpx.train.schedules import SCHEDULES, Rates

STEPS, DRAWS = 20, 12
Settings = dict[str, float]


def drawn(names: list[str], rng: np.random.Generator) -> Settings:
    """A value for each setting, and for some of them the usual 0."""
    ranges = {
        **{"momentum": (0.0, 0.99), "beta1": (0.0, 0.95), "beta2": (0.3, 0.9999), "alpha": (0.3, 0.999)},
        **{"epsilon": (1e-12, 1e-2), "weight_decay": (0.0, 0.3), "gamma": (0.3, 1.1), "end": (0.0, 0.05)},
    }
    whole = {"every": (1, 7), "steps": (5, 25), "warmup": (0, 4)}
    values = {name: float(rng.uniform(*ranges[name])) for name in names if name in ranges}
    values |= {name: float(rng.integers(*whole[name])) for name in names if name in whole}
    for name in ("weight_decay", "momentum", "warmup"):
        if name in values and rng.uniform() < 0.3:
            values[name] = 0.0
    return values


def cases() -> Iterator[tuple[str, Settings, str, Settings, int]]:
    for seed in range(DRAWS):
        for optimizer, row in OPTIMIZERS.items():
            rng = np.random.default_rng([seed, len(optimizer)])
            schedule = list(SCHEDULES)[int(rng.integers(len(SCHEDULES)))]
            settings = drawn(list(row.settings), rng)
            yield optimizer, settings, schedule, drawn(list(SCHEDULES[schedule].settings), rng), seed


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Five parameters, and 20 gradients of sizes far apart."""
    rng = np.random.default_rng([seed, 1])
    return rng.normal(size=5), rng.normal(size=(STEPS, 5)) * 10.0 ** rng.integers(-4, 4, size=(STEPS, 1))


def ours(optimizer: str, settings: Settings, schedule: str, of_schedule: Settings, seed: int) -> np.ndarray:
    update, rates = OPTIMIZERS[optimizer].make(**settings), Rates(schedule, of_schedule, 0.03, STEPS)
    value, gradients = data(seed)
    for step, gradient in enumerate(gradients):
        value = value + update(gradient, value, rates.at(step))
    return value


# --- by the formulas ----------------------------------------------------------------------------


def rate_at(step: int, name: str, s: Settings) -> float:
    """The rate 0.03 of a step in closed form."""
    if step < s["warmup"]:
        return 0.03 * (step + 1) / s["warmup"]
    at = step - s["warmup"]
    if name == "constant":
        return 0.03
    if name in ("step", "exponential"):
        return 0.03 * s["gamma"] ** (at // s.get("every", 1.0))
    done = min(at / s["steps"], 1.0)
    share = (1 + math.cos(math.pi * done)) / 2 if name == "cosine" else 1 - done
    return s["end"] + (0.03 - s["end"]) * share


def with_momentum(w: float, g: list[float], rates: list[float], s: Settings, ahead: bool) -> float:
    """Polyak 1964; Nesterov as Sutskever et al. 2013, in terms of the value that is stored."""
    sums = 0.0
    for slope, rate in zip(g, rates, strict=True):
        slope += s["weight_decay"] * w
        sums = s.get("momentum", 0.0) * sums + slope
        w -= rate * (slope + s["momentum"] * sums if ahead else sums)
    return w


def divided(w: float, g: list[float], rates: list[float], s: Settings) -> float:
    """Hinton, lecture 6e: the mean of squares written out as a sum."""
    slopes: list[float] = []
    sums = 0.0
    for t, (slope, rate) in enumerate(zip(g, rates, strict=True)):
        slopes.append(slope + s["weight_decay"] * w)
        mean = (1 - s["alpha"]) * sum(s["alpha"] ** (t - k) * past**2 for k, past in enumerate(slopes))
        sums = s["momentum"] * sums + slopes[-1] / (math.sqrt(mean) + s["epsilon"])
        w -= rate * sums
    return w


def adaptive(w: float, g: list[float], rates: list[float], s: Settings, beside: bool) -> float:
    """Kingma and Ba, eq. 4: both means written out as sums; Loshchilov and Hutter, Algorithm 2."""
    slopes: list[float] = []
    for t, (slope, rate) in enumerate(zip(g, rates, strict=True), start=1):
        slopes.append(slope if beside else slope + s["weight_decay"] * w)
        means = [
            (1 - beta)
            * sum(beta ** (t - k) * past**power for k, past in enumerate(slopes, 1))
            / (1 - beta**t)
            for beta, power in ((s["beta1"], 1), (s["beta2"], 2))
        ]
        decay = rate * s["weight_decay"] * w if beside else 0.0
        w -= decay + rate * means[0] / (math.sqrt(means[1]) + s["epsilon"])
    return w


FORMULAS: dict[str, Callable[..., float]] = {
    "sgd": lambda *args: with_momentum(*args, ahead=False),
    "momentum": lambda *args: with_momentum(*args, ahead=False),
    "nesterov": lambda *args: with_momentum(*args, ahead=True),
    "rmsprop": divided,
    "adam": lambda *args: adaptive(*args, beside=False),
    "adamw": lambda *args: adaptive(*args, beside=True),
}


@every("optimizer, settings, schedule, of_schedule, seed", cases())
def test_as_the_formulas_have_it(
    optimizer: str, settings: Settings, schedule: str, of_schedule: Settings, seed: int
) -> None:
    rates = [rate_at(step, schedule, of_schedule) for step in range(STEPS)]
    start, gradients = data(seed)
    columns = zip(start.tolist(), gradients.T.tolist(), strict=True)
    expected = [FORMULAS[optimizer](value, slopes, rates, settings) for value, slopes in columns]
    found = ours(optimizer, settings, schedule, of_schedule, seed)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


# --- PyTorch ------------------------------------------------------------------------------------


def peer_of(t: Any, optimizer: str, settings: Settings, parameter: Any) -> Any:
    s = dict(settings)
    kind = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}.get(optimizer, "SGD")
    if "beta1" in s:
        s["betas"] = (s.pop("beta1"), s.pop("beta2"))
    if "epsilon" in s:
        s["eps"] = s.pop("epsilon")
    if optimizer == "nesterov" and s["momentum"]:
        s["nesterov"] = True
    return getattr(t.optim, kind)([parameter], lr=0.03, **s)


def scheduler_of(t: Any, peer: Any, name: str, s: Settings) -> Any:
    schedulers = t.optim.lr_scheduler
    if name == "step":
        return schedulers.StepLR(peer, int(s["every"]), s["gamma"])
    if name == "exponential":
        return schedulers.ExponentialLR(peer, s["gamma"])
    if name == "linear":
        return schedulers.LinearLR(peer, 1.0, s["end"] / 0.03, int(s["steps"]))
    return schedulers.LambdaLR(peer, lambda step: rate_at(step, name, s) / 0.03)  # theirs turns back up


@every("optimizer, settings, schedule, of_schedule, seed", cases())
def test_as_torch_has_it(
    optimizer: str, settings: Settings, schedule: str, of_schedule: Settings, seed: int
) -> None:
    t = torch()
    of_schedule = {**of_schedule, "warmup": 0.0, **({"end": 0.02} if "end" in of_schedule else {})}
    start, gradients = data(seed)
    theirs = t.tensor(start, requires_grad=True)
    peer = peer_of(t, optimizer, settings, theirs)
    scheduler = scheduler_of(t, peer, schedule, of_schedule)
    for gradient in gradients:
        theirs.grad = t.tensor(gradient)
        peer.step()
        scheduler.step()
    found = ours(optimizer, settings, schedule, of_schedule, seed)
    np.testing.assert_allclose(found, theirs.detach().numpy(), rtol=1e-9, atol=1e-9)
