"""The textbook functions are fit to be traced: repeatable, finite, and smooth at their inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from corpus import TEXTBOOK, TEXTBOOK_CASES, TEXTBOOK_FUNCTIONS, textbook
from rows_of_a_table import every

STEP = 1e-5  # of the central differences, in units of the inputs, which are about 1
SMOOTH = 1e-6  # relative difference of two slopes of step 1e-5 and 2e-5: a kink between them gives far more


def function_and_inputs(stem: str, name: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    module = textbook(stem)
    return getattr(module, name), module.inputs()


def flat(result: Any) -> np.ndarray:
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(part) for part in parts])


def copies(arrays: dict[str, Any]) -> dict[str, Any]:
    return {key: np.copy(value) if isinstance(value, np.ndarray) else value for key, value in arrays.items()}


def slopes(function: Callable[..., Any], arrays: dict[str, Any], key: str, step: float) -> np.ndarray:
    """The derivative of all results along one random direction of an input."""
    direction = np.random.default_rng(0).normal(size=np.shape(arrays[key]))

    def shifted(distance: float) -> np.ndarray:
        return flat(function(**{**copies(arrays), key: arrays[key] + distance * direction}))

    return (shifted(step) - shifted(-step)) / (2 * step)


def test_every_file_is_listed() -> None:
    assert sorted(TEXTBOOK_FUNCTIONS) == sorted(path.stem for path in TEXTBOOK.glob("*.py"))


@every("stem, name", TEXTBOOK_CASES)
def test_inputs_are_the_parameters_in_order(stem: str, name: str) -> None:
    function, arrays = function_and_inputs(stem, name)
    parameters = inspect.signature(function).parameters.values()
    assert [p.name for p in parameters if p.default is p.empty] == list(arrays)


@every("stem, name", TEXTBOOK_CASES)
def test_the_function_can_be_called_again(stem: str, name: str) -> None:
    function, arrays = function_and_inputs(stem, name)
    kept = copies(arrays)
    first, second = flat(function(**arrays)), flat(function(*arrays.values()))
    assert np.all(np.isfinite(first))
    assert np.array_equal(first, second)
    assert all(np.array_equal(arrays[key], kept[key]) for key in arrays)


@every("stem, name", TEXTBOOK_CASES)
def test_the_function_is_smooth_and_uses_every_input(stem: str, name: str) -> None:
    function, arrays = function_and_inputs(stem, name)
    for key in arrays:
        if np.asarray(arrays[key]).dtype.kind != "f":
            continue  # labels
        near, far = slopes(function, arrays, key, STEP), slopes(function, arrays, key, 2 * STEP)
        assert np.max(np.abs(near)) > 1e-4, key
        assert np.max(np.abs(near - far)) < SMOOTH * max(1.0, np.max(np.abs(near))), key
