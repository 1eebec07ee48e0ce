"""NumPy's functions that take arrays as a whole, sorted by what they are to a graph.

`MOVES` only move elements; `CHOICES` return whole numbers and truths, which are constant nearby; `NODES`
have an op, or a formula of ops; `ORDERED` move elements in an order that their values choose; `PARTS` are
written as other functions of NumPy, on handles. What is in no table is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.graph import OPS, Expr
from bpx.spec.trace.moves import moved
from bpx.spec.trace.tape import Handle, Tape, is_traced, plain


def _add(name: str, *args: Any, **settings: Any) -> Expr:
    graph = next(arg.graph for arg in args if isinstance(arg, Expr))
    return graph.add(OPS[name], *args, **settings)


def _axis(axis: Any) -> Any:
    """An axis, or several, as plain integers."""
    if axis is None:
        return None
    return [int(item) for item in axis] if isinstance(axis, tuple | list) else int(axis)


# --- tables ---------------------------------------------------------------------------------------


def _functions(*names: str) -> frozenset[Any]:
    """Functions of NumPy by name, of whatever version."""
    found = set()
    for name in names:
        function: Any = np
        for part in name.split("."):
            function = getattr(function, part, None)
        if function is not None:
            found.add(function)
    return frozenset(found)


MOVES = _functions(
    *[
        "reshape",
        "ravel",
        "transpose",
        "swapaxes",
        "moveaxis",
        "rollaxis",
        "permute_dims",
        "matrix_transpose",
    ],
    *["squeeze", "expand_dims", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_to", "broadcast_arrays"],
    *["flip", "fliplr", "flipud", "rot90", "roll", "repeat", "tile", "take", "take_along_axis", "resize"],
    *["diagonal", "diag", "diagflat", "compress", "extract", "delete", "insert", "append", "tril", "triu"],
    *["concatenate", "concat", "stack", "vstack", "hstack", "dstack", "column_stack", "row_stack", "block"],
    *["split", "array_split", "hsplit", "vsplit", "dsplit", "unstack", "copy", "meshgrid", "trim_zeros"],
    *["lib.stride_tricks.sliding_window_view", "linalg.diagonal", "linalg.matrix_transpose"],
) - _functions("trim_zeros")

CHOICES = _functions(
    *["argmax", "argmin", "argsort", "argwhere", "argpartition", "nonzero", "flatnonzero", "count_nonzero"],
    *[
        "all",
        "any",
        "allclose",
        "isclose",
        "array_equal",
        "array_equiv",
        "searchsorted",
        "digitize",
        "lexsort",
    ],
    *["shape", "ndim", "size", "isposinf", "isneginf", "isreal", "iscomplex", "isrealobj", "iscomplexobj"],
    *["result_type", "can_cast", "shares_memory", "may_share_memory", "bincount", "histogram", "isin"],
    *["common_type", "min_scalar_type", "array_repr", "array_str", "array2string", "isfortran"],
    *["linalg.matrix_rank"],
) - _functions("bincount", "histogram")


# --- with an op, or a formula -----------------------------------------------------------------------


def _reduction(name: str) -> Callable[..., Expr]:
    def rule(x: Expr, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Expr:
        return _add(name, x, axis=_axis(axis), keepdims=bool(keepdims))

    return rule


def _extreme(name: str) -> Callable[..., Expr]:
    def rule(x: Expr, axis: Any = None, *, keepdims: bool = False) -> Expr:
        return _add(name, x, axis=_axis(axis), keepdims=bool(keepdims))

    return rule


def _spread_of(name: str) -> Callable[..., Expr]:
    def rule(
        x: Expr,
        axis: Any = None,
        dtype: Any = None,
        *,
        ddof: Any = 0,
        correction: Any = 0,
        keepdims: bool = False,
    ) -> Expr:
        # An axis of ddof that is no whole number would be refused by the op, as it should be.
        return _add(name, x, axis=_axis(axis), ddof=ddof or correction, keepdims=bool(keepdims))

    return rule


def _range(x: Expr, axis: Any = None, *, keepdims: bool = False) -> Expr:
    settings = {"axis": _axis(axis), "keepdims": bool(keepdims)}
    return _add("sub", _add("amax", x, **settings), _add("amin", x, **settings))


def _running(name: str) -> Callable[..., Expr]:
    def rule(x: Expr, axis: Any = None, dtype: Any = None) -> Expr:
        if axis is None and x.ndim > 1:
            x = _add("reshape", x, shape=(math.prod(x.shape),))
        return _add(name, x, axis=0 if axis is None else int(axis))

    return rule


def _clipped(x: Expr, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Expr:
    low, high = a_min if a_min is not None else min, a_max if a_max is not None else max
    if low is not None and high is not None:
        return _add("clip", x, low, high)
    if low is not None:
        return _add("max", x, low)
    return x if high is None else _add("min", x, high)


def _where(condition: Any, x: Any, y: Any) -> Expr:
    return _add("where", condition, x, y)


def _dot(a: Expr, b: Expr) -> Expr:
    a, b = _as_node(a, b), _as_node(b, a)
    if not a.ndim or not b.ndim:
        return _add("mul", a, b)
    if a.ndim <= 2 and b.ndim <= 2:
        return _add("matmul", a, b)
    return _tensordot(a, b, ([a.ndim - 1], [max(b.ndim - 2, 0)]))


def _as_node(x: Any, other: Any) -> Expr:
    """A node of the graph of `other`, where `x` is a number or a list."""
    node: Expr = x if isinstance(x, Expr) else other.graph.constant(np.asarray(x, dtype=float))
    return node


def _inner(a: Expr, b: Expr) -> Expr:
    a, b = _as_node(a, b), _as_node(b, a)
    if not a.ndim or not b.ndim:
        return _add("mul", a, b)
    return _tensordot(a, b, ([a.ndim - 1], [b.ndim - 1]))


def _vdot(a: Expr, b: Expr) -> Expr:
    return _add("matmul", _flat(_as_node(a, b)), _flat(_as_node(b, a)))


def _flat(x: Expr) -> Expr:
    return x if x.ndim == 1 else _add("reshape", x, shape=(math.prod(x.shape),))


def _outer(a: Expr, b: Expr) -> Expr:
    return _add("outer", _flat(_as_node(a, b)), _flat(_as_node(b, a)))


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Expr:
    a, b = _as_node(a, b), _as_node(b, a)
    if isinstance(axes, int):
        axes = (list(range(a.ndim - axes, a.ndim)), list(range(axes)))
    along_a, along_b = ([item] if isinstance(item, int) else list(item) for item in axes)
    letters_a, letters_b = list(_LETTERS[: a.ndim]), list(_LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(along_a, along_b, strict=True):
        letters_b[j] = letters_a[i]
    summed = {letters_a[i] for i in along_a}
    out = "".join(letter for letter in letters_a + letters_b if letter not in summed)
    return _add("einsum", a, b, subscripts=f"{''.join(letters_a)},{''.join(letters_b)}->{out}")


def _einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Expr:
    """Operands one after the other; a letter is summed as soon as nothing later needs it."""
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    parts = inputs.split(",")
    if not arrow:
        out = "".join(sorted(letter for letter in set(inputs) - {","} if inputs.count(letter) == 1))
    graph = next(operand.graph for operand in operands if isinstance(operand, Expr))
    nodes = [operand if isinstance(operand, Expr) else graph.constant(operand) for operand in operands]
    if len(nodes) == 1:
        return _summed_letters(nodes[0], parts[0], out)
    node, letters = nodes[0], parts[0]
    for i in range(1, len(nodes)):
        later = set(out).union(*parts[i + 1 :])
        both = dict.fromkeys(letters + parts[i])
        kept = out if i == len(nodes) - 1 else "".join(letter for letter in both if letter in later)
        node, letters = _add("einsum", node, nodes[i], subscripts=f"{letters},{parts[i]}->{kept}"), kept
    return node


def _summed_letters(x: Expr, letters: str, out: str) -> Expr:
    """One operand: sums along some axes, the others in the order of `out`."""
    summed = [i for i, letter in enumerate(letters) if letter not in out]
    node = _add("sum", x, axis=summed) if summed else x
    left = [letter for letter in letters if letter in out]
    order = [left.index(letter) for letter in out]
    return node if order == list(range(len(order))) else _add("transpose", node, axes=order)


def _norm(x: Expr, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Expr:
    # The op's norm of a matrix is the Frobenius norm; NumPy's order 2 of a matrix is the spectral one.
    matrix = x.ndim == 2 if axis is None else isinstance(axis, tuple) and len(axis) == 2
    if matrix and ord not in (None, "fro"):
        raise ValueError(f"ord={ord!r}")
    settings = {"axis": _axis(axis), "keepdims": bool(keepdims)}
    return _add("norm", x, ord=2 if ord in (None, "fro") else ord, **settings)


def _trace(x: Expr, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    places = np.arange(math.prod(x.shape)).reshape(x.shape)
    return _add("sum", moved(x, np.diagonal(places, offset, axis1, axis2)), axis=-1)


def _average(x: Expr, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Expr:
    settings = {"axis": _axis(axis), "keepdims": bool(keepdims)}
    if weights is None:
        return _add("mean", x, **settings)
    weights = _as_node(weights, x)
    if weights.shape != x.shape:
        shape = [length if at == axis else 1 for at, length in enumerate(x.shape)]
        weights = _add("mul", _add("reshape", weights, shape=shape), np.ones(x.shape))
    return _add("div", _add("sum", _add("mul", x, weights), **settings), _add("sum", weights, **settings))


def _rounded(x: Expr, decimals: int = 0) -> Expr:
    if not decimals:
        return _add("round", x)
    return _add("div", _add("round", _add("mul", x, 10.0**decimals)), 10.0**decimals)


def _kron(a: Any, b: Any) -> Expr:
    a, b = _as_node(a, b), _as_node(b, a)
    if a.ndim != b.ndim:
        raise ValueError(f"{a.ndim} != {b.ndim}")
    left, right = _LETTERS[: a.ndim], _LETTERS[a.ndim : 2 * a.ndim]
    mixed = "".join(x + y for x, y in zip(left, right, strict=True))
    product = _add("einsum", a, b, subscripts=f"{left},{right}->{mixed}")
    return _add("reshape", product, shape=[n * m for n, m in zip(a.shape, b.shape, strict=True)])


def _of_op(name: str) -> Callable[..., Expr]:
    return lambda *args: _add(name, *args)


def _solve(a: Any, b: Any) -> Expr:
    return _add("solve", _as_node(a, b), _as_node(b, a))


def _named(rules: Mapping[str, Callable[..., Expr]]) -> dict[Any, Callable[..., Expr]]:
    """Rules by function; functions that this NumPy does not have are left out."""
    return {function: rule for name, rule in rules.items() for function in _functions(name)}


NODES: dict[Any, Callable[..., Expr]] = _named(
    {
        "sum": _reduction("sum"),
        "mean": _reduction("mean"),
        "prod": _reduction("prod"),
        "max": _extreme("amax"),
        "min": _extreme("amin"),
        "ptp": _range,
        "var": _spread_of("var"),
        "std": _spread_of("std"),
        "cumsum": _running("cumsum"),
        "cumprod": _running("cumprod"),
        "clip": _clipped,
        "where": _where,
        "dot": _dot,
        "inner": _inner,
        "vdot": _vdot,
        "outer": _outer,
        "tensordot": _tensordot,
        "einsum": _einsum,
        "kron": _kron,
        "trace": _trace,
        "linalg.trace": _trace,
        "average": _average,
        "round": _rounded,
        "around": _rounded,
        "linalg.norm": _norm,
        "linalg.vector_norm": lambda x, *, axis=None, keepdims=False, ord=2: (
            _norm(_flat(x), ord) if axis is None else _norm(x, ord, axis, keepdims)
        ),
        "linalg.outer": _outer,
        "linalg.tensordot": lambda a, b, *, axes=2: _tensordot(a, b, axes),
        "linalg.matmul": lambda a, b: _add("matmul", _as_node(a, b), _as_node(b, a)),
        "linalg.inv": _of_op("inv"),
        "linalg.det": _of_op("det"),
        "linalg.cholesky": _of_op("cholesky"),
        "linalg.solve": _solve,
    }
)


# --- in an order that the values choose --------------------------------------------------------------


def _sorted(
    tape: Tape, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    places = np.argsort(plain(a), axis=axis, kind="stable")
    _note_choice(a)
    return np.take_along_axis(a, places, axis)


def _partitioned(
    tape: Tape, a: Any, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    places = np.argpartition(plain(a), kth, axis=axis)
    _note_choice(a)
    return np.take_along_axis(a, places, axis)


def _median(
    tape: Tape, a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    if isinstance(axis, tuple | list):
        tape.refuse("trace-function", "use-other-functions", name="np.median(axis=(…))")
    rows = np.ravel(a) if axis is None else a
    ordered = np.moveaxis(
        _sorted(tape, rows, axis=0 if axis is None else axis), 0 if axis is None else axis, 0
    )
    n = len(ordered)
    middle = ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) * 0.5
    if not keepdims:
        return middle
    shape = [1] * np.ndim(plain(a)) if axis is None else list(np.shape(plain(a)))
    if axis is not None:
        shape[axis] = 1
    return np.reshape(middle, shape)


def _note_choice(a: Any) -> None:
    if is_traced(a):
        a.chosen()


def _pad(tape: Tape, array: Any, pad_width: Any, mode: Any = "constant", **settings: Any) -> Any:
    """By numbers of places, as all that only moves; a border other than zeros is added."""
    value = settings.pop("constant_values", 0)
    if (
        settings
        or not isinstance(mode, str)
        or mode not in ("constant", "edge", "reflect", "symmetric", "wrap")
    ):
        tape.refuse("trace-function", "use-other-functions", name=f"np.pad(mode={mode!r})")
    places = np.pad(np.arange(1, array.size + 1).reshape(array.shape), pad_width, mode=mode)  # type: ignore[call-overload]
    inside = np.concatenate([np.zeros(1), np.ravel(array)])[places]
    if mode != "constant" or not np.any(value):
        return inside
    border = np.pad(np.zeros(array.shape), pad_width, constant_values=value)
    return inside + border


ORDERED: dict[Any, Callable[..., Any]] = {
    np.sort: _sorted,
    np.partition: _partitioned,
    np.median: _median,
    np.pad: _pad,
}


# --- by other functions of NumPy ---------------------------------------------------------------------


def _difference(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    parts = [part for part in (prepend, a, append) if part is not None]
    x = np.concatenate([np.atleast_1d(part) for part in parts], axis) if len(parts) > 1 else a
    for _ in range(n):
        x = np.moveaxis(x, axis, -1)
        x = np.moveaxis(x[..., 1:] - x[..., :-1], -1, axis)
    return x


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(y, axis, -1)
    width = dx if x is None else np.diff(x)
    return np.sum(width * (y[..., 1:] + y[..., :-1]) / 2.0, -1)


def _polynomial(p: Any, x: Any) -> Any:
    value = np.zeros_like(x)
    for coefficient in p:
        value = value * x + coefficient
    return value


def _zero_where_nan(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    value = np.where(np.isnan(x), nan, x)
    largest = np.finfo(np.asarray(plain(x)).dtype).max
    value = np.where(np.equal(plain(value), np.inf), largest if posinf is None else posinf, value)
    return np.where(np.equal(plain(value), -np.inf), -largest if neginf is None else neginf, value)


def _power_of_matrix(a: Any, n: int) -> Any:
    if n < 1:
        return np.linalg.inv(a) if n == -1 else np.linalg.matrix_power(plain(a), n)
    result = a
    for _ in range(n - 1):
        result = result @ a
    return result


def _slogdet(a: Any) -> Any:
    sign, log = np.linalg.slogdet(a.value)
    if a.node is None:
        return _SIGN_AND_LOGDET(sign, log)
    node = a.tape.record(lambda: _add("logdet", a.node), log)
    return _SIGN_AND_LOGDET(sign, a.tape.handle(np.asarray(log), node, scalar=True))


def _multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = np.dot(result, array)
    return result


def _copy_to(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    if where is True:
        dst[...] = src
    else:
        dst[...] = np.where(where, src, dst)


def _diagonal_filled(a: Any, val: Any, wrap: bool = False) -> None:
    places = np.arange(min(a.shape))
    a[(places,) * a.ndim] = val


def _put_along(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    grid = list(np.ogrid[tuple(slice(n) for n in np.shape(indices))])
    grid[axis] = plain(indices)
    arr[tuple(grid)] = values


def _like(value: float) -> Callable[..., Any]:
    def create(a: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None) -> Any:
        wanted = np.shape(plain(a)) if shape is None else shape
        return _buffer(a, np.full(wanted, value, dtype=plain(a).dtype if dtype is None else dtype))

    return create


def _full_like(a: Any, fill_value: Any, dtype: Any = None, **settings: Any) -> Any:
    buffer = _like(0.0)(a, dtype)
    buffer[...] = fill_value
    return buffer


def _buffer(like: Handle, array: Any) -> Handle:
    return like.tape.handle(array, None)


_SIGN_AND_LOGDET: Any = type(np.linalg.slogdet(np.eye(1)))
PARTS: dict[Any, Callable[..., Any]] = {
    np.diff: _difference,
    np.trapezoid: _trapezoid,
    np.polyval: _polynomial,
    np.nan_to_num: _zero_where_nan,
    np.linalg.matrix_power: _power_of_matrix,
    np.linalg.slogdet: _slogdet,
    np.linalg.multi_dot: _multi_dot,
    np.copyto: _copy_to,
    np.fill_diagonal: _diagonal_filled,
    np.put_along_axis: _put_along,
    np.zeros_like: _like(0.0),
    np.empty_like: _like(0.0),
    np.ones_like: _like(1.0),
    np.full_like: _full_like,
    np.ediff1d: lambda ary, to_end=None, to_begin=None: _difference(np.ravel(ary)),
}
