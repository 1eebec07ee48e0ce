"""What the ops should give, said a second time and without bpx.

Elementwise ops at 50 digits with mpmath, whose derivatives are taken numerically at a raised
precision; tensor ops as NumPy functions, which run on arrays of mpmath numbers too, and whose
derivatives are taken with a complex step, which is exact to rounding for them; and both as torch
functions. Only the last section, which finds points where a row is smooth, reads the op table: it asks
the guards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext

from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.run import run
from bpx.passes.reverse import pullback

mp = MPContext()
mp.dps = 50

# --- elementwise ops at 50 digits ---------------------------------------------------------------

# Constants that belong to the definition of an op are those that float64 has.
SELU_ABOVE, SELU_BELOW = mp.mpf(1.0507009873554805), mp.mpf(1.7580993408473766)
GELU_SCALE, GELU_CUBE = mp.mpf(0.7978845608028654), mp.mpf(0.044715)

VALUES: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": lambda x, y: mp.power(x, y),
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "sqrt": lambda x: mp.sqrt(x),
    "identity": lambda x: x,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "exp": lambda x: mp.exp(x),
    "exp2": lambda x: mp.power(2, x),
    "expm1": lambda x: mp.expm1(x),
    "log": lambda x: mp.log(x),
    "log1p": lambda x: mp.log(1 + x),
    "log2": lambda x: mp.log(x, 2),
    "log10": lambda x: mp.log(x, 10),
    "sin": lambda x: mp.sin(x),
    "cos": lambda x: mp.cos(x),
    "tan": lambda x: mp.tan(x),
    "asin": lambda x: mp.asin(x),
    "acos": lambda x: mp.acos(x),
    "atan": lambda x: mp.atan(x),
    "atan2": lambda y, x: mp.atan2(y, x),
    "hypot": lambda x, y: mp.hypot(x, y),
    "sinh": lambda x: mp.sinh(x),
    "cosh": lambda x: mp.cosh(x),
    "tanh": lambda x: mp.tanh(x),
    "asinh": lambda x: mp.asinh(x),
    "acosh": lambda x: mp.acosh(x),
    "atanh": lambda x: mp.atanh(x),
    "sec": lambda x: mp.sec(x),
    "csc": lambda x: mp.csc(x),
    "cot": lambda x: mp.cot(x),
    "erf": lambda x: mp.erf(x),
    "erfc": lambda x: mp.erfc(x),
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "digamma": lambda x: mp.digamma(x),
    "polygamma": lambda n, x: mp.psi(int(n), x),
    "sinc": lambda x: mp.sincpi(x),
    "sinc_derivative": lambda n, x: _sinc_derivative(int(n), x),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "relu": lambda x: max(x, mp.zero),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "logsigmoid": lambda x: -mp.log(1 + mp.exp(-x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    "selu": lambda x: SELU_ABOVE * x if x > 0 else SELU_BELOW * mp.expm1(x),
    "relu6": lambda x: min(max(x, mp.zero), mp.mpf(6)),
    "hardtanh": lambda x, low, high: min(max(x, low), high),
    "hard_sigmoid": lambda x: min(max(x + 3, mp.zero), mp.mpf(6)) / 6,
    "hard_swish": lambda x: x * min(max(x + 3, mp.zero), mp.mpf(6)) / 6,
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "swish": lambda x, beta: x / (1 + mp.exp(-beta * x)),
    "mish": lambda x: x * mp.tanh(mp.log(1 + mp.exp(x))),
    "gelu": lambda x: x * mp.ncdf(x),
    "gelu_tanh": lambda x: x * (1 + mp.tanh(GELU_SCALE * (x + GELU_CUBE * x**3))) / 2,
    "abs": lambda x: abs(x),
    "sign": lambda x: mp.sign(x),
    "step": lambda x: (1 + mp.sign(x)) / 2,
    "floor": lambda x: mp.floor(x),
    "ceil": lambda x: mp.ceil(x),
    "mod": lambda x, y: x - y * mp.floor(x / y),
    "round": lambda x: mp.nint(x),
    "max": lambda x, y: max(x, y),
    "min": lambda x, y: min(x, y),
    "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda condition, x, y: x if condition else y,
    "lt": lambda x, y: mp.mpf(x < y),
    "le": lambda x, y: mp.mpf(x <= y),
    "gt": lambda x, y: mp.mpf(x > y),
    "ge": lambda x, y: mp.mpf(x >= y),
    "eq": lambda x, y: mp.mpf(x == y),
    "ne": lambda x, y: mp.mpf(x != y),
}

# Args that choose rather than measure: they are drawn from 0 and 1 and have no derivative.
CHOICES = {("where", 0), ("polygamma", 0), ("sinc_derivative", 0)}


def _sinc_derivative(n: int, x: Any) -> Any:
    """Re (iπ)^n ∫ t^n exp(iπxt) dt from 0 to 1, an integral of Kummer's (Abramowitz and Stegun, 13.2.1)."""
    return ((mp.j * mp.pi) ** n * mp.hyp1f1(n + 1, n + 2, mp.j * mp.pi * x) / (n + 1)).real


