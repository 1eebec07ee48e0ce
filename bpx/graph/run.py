"""The forward pass: values of nodes from values of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import INPUT, Graph
from bpx.words.say import say


def run(
    graph: Graph,
    known: Mapping[int, Array | float],
    targets: Iterable[int],
    *,
    batch: bool = False,
    dtype: type[np.floating[Any]] | None = np.float64,
) -> dict[int, Array]:
    """The values of `targets` and of all they depend on, by node id; each of its node's shape.

    `known` holds the value of every input that is needed, of the input's shape; in a batched run of
    shape `(*shape, P)` or `(*shape, 1)`. An inner node may be given too, in place of its args. NumPy's
    warnings are silenced: a value that is not finite is for the caller to find. Raises `KeyError` where the
    value of an input is missing. `dtype` is that of the values given, which ops keep as far as they can;
    None leaves each its own.

    Where numbers of a class with more digits are given, as object arrays, all values are object arrays
    of that class, constants too.
    """
    values: dict[int, Any] = {}
    needed = graph.needs(of=targets, known=known)
    if not needed:
        return values
    # Where most is known, what is needed of it is looked at, and not the rest for every target.
    lift = _lift([known[node] for node in needed if node in known] or known.values())
    with np.errstate(all="ignore"):
        for node in needed:
            if node in known:
                value = known[node] if lift else np.asarray(known[node], dtype=dtype)
            elif node in graph.constants:
                constant = graph.constants[node]
                # The batch axis is last: without one of its own, the constant's last axis would meet it.
                value = constant[..., np.newaxis] if batch else constant
            else:
                value = _compute(graph, node, values, batch)
            values[node] = lift(value) if lift else value
    return values


def _lift(known: Iterable[Any]) -> Callable[[Any], Any] | None:
    """A function that makes a value an object array of the class given; None where all is float64."""
    values = [value for value in known if type(value) not in (float, np.float64)]
    arrays = (value if type(value) is np.ndarray else np.asarray(value) for value in values)
    objects = next((array for array in arrays if array.dtype.hasobject), None)
    if objects is None:
        return None
    number = type(objects.flat[0])
    # Values too: NumPy returns plain integers from some functions of objects, as from sign.
    convert = np.frompyfunc(lambda x: x if isinstance(x, number) else number(x), 1, 1)

    def lift(value: Any) -> Any:
        if type(value) is np.ndarray and value.dtype.hasobject and {*map(type, value.flat)} <= {number}:
            return value  # as nearly all are: this look at the types takes a tenth of the conversion
        return np.asarray(convert(value), dtype=object)

    return lift


def _compute(graph: Graph, node: int, values: Mapping[int, Any], batch: bool) -> Any:
    op = graph.ops[node]
    if op is INPUT:
        raise KeyError(say("python.missing-value", node=node))
    args = [values[arg] for arg in graph.args[node]]
    if op.elementwise:
        return op.value(*args)
    return op.value(*args, batch=int(batch), **graph.settings[node])
