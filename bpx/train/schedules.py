"""How the learning rate changes from step to step, as the schedulers of PyTorch define it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from bpx.train.settings import Choice


def constant(rate: float, step: int) -> float:
    """The same rate at every step."""
    return rate


def stepwise(rate: float, step: int, every: float, gamma: float) -> float:
    """rate · gamma^⌊step / every⌋; inf where that overflows."""
    # Of Python's floats a power that overflows is an error.
    with np.errstate(over="ignore"):
        return float(rate * np.float64(gamma) ** (step // every))


def exponential(rate: float, step: int, gamma: float) -> float:
    """rate · gamma^step; inf where that overflows."""
    return stepwise(rate, step, 1, gamma)


def linear(rate: float, step: int, steps: float, end: float) -> float:
    """From the rate to `end` in a straight line; behind `steps` it stays there."""
    return rate + (end - rate) * min(step / steps, 1)


def cosine(rate: float, step: int, steps: float, end: float) -> float:
    """From the rate to `end` along half a period of a cosine; behind `steps` it stays there.

    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (ICLR 2017), eq. 5, without
    restarts.
    """
    return end + (rate - end) * (1 + math.cos(math.pi * min(step / steps, 1))) / 2


class Schedule(NamedTuple):
    """One row of the table: the rate at a step, counted from 0, and the settings in its order.

    A setting `steps` of 0 stands for all the steps of the training that come after the warm-up.
    """

    rate: Callable[..., float]
    settings: Mapping[str, float]


_WARM_UP = {"warmup": 0.0}
SCHEDULES = {
    "constant": Schedule(constant, _WARM_UP),
    "step": Schedule(stepwise, {"every": 30.0, "gamma": 0.1, **_WARM_UP}),
    "exponential": Schedule(exponential, {"gamma": 0.99, **_WARM_UP}),
    "linear": Schedule(linear, {"steps": 0.0, "end": 0.0, **_WARM_UP}),
    "cosine": Schedule(cosine, {"steps": 0.0, "end": 0.0, **_WARM_UP}),
}


class Rates:
    """The rate of every step of a training: first the warm-up, in equal parts, then the schedule."""

    def __init__(self, name: str, settings: Mapping[str, float], rate: float, asked: int) -> None:
        """`asked` is the number of steps of the training."""
        self.name, self.rate = name, rate
        self.settings = {**SCHEDULES[name].settings, **settings}
        self.warmup = int(self.settings["warmup"])
        if "steps" in self.settings and not self.settings["steps"]:
            # At least 1: it divides.
            self.settings["steps"] = float(max(asked - self.warmup, 1))
        self.rest = [value for key, value in self.settings.items() if key != "warmup"]

    def scheduled(self) -> Choice | None:
        """The schedule as a report states it; None where the rate never changes."""
        changes = self.warmup or self.name != "constant"
        settings = {key: value for key, value in self.settings.items() if value or key != "warmup"}
        return Choice(self.name, settings) if changes else None

    def at(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        return SCHEDULES[self.name].rate(self.rate, step - self.warmup, *self.rest)
