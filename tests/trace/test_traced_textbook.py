"""The textbook functions are traced, and the gradients of their graphs are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from corpus import TEXTBOOK_CASES, textbook
from rows_of_a_table import every
from tracing import slope_along, traced_gradients

from bpx.graph.graph import OPS
from bpx.spec.trace.tape import TraceError

CLOSE = 1e-5  # relative, of slopes along a random direction: some of the functions are curved


def flat(result: Any) -> Any:
    """All parts of a result in one row."""
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(part) for part in parts])


@every("stem, name", TEXTBOOK_CASES)
def test_a_textbook_function_is_traced_right(stem: str, name: str) -> None:
    module = textbook(stem)
    inputs = module.inputs()

    def function(**arrays: Any) -> Any:
        return flat(getattr(module, name)(**arrays))

    try:
        gradients = traced_gradients(function, inputs)
    except TraceError:
        if "inv" in OPS:
            raise
        pytest.skip("bpx has no linear algebra")
    for key, gradient in gradients.items():
        if np.asarray(inputs[key]).dtype.kind == "f":
            direction = np.random.default_rng(0).normal(size=gradient.shape)
            slope = slope_along(function, inputs, key, direction)
            assert abs(np.sum(gradient * direction) - slope) < CLOSE * max(1.0, abs(slope)), key