@cache
def value(name: str, point: tuple[float, ...]) -> Any:
    """The op's value at a point."""
    return VALUES[name](*map(mp.mpf, point))


@cache
def derivative(name: str, point: tuple[float, ...], orders: tuple[int, ...]) -> Any:
    """The op's derivative, of the given order in each arg, at a point where it is smooth."""
    if any(order and (name, position) in CHOICES for position, order in enumerate(orders)):
        return mp.zero
    return mp.diff(VALUES[name], tuple(map(mp.mpf, point)), orders)


def partial(name: str, point: tuple[float, ...], position: int) -> Any:
    """The op's derivative by one arg."""
    return derivative(name, point, unit(len(point), position))


def unit(length: int, *positions: int) -> tuple[int, ...]:
    """How often each position is named: (0, 1, 0) for 1 of 3."""
    return tuple(positions.count(i) for i in range(length))


def agrees(got: Any, truth: Any, digits: int) -> bool:
    """Whether a number of any class with 50 digits is `truth`, by nothing but its own arithmetic."""
    rest, tolerance = got, float(abs(truth)) * 10.0**-digits
    for _ in range(4):  # floats that sum up to truth
        part = float(truth)
        rest, truth = rest - part, truth - part
    return bool(abs(rest) <= tolerance)


# --- tensor ops as NumPy functions --------------------------------------------------------------


