"""What the tests of tracing share: the gradient of a traced function against differences of the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpx.graph.run import run
from bpx.passes.reverse import grad
from bpx.spec.trace.tape import TraceError
from bpx.spec.trace.trace import trace_function

STEP = 1e-6  # of the central differences; the inputs are about 1
CLOSE = 1e-6  # of slopes, relative to the larger of them and 1; differences give about 1e-9


def weights(shape: tuple[int, ...]) -> Any:
    """An upstream gradient whose elements are all different."""
    return np.cos(np.arange(int(np.prod(shape))) + 1.0).reshape(shape)


def traced_gradients(function: Callable[..., Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients of the traced graph by reverse mode."""
    named = trace_function(function, inputs).graph
    graph = named.graph.copy()
    output = graph[named.output]
    wrt = [graph[leaf.node] for leaf in named.inputs]
    gradients = grad(output, wrt, graph.constant(weights(output.shape)))
    values = run(graph, named.input_values, [gradient.id for gradient in gradients])
    return {leaf.name: values[gradient.id] for leaf, gradient in zip(named.inputs, gradients, strict=True)}


def slope_along(function: Callable[..., Any], inputs: Mapping[str, Any], name: str, direction: Any) -> float:
    """The slope of the weighted result along a direction of an input, by a central difference."""

    def weighted(distance: float) -> float:
        copies = {key: np.array(value)[()] for key, value in inputs.items()}
        copies[name] = copies[name] + distance * direction
        with np.errstate(all="ignore"):
            result = np.asarray(function(**copies), dtype=float)
        return float(np.sum(weights(result.shape) * result))

    return (weighted(STEP) - weighted(-STEP)) / (2 * STEP)


def assert_traced_right(function: Callable[..., Any], inputs: Mapping[str, Any]) -> None:
    """The traced graph has the gradients that differences of the function show, of inputs of floats."""
    gradients = traced_gradients(function, inputs)
    for name, gradient in gradients.items():
        if np.asarray(inputs[name]).dtype.kind == "f":
            numeric = np.zeros(gradient.shape)
            for place in np.ndindex(gradient.shape):
                direction = np.zeros(gradient.shape)
                direction[place] = 1.0
                numeric[place] = slope_along(function, inputs, name, direction)
            scale = max(1.0, float(np.max(np.abs(numeric), initial=0.0)))
            np.testing.assert_allclose(gradient, numeric, rtol=0, atol=CLOSE * scale, err_msg=name)


def refusal(function: Callable[..., Any], inputs: Mapping[str, Any]) -> str | None:
    """The code of the refusal; None where the function is traced, and then it must be right."""
    try:
        assert_traced_right(function, inputs)
    except TraceError as error:
        return error.diagnostics[0].code
    return None
