"""Scalar nodes as Python code on plain floats.

NumPy takes ten times as long for one number as the operator of a Python float, and both round alike: what has
a form below is written as Python, and everything else stays a call of the op's value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bpx.graph.graph import Graph, Op
from bpx.ops.elementwise import activations, functions, selection
from bpx.ops.elementwise.arithmetic import (
    add,
    contribution,
    div,
    identity,
    mul,
    neg,
    power,
    reciprocal,
    square,
    sub,
)
from bpx.passes.reverse import contribution_of

Function: TypeAlias = Callable[..., Any]

# Forms that give the bits that the op's value gives. Where NumPy gives an infinity, Python raises.
SAME_BITS: dict[Function, str] = {
    add.value: "{} + {}",
    sub.value: "{} - {}",
    mul.value: "{} * {}",
    div.value: "{} / {}",
    neg.value: "-{}",
    square.value: "{0} * {0}",
    reciprocal.value: "1.0 / {}",
    identity.value: "{}",
    contribution.value: "absorbing({}, {})",
    # 0.0 for -0.0, and NaN for NaN, as NumPy's maximum.
    activations.relu.value: "({0} if {0} > 0.0 or {0} != {0} else 0.0)",
    selection.where.value: "({1} if {0} else {2})",
    **{
        getattr(selection, name).value: f"(1.0 if {{}} {symbol} {{}} else 0.0)"
        for name, symbol in {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}.items()
    },
}

# Functions of the math module: their last bit may differ. Outside of the domain they raise.
UP_TO_ROUNDING: dict[Function, str] = {
    **SAME_BITS,
    **{
        getattr(functions, name).value: f"{name}({{}})"
        for name in ("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sqrt")
    },
    power.value: "pow({}, {})",
    activations.sigmoid.value: "1.0 / (1.0 + exp(-{}))",
}


class Step(NamedTuple):
    """One line: the name `out` gets the value of `function` for the names or literals `args`."""

    function: Function
    args: Sequence[str]
    out: str


def literal(value: Any) -> str:
    """A number as Python code; in parentheses, as a sign may stand in front."""
    return f"({float(value)!r})" if math.isfinite(value) else f"float('{float(value)}')"


def plain(
    params: Sequence[str], steps: Iterable[Step], result: str, forms: Mapping[Function, str]
) -> Callable[..., Any]:
    """A function of floats that does the steps and returns the result, a name or a tuple of names.

    It raises `ArithmeticError` or `ValueError` where a form does; the caller goes another way then.
    """
    known: dict[str, Any] = {**_MATH, "absorbing": _absorbing}
    lines = [f"def f{together(params)}:"]
    for step in steps:
        form = forms.get(step.function)
        if form is None:
            name = f"f{len(known)}"
            known[name] = step.function
            form = f"float({name}({', '.join(['{}'] * len(step.args))}))"
        lines.append(f" {step.out} = {form.format(*step.args)}")
    lines.append(f" return {result}")
    exec(compile("\n".join(lines), "<plain>", "exec"), known)
    return known["f"]  # type: ignore[no-any-return]


def together(names: Iterable[str]) -> str:
    """Names as a tuple."""
    return f"({''.join(f'{name}, ' for name in names)})"


_MATH = {name: function for name, function in vars(math).items() if not name.startswith("_")}


def _absorbing(upstream: float, local: float) -> float:
    product = upstream * local
    return product if product == product or upstream else 0.0


# --- single nodes --------------------------------------------------------------------------------------

Numbers: TypeAlias = tuple[float | None, ...]
Rule: TypeAlias = Callable[..., tuple[float | None, ...]]


@lru_cache(maxsize=4096)
def value(op: Op) -> Callable[..., float]:
    """The value of an elementwise op as a function of floats, to the same bits."""
    params = [f"x{place}" for place in range(len(op.args))]
    return _silent(plain(params, [Step(op.value, params, "out")], "out", SAME_BITS), [op])


def value_of_floats(op: Op, floats: Sequence[float]) -> float:
    """The value of an elementwise op for these floats, NaN or infinite where NumPy's is."""
    try:
        return value(op)(*floats)
    except (ArithmeticError, ValueError):
        with np.errstate(all="ignore"):
            return float(op.value(*map(np.float64, floats)))


# Networks repeat few ops; constants, as exponents, are mostly the same too.
@lru_cache(maxsize=4096)
def rule(op: Op, constants: Numbers) -> Rule:
    """The contributions of an elementwise op to scalar args as a function (upstream, *args, out) of floats.

    It does what `bpx.passes.reverse` builds as nodes, to the same bits. `constants` has the values of args
    that are constants, None for the others. None is returned for the constants, and where the op is flat.
    """
    graph = Graph()
    args = [graph.input() if number is None else graph.constant(number) for number in constants]
    out, upstream = graph.add(op, *args), graph.input()
    built = contribution_of(out, upstream)
    targets = [
        None if number is not None or expr.id in graph.constants else expr.id
        for number, expr in zip(constants, built, strict=True)
    ]
    return function_of(graph, [upstream.id, *(expr.id for expr in args), out.id], targets)


def function_of(graph: Graph, params: Sequence[int], targets: Sequence[int | None]) -> Rule:
    """The values of the nodes `targets` of a graph of scalars as a function of those of `params`.

    None for a target that is None.
    """
    names = {node: f"x{place}" for place, node in enumerate(params)}
    arguments = [f"x{place}" for place in range(len(params))]
    names |= {node: literal(value) for node, value in graph.constants.items()}
    needed = graph.needs(of=[node for node in targets if node is not None], known=names)
    steps = [_step(graph, node, names) for node in needed if node not in names]
    results = ["None" if node is None else names[node] for node in targets]
    function = plain(arguments, steps, together(results), SAME_BITS)
    return _silent(function, [graph.ops[node] for node in needed if graph.args[node]])


def _silent(function: Function, ops: Iterable[Op]) -> Function:
    """The function without NumPy's warnings, where it calls NumPy: to say so takes longer than plain code."""
    return function if all(op.value in SAME_BITS for op in ops) else np.errstate(all="ignore")(function)


def _step(graph: Graph, node: int, names: dict[int, str]) -> Step:
    names[node] = f"n{node}"
    return Step(graph.ops[node].value, [names[arg] for arg in graph.args[node]], names[node])
