"""Value and gradients of a scalar graph as numbers, in a loop up and a loop down, without a node more.

This is what `bpx.passes.reverse` and `bpx.graph.run` give together, to the same bits but for the sign of a
zero: the derivatives are evaluated where those build them, in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.graph import CONSTANT, INPUT, Graph, Op
from bpx.ops.elementwise.arithmetic import add, mul, sub
from bpx.passes.plain import rule, value


def both_passes(
    graph: Graph, output: int, wrt: Sequence[int], known: Mapping[int, Any], seed: float = 1.0
) -> tuple[float, list[float]] | None:
    """The value of a scalar output, and its gradient by each node of `wrt`, times `seed`.

    `known` holds the values of the inputs. None where a node has a shape or is not elementwise, or where a
    number on the way is not finite: then it takes nodes, which can be looked at one by one.
    """
    try:
        with np.errstate(all="ignore"):
            values = upwards(graph, output, known)
            gradients = _downwards(graph, output, values, seed)
    except (ArithmeticError, ValueError, TypeError):
        return None
    numbers = [gradients[node] if node <= output else 0.0 for node in wrt]
    return (values[output], numbers) if all(map(math.isfinite, [values[output], *numbers])) else None


def upwards(graph: Graph, output: int, known: Mapping[int, Any]) -> list[float]:
    """The values of the nodes up to `output`.

    Raises `TypeError` where it has no form for one, `ArithmeticError` or `ValueError` where it has no value.
    """
    if any(graph.shapes[: output + 1]):
        raise TypeError
    values: list[float] = []
    functions = _Memo(value)
    rows = zip(range(output + 1), graph.ops, graph.args, strict=False)
    # The commonest ops stand apart: a call takes longer than what it computes.
    for node, op, args in rows:
        if op is mul:
            x, y = args
            values.append(values[x] * values[y])
        elif op is add:
            x, y = args
            values.append(values[x] + values[y])
        elif op is sub:
            x, y = args
            values.append(values[x] - values[y])
        elif op is INPUT:
            # One without a value may be one that the output does not need.
            values.append(float(known.get(node, math.nan)))
        elif op is CONSTANT:
            values.append(float(graph.constants[node]))
        elif len(args) == 1 and op.local:
            values.append(functions[op](values[args[0]]))
        elif not op.local:
            raise TypeError
        else:
            values.append(functions[op](*[values[arg] for arg in args]))
    return values


def _downwards(graph: Graph, output: int, values: Sequence[float], seed: float) -> list[float]:
    """∂output/∂node for the nodes up to `output`, times `seed`; 0 where nothing arrives."""
    gradients = [0.0] * (output + 1)
    gradients[output] = seed
    ops, args_of, constants = graph.ops[: output + 1], graph.args[: output + 1], graph.constants
    rules = _Memo(lambda op: rule(op, (None,)))
    # Read from behind while it is written to further in front: args have smaller ids than their node.
    rows = zip(range(output, -1, -1), reversed(gradients), reversed(ops), reversed(args_of), strict=True)
    for node, upstream, op, args in rows:
        if op is mul:
            x, y = args
            gradients[x] += upstream * values[y]
            gradients[y] += upstream * values[x]
        elif op is add:
            x, y = args
            gradients[x] += upstream
            gradients[y] += upstream
        elif op is sub:
            x, y = args
            gradients[x] += upstream
            gradients[y] -= upstream
        elif len(args) == 1:
            (x,) = args
            (contribution,) = rules[op](upstream, values[x], values[node])
            if contribution is not None:
                gradients[x] += contribution
        elif args:
            numbers = tuple([float(constants[arg]) if arg in constants else None for arg in args])
            contributions = rule(op, numbers)(upstream, *[values[arg] for arg in args], values[node])
            # `strict` takes time for each node.
            for arg, contribution in zip(args, contributions):  # noqa: B905
                if contribution is not None:
                    gradients[arg] += contribution
    return gradients


class _Memo(dict[Op, Callable[..., Any]]):
    """What `make` makes of an op, made once; a dict is looked up sooner than an `lru_cache`."""

    def __init__(self, make: Callable[[Op], Callable[..., Any]]) -> None:
        self.make = make

    def __missing__(self, op: Op) -> Callable[..., Any]:
        made = self[op] = self.make(op)
        return made