def elementwise(ufunc: Any, function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Real, complex, or at 50 digits on object arrays."""
    at_50_digits = np.frompyfunc(function, 1, 1)
    return lambda x: (at_50_digits if np.asarray(x).dtype == object else ufunc)(x)


@cache
def case_modules() -> list[Any]:
    """The modules tests/cases_*.py, which say what ops of whole arrays should give."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
    return [import_module(name) for name in found]


@cache
def tensors() -> dict[str, Callable[..., Any]]:
    """Op name → NumPy function, for every op of whole arrays."""
    return {name: one for module in case_modules() for name, one in module.TENSORS.items()}


def cases(name: str) -> list[tuple[list[tuple[int, ...]], dict[str, Any]]]:
    """The shapes and settings that an op of whole arrays is tested for."""
    every = [case for module in case_modules() for case in module.CASES]
    return [(shapes, settings) for op, shapes, settings in every if op == name]


def args_of(name: str, shapes: Sequence[tuple[int, ...]], seed: int = 0) -> list[Any]:
    """Random args of these shapes, of a kind that the op takes."""
    for module in case_modules():
        if name in getattr(module, "DRAWS", {}):
            return list(module.DRAWS[name](np.random.default_rng(seed), shapes))
    return arrays(shapes, seed)


def arrays(shapes: Sequence[tuple[int, ...]], seed: int = 0) -> list[Any]:
    """Random arrays of numbers between 0.3 and 2, of either sign."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.3, 2, shape) * rng.choice([-1, 1], shape) for shape in shapes]


def choosing(out: Expr) -> set[int]:
    """The positions of args that only choose, as class indices do: the rule hands nothing back to them."""
    upstream = out.graph.input(out.shape)
    found = pullback(out.op, upstream, out.args, out, out.graph.settings[out.id])
    return {position for position, one in enumerate(found) if one is None}


def tensor(name: str, *args: Any, **settings: Any) -> Any:
    """The value of a tensor op."""
    return tensors()[name](*args, **settings)


def pulls(
    name: str, upstream: Any, args: Sequence[Any], settings: dict[str, Any], chooses: Sequence[int] = ()
) -> list[Any]:
    """Σ upstream · ∂op/∂arg for each arg, one element of the arg at a time; 0 for those that choose."""
    return [
        np.zeros(np.shape(arg))
        if position in chooses
        else np.array(
            [_pull(name, upstream, args, settings, position, at) for at in np.ndindex(np.shape(arg))]
        )
        .reshape(np.shape(arg))
        .astype(float)
        for position, arg in enumerate(args)
    ]


def _pull(
    name: str, upstream: Any, args: Sequence[Any], settings: dict[str, Any], position: int, at: Any
) -> float:
    tiny = 1e-30
    moved = np.array(args[position], dtype=complex)
    moved[at] += 1j * tiny
    out = tensor(name, *args[:position], moved, *args[position + 1 :], **settings)
    return float(np.sum(upstream * np.imag(out)) / tiny)


def tensor_at_50_digits(name: str, args: Sequence[Any], settings: dict[str, Any]) -> Any:
    """The value of a tensor op as an array of mpmath numbers."""
    return np.asarray(tensor(name, *map(_mp_array, args), **settings))


def slope_at_50_digits(
    name: str, upstream: Any, args: Sequence[Any], settings: dict[str, Any], position: int, direction: Any
) -> Any:
    """Σ upstream · (the derivative of a tensor op by one arg along `direction`), to about 30 digits."""
    tiny = mp.mpf(10) ** -17
    beside = []
    for side in (tiny, -tiny):
        moved = [_mp_array(arg) for arg in args]
        moved[position] = moved[position] + side * _mp_array(direction)
        beside.append(np.sum(_mp_array(upstream) * tensor(name, *moved, **settings)))
    return (beside[0] - beside[1]) / (2 * tiny)


def curvature_at_50_digits(
    name: str, upstream: Any, args: Sequence[Any], settings: dict[str, Any], first: Any, second: Any
) -> tuple[float, float]:
    """The second derivative of Σ upstream · op along two directions of all args; the size of its terms."""
    tiny = mp.mpf(10) ** -12
    corners = []
    for a, b in [(1, 1), (1, -1), (-1, 1), (-1, -1)]:
        moved = [
            _mp_array(arg) + tiny * (a * _mp_array(u) + b * _mp_array(v))
            for arg, u, v in zip(args, first, second, strict=True)
        ]
        corners.append(_mp_array(upstream) * tensor(name, *moved, **settings))
    mixed = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * tiny**2)
    return float(np.sum(mixed)), float(np.sum(abs(mixed)))


def _mp_array(values: Any) -> Any:
    return np.asarray(np.frompyfunc(mp.mpf, 1, 1)(values), dtype=object)


# --- both as torch functions --------------------------------------------------------------------


@cache
def torch() -> Any:
    """The torch module; the calling test is skipped where it is not installed."""
    return pytest.importorskip("torch", reason="torch is not installed: nothing to compare autograd with")


@cache
def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function, for every op of the table."""
    t = torch()
    same = "add sub mul div neg pow reciprocal square sqrt exp expm1 log log1p log2 log10 sin cos tan asin"
    same += " acos atan atan2 sinh cosh tanh erf sigmoid relu abs sign floor round"
    same += " lgamma digamma sinc"
    same += " exp2 hypot asinh acosh atanh logaddexp ceil erfc"
    comparisons = {name: _as_double(getattr(t, name)) for name in ("lt", "le", "gt", "ge", "eq", "ne")}
    return {
        **{name: getattr(t, name) for name in same.split()},
        **comparisons,
        "polygamma": lambda n, x: t.where(n == 0, t.digamma(x), t.special.polygamma(1, x)),
        "sinc_derivative": lambda n, x: t.where(n == 0, t.sinc(x), _slope_of_sinc(x)),
        "cbrt": lambda x: t.sign(x) * t.abs(x) ** (1 / 3),
        "mod": t.remainder,
        "identity": lambda x: x,
        "sec": lambda x: 1 / x.cos(),
        "csc": lambda x: 1 / x.sin(),
        "cot": lambda x: x.cos() / x.sin(),
        "softplus": lambda x: t.nn.functional.softplus(x, threshold=1e9),
        "logsigmoid": t.nn.functional.logsigmoid,
        "softsign": t.nn.functional.softsign,
        # Torch takes no tensors for these args; its own functions stand in tests/ops/test_activations.py.
        "leaky_relu": lambda x, slope: t.where(x > 0, x, slope * x),
        "elu": lambda x, alpha: t.where(x > 0, x, alpha * t.expm1(t.minimum(x, t.zeros_like(x)))),
        "hardtanh": lambda x, low, high: t.minimum(t.maximum(x, low), high),
        "swish": lambda x, beta: x * t.sigmoid(beta * x),
        "selu": t.nn.functional.selu,
        "relu6": t.nn.functional.relu6,
        "hard_sigmoid": lambda x: t.nn.functional.relu6(x + 3) / 6,  # hardsigmoid has 1/6 to 7 digits only
        "hard_swish": t.nn.functional.hardswish,
        "silu": t.nn.functional.silu,
        "mish": t.nn.functional.mish,
        "gelu": t.nn.functional.gelu,
        "gelu_tanh": lambda x: t.nn.functional.gelu(x, approximate="tanh"),
        "step": _as_double(lambda x: x > 0),  # asked for off the kink only
        "max": t.maximum,
        "min": t.minimum,
        "clip": lambda x, low, high: t.minimum(t.maximum(x, low), high),
        "where": lambda condition, x, y: t.where(condition != 0, x, y),
        **{name: one for module in case_modules() for name, one in module.torch_functions().items()},
    }


def _slope_of_sinc(x: Any) -> Any:
    """Away from 0."""
    return ((torch().pi * x).cos() - torch().sinc(x)) / x


def _as_double(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: function(*args).double()


# --- points where a row is smooth ---------------------------------------------------------------

MARGIN = 0.05  # how far from a kink and from the edge of the domain


def points(op: Op, count: int, margin: float = MARGIN) -> list[tuple[float, ...]]:
    """`count` points at which every guard of the row holds with a margin."""
    rng = np.random.default_rng(list(op.name.encode()))
    draws = rng.uniform(-4, 4, (len(op.args), 4000))
    for position in range(len(op.args)):
        if (op.name, position) in CHOICES:
            draws[position] = draws[position] > 0
    good = guards_hold(op, list(draws), margin)
    found = [tuple(map(float, point)) for point in draws.T[good][:count]]
    assert len(found) == count, f"{op.name}: the guards leave too few of 4000 points"
    return found


def guards_hold(op: Op, args: Sequence[Any], margin: float) -> Any:
    """Where every guard of an elementwise op holds with a margin, for arrays of points."""
    args = np.broadcast_arrays(*map(np.atleast_1d, args))
    held = np.ones(args[0].shape, dtype=bool)
    for kind, found in guard_values(op, args):
        held &= (found if kind in ("positive", "nonnegative") else np.abs(found)) > margin
    return held


def guard_values(op: Op, args: Sequence[Any]) -> list[tuple[str, Any]]:
    """Each guard of an elementwise op: its kind and its value at every point of the arrays."""
    graph = Graph()
    inputs = [graph.input() for _ in args]
    guards = list(op.guards(*inputs))
    nodes = [graph.lift(guard.of(*inputs)).id for guard in guards]
    args = np.broadcast_arrays(*map(np.atleast_1d, args))
    given = {one.id: arg for one, arg in zip(inputs, args, strict=True)}
    found = run(graph, given, nodes, batch=True)
    return [
        (guard.kind, np.broadcast_to(found[node], args[0].shape))
        for guard, node in zip(guards, nodes, strict=True)
    ]
