"""Learning rates step by step: by hand, in closed form, and PyTorch's own where it is installed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from oracle import torch
from rows_of_a_table import every
from trainings import network

from bpx.train.schedules import SCHEDULES, Rates
from bpx.train.settings import read_choice
from bpx.train.train import Options, train


def rates(text: str, steps: int, rate: float = 1.0) -> list[float]:
    problems: list[Any] = []
    choice = read_choice(text, SCHEDULES, "schedule", problems)
    assert not problems
    schedule = Rates(*choice, rate, steps)
    return [schedule.at(step) for step in range(steps)]


BY_HAND = {
    "constant": [1, 1, 1, 1, 1],
    "constant(warmup=4)": [0.25, 0.5, 0.75, 1, 1],
    "step(every=2, gamma=0.5)": [1, 1, 0.5, 0.5, 0.25],
    "step(every=1, gamma=0.5, warmup=2)": [0.5, 1, 1, 0.5, 0.25],
    "exponential(gamma=0.5)": [1, 0.5, 0.25, 0.125, 0.0625],
    "linear": [1, 0.8, 0.6, 0.4, 0.2],
    "linear(steps=2, end=0.5)": [1, 0.75, 0.5, 0.5, 0.5],
    "cosine(steps=4)": [1, (2 + math.sqrt(2)) / 4, 0.5, (2 - math.sqrt(2)) / 4, 0],
    "cosine(steps=2, end=0.5, warmup=1)": [1, 1, 0.75, 0.5, 0.5],
}


@every("text", BY_HAND)
def test_by_hand(text: str) -> None:
    assert rates(text, 5) == pytest.approx(BY_HAND[text], abs=1e-15)


TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "step(every=3, gamma=0.5)": ("StepLR", {"step_size": 3, "gamma": 0.5}),
    "exponential(gamma=0.9)": ("ExponentialLR", {"gamma": 0.9}),
    "linear": ("LinearLR", {"start_factor": 1, "end_factor": 0, "total_iters": 12}),
    "cosine(end=0.01)": ("CosineAnnealingLR", {"T_max": 12, "eta_min": 0.01}),
    "constant(warmup=5)": ("LinearLR", {"start_factor": 1 / 5, "total_iters": 4}),
}


@pytest.mark.parametrize("text", TORCH)
def test_as_torch_has_it(text: str) -> None:
    t = torch()
    kind, settings = TORCH[text]
    peer = t.optim.SGD([t.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = getattr(t.optim.lr_scheduler, kind)(peer, **settings)
    theirs = []
    for _ in range(12):
        theirs.append(scheduler.get_last_lr()[0])
        peer.step()
        scheduler.step()
    assert rates(text, 12, 0.3) == pytest.approx(theirs, rel=1e-12, abs=1e-12)


def test_a_rate_that_overflows_is_inf() -> None:
    assert rates("exponential(gamma=1e300)", 3)[2] == math.inf


def test_a_training_takes_the_rates_of_its_schedule() -> None:
    found = train(network(), Options(rate=0.2, steps=6, show_steps=6, schedule="cosine(warmup=2)"))
    expected = [0.1, 0.2, *(0.1 * (1 + math.cos(math.pi * k / 4)) for k in range(4))]
    assert [shown.rate for shown in found.shown] == pytest.approx(expected)
    for shown, rate in zip(found.shown, expected, strict=True):
        for change in shown.changes.values():
            assert change.update == pytest.approx(-rate * change.gradient)
    assert found.to_dict()["schedule"] == {
        "name": "cosine",
        "settings": {"steps": 4, "end": 0, "warmup": 2},
    }
    assert train(network(), Options(steps=1)).to_dict()["schedule"] is None


PROBLEMS = {
    "cosin": ["unknown-schedule"],
    "step(evry=3)": ["no-setting"],
    "step(every=0)": ["setting-whole"],
    "step(every=2.5)": ["setting-whole"],
    "step(every=3, every=4)": ["repeated-setting"],
    "step(gamma=0)": ["setting-positive"],
    "cosine(end=nan, warmup=-1)": ["setting-number", "setting-whole"],
    "cosine(3": ["unknown-schedule"],
    "linear(5)": ["no-setting"],
    "exponential(gamma=fast)": ["setting-positive"],
}


@every("text", PROBLEMS)
def test_what_means_nothing(text: str) -> None:
    problems = Options(schedule=text).problems()
    assert [problem.code for problem in problems] == PROBLEMS[text]
    # Each is a sentence, with advice where a name is wrong.
    assert all(problem.message for problem in problems)
    assert all(problem.advice for problem in problems if not problem.code.startswith(("setting", "rep")))


def test_spaces_and_hyphens_in_settings() -> None:
    text = " adam ( beta1 = 0.5,weight-decay=0.25, eps = 0.1 ) "
    found = train(network(), Options(text, steps=1))
    assert found.optimizer == "adam"
    assert found.settings == {"beta1": 0.5, "beta2": 0.999, "epsilon": 0.1, "weight_decay": 0.25}


def test_momentum_is_a_setting_too() -> None:
    assert [problem.code for problem in Options("momentum(momentum=0.3)", momentum=0.5).problems()] == [
        "repeated-setting"
    ]
    assert train(network(), Options("rmsprop", momentum=0.5, steps=1)).settings["momentum"] == 0.5
