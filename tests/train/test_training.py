"""Trainings as JSON: every number in full."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from trainings import NAMES, training

from bpx.render.plain_data import norm

every_training = pytest.mark.parametrize("name", NAMES)


@every_training
def test_it_is_json(name: str) -> None:
    plain = training(name).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert (plain["bpx"], plain["kind"]) == (1, "training")


@every_training
def test_the_history_is_whole(name: str) -> None:
    one = training(name)
    plain = one.to_dict()
    assert np.array_equal([float(loss) for loss in plain["history"]], one.history, equal_nan=True)
    assert plain["loss"] == {"first": one.first, "last": one.last}
    assert plain["steps"] == {"asked": one.max_steps, "taken": one.taken}
    assert plain["size"] == sum(np.size(row["before"]) for row in plain["parameters"])


@every_training
def test_a_shown_step_adds_up(name: str) -> None:
    for step in training(name).shown:
        for change in step.changes.values():
            assert np.array_equal(change.new, change.value + change.update)
    for before, after in zip(training(name).shown, training(name).shown[1:], strict=False):
        for key, change in after.changes.items():
            assert np.array_equal(change.value, before.changes[key].new)


def test_parameters_of_many_elements_have_norms() -> None:
    plain = training("a network").to_dict()
    rows: dict[str, Any] = {row["name"]: row for row in plain["parameters"]}
    assert rows["W1"]["shape"] == [2, 5]
    assert rows["W1"]["after_norm"] == pytest.approx(math.sqrt(np.sum(np.square(rows["W1"]["after"]))))
    assert "after_norm" not in rows["b1"]
    assert "gradient_norm" in plain["shown"][0]["parameters"]["W1"]


def test_what_is_not_finite_is_a_text() -> None:
    assert training("not finite").to_dict()["history"][-1] == "inf"


def test_the_batches() -> None:
    assert training("batches").to_dict()["batch"] == {
        "size": 5,
        "examples": 23,
        "inputs": ["X", "y"],
        "seed": 7,
    }
    assert training("batches").to_dict()["settings"] == {"momentum": 0.5}
    assert training("a network").to_dict()["batch"] is None


def test_the_checks() -> None:
    rows = training("a wrong rule").to_dict()["checks"]
    assert [(row["step"], row["verdict"], row["entries"], row["entry"]) for row in rows] == [
        (0, "disagree", 1, "w")
    ]
    assert rows[0]["claimed"] != pytest.approx(rows[0]["reference"], rel=0.01)


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1.0, 1e200])
def test_norms_do_not_overflow(scale: float) -> None:
    assert norm(np.array([[3.0, 0.0], [0.0, -4.0]]) * scale) == pytest.approx(5 * scale)


def test_a_short_repr() -> None:
    assert len(repr(training("a network"))) < 100
