"""What happens when a function of NumPy meets handles: NumPy computes, the tape notes which op that was.

Nothing is guessed: a function that no table names is refused at the user's line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from bpx.graph.graph import OPS, Expr, Op
from bpx.spec.trace.moves import assembled
from bpx.spec.trace.numpy_functions import CHOICES, MOVES, NODES, ORDERED, PARTS
from bpx.spec.trace.tape import Handle, Tape, is_traced, plain, plain_index
from bpx.spec.trace.ufuncs import ACCUMULATIONS, REDUCTIONS, UFUNC_CHOICES, UFUNCS

METHODS: Mapping[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in [
            *["all", "any", "argmax", "argmin", "argpartition", "argsort", "clip", "compress", "copy"],
            *["cumprod", "cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ravel"],
            *["repeat", "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var"],
        ]
    },
    "conj": np.positive,
    "conjugate": np.positive,
}


def call(tape: Tape, function: Callable[..., Any], args: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    """What `function(*args, **settings)` returns, as handles."""
    settings = {name: value for name, value in settings.items() if value is not np._NoValue}
    out = settings.pop("out", None)
    if isinstance(function, np.ufunc):
        return call_ufunc(tape, function, "__call__", args, settings)
    if function in PARTS:
        result = PARTS[function](*args, **settings)
    else:
        result = _called(tape, function, args, settings)
    if out is None:
        return result
    _into(tape, out, result)
    return out


def _called(
    tape: Tape, function: Callable[..., Any], args: Sequence[Any], settings: Mapping[str, Any]
) -> Any:
    if function in ORDERED:
        return ORDERED[function](tape, *args, **settings)
    value = function(*plain(tuple(args)), **{name: plain(item) for name, item in settings.items()})
    if function in CHOICES or (function is np.where and len(args) == 1):
        for arg in _handles((*args, *settings.values())):
            arg.chosen()
        return value
    if not any(arg.node is not None for arg in _handles((*args, *settings.values()))):
        return _wrapped(tape, value)
    if function in MOVES:
        return _by_place(tape, function, value, args, settings)
    if function not in NODES:
        tape.refuse("trace-function", "use-other-functions", name=name_of(function))
    build = partial(_built, tape, NODES[function], args, settings)
    return tape.handle(np.asarray(value), tape.record(build, value), scalar=isinstance(value, np.generic))


def _built(tape: Tape, rule: Callable[..., Expr], args: Sequence[Any], settings: Mapping[str, Any]) -> Expr:
    lifted_settings = {name: lifted(tape, value) for name, value in settings.items()}
    return rule(*(lifted(tape, arg) for arg in args), **lifted_settings)


def lifted(tape: Tape, arg: Any) -> Any:
    """A handle as its node, numbers and arrays as constants; anything else as it is."""
    if is_traced(arg):
        return tape.constant(arg.value) if arg.node is None else arg.node
    if isinstance(arg, np.ndarray | np.generic) and arg.dtype.kind in "fiub":
        return tape.constant(arg)
    return arg


def name_of(function: Callable[..., Any]) -> str:
    """`np.linalg.eig`, as people write it."""
    module = (getattr(function, "__module__", "") or "").replace("numpy", "np", 1)
    return f"{module}.{getattr(function, '__name__', function)}".lstrip(".")


def _handles(args: Any) -> list[Handle]:
    """The handles among args, in lists and tuples too."""
    found: list[Handle] = []
    for arg in args:
        if is_traced(arg):
            found.append(arg)
        elif type(arg) is list or type(arg) is tuple:
            found += _handles(arg)
    return found


def _wrapped(tape: Tape, value: Any) -> Any:
    """What no input reaches, as handles that may be written into."""
    if isinstance(value, tuple | list):
        kind: Any = type(value)
        parts = [_wrapped(tape, item) for item in value]
        return kind(*parts) if hasattr(value, "_fields") else kind(parts)
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return tape.handle(value, None)
    return value


# --- functions that only move elements ----------------------------------------------------------


def _by_place(
    tape: Tape, function: Callable[..., Any], value: Any, args: Sequence[Any], settings: Mapping[str, Any]
) -> Any:
    """Let the function move numbers of places in place of the elements, and see where each goes.

    Place 0 is for what the function fills in itself: zeros.
    """
    sources: dict[int, Any] = {0: np.zeros(())}
    starts = [0]
    places = _places((*args,), sources, starts)
    moved = function(*places, **settings)
    if isinstance(value, list | tuple):
        return type(value)(
            _moved(tape, part, at, sources, starts) for part, at in zip(value, moved, strict=True)
        )
    return _moved(tape, value, moved, sources, starts)


def _places(args: Any, sources: dict[int, Any], starts: list[int]) -> Any:
    """Args with numbers of places in the place of arrays of floats and of handles."""
    return type(args)(_place(arg, sources, starts) for arg in args)


def _place(arg: Any, sources: dict[int, Any], starts: list[int]) -> Any:
    if type(arg) in (list, tuple) and _handles(arg):
        return _places(arg, sources, starts)
    if not is_traced(arg) and not (isinstance(arg, np.ndarray) and arg.dtype.kind == "f"):
        return arg
    start = starts[-1] + (sources_size(sources[len(sources) - 1]))
    sources[len(sources)] = arg
    starts.append(start)
    return np.arange(start, start + arg.size, dtype=np.intp).reshape(arg.shape)


def sources_size(source: Any) -> int:
    """How many elements a handle or an array has."""
    return int(source.size)


def _moved(tape: Tape, value: Any, places: Any, sources: Mapping[int, Any], starts: Sequence[int]) -> Handle:
    places = np.asarray(places)
    which = np.searchsorted(np.asarray(starts), places, side="right") - 1
    element = places - np.asarray(starts)[which]
    reached = {int(number) for number in np.unique(which)}
    array = np.asarray(value)
    traced = [number for number in reached if is_traced(sources[number]) and sources[number].node is not None]
    if not traced:
        return tape.handle(array, None)

    def build() -> Expr:
        return assembled({number: _node(tape, sources[number]) for number in reached}, which, element)

    return tape.handle(array, tape.record(build, array), scalar=isinstance(value, np.generic))


def _node(tape: Tape, source: Any) -> Expr:
    node: Expr = lifted(tape, source)
    return node


def apply_op(tape: Tape, op: Op, args: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    """What an op of bpx returns, as a handle."""
    node = tape.apply(op, [lifted(tape, arg) for arg in args], settings)
    return tape.handle(np.array(tape.value_of(node.id)), node)


def take(handle: Handle, at: Any) -> Any:
    """A part of it, `handle[at]`."""
    tape, index = handle.tape, plain_index(at)
    value = handle.value[index]
    if handle.node is None:
        return tape.handle(np.asarray(value), None, scalar=isinstance(value, np.generic))
    places = np.arange(handle.size, dtype=np.intp).reshape(handle.shape)[index]

    def build() -> Expr:
        assert handle.node is not None
        return assembled({0: handle.node}, np.zeros(np.shape(places), dtype=np.intp), np.asarray(places))

    node = tape.record(build, value)
    return tape.handle(np.asarray(value), node, scalar=isinstance(value, np.generic))


def cast(handle: Handle, dtype: np.dtype[Any]) -> Any:
    """The same numbers in another type; whole numbers made of others only choose, and are constant."""
    value = handle.value.astype(dtype)
    if handle.node is None or dtype.kind == "f":
        node = handle.node
        if node is not None:
            tape_value = value.astype(float)
            node = handle.tape.record(lambda: _same(handle.node), tape_value)
            handle.tape.note_type(value.dtype)
        return handle.tape.handle(value, node, scalar=handle.scalar)
    if handle.value.dtype.kind == "b":
        return handle.tape.handle(value, handle.node, scalar=handle.scalar)
    handle.chosen()
    return value


def _same(node: Expr | None) -> Expr:
    assert node is not None
    return node


def joined(value: Any) -> Any:
    """Lists and tuples of handles as a handle; anything else as it is."""
    if isinstance(value, list | tuple) and not is_traced(value):
        items = [joined(item) for item in value]
        if any(map(is_traced, items)):
            return np.stack([item if is_traced(item) else np.asarray(item, dtype=float) for item in items])
    return value


# --- ufuncs -------------------------------------------------------------------------------------


def call_ufunc(
    tape: Tape, ufunc: np.ufunc, method: str, args: Sequence[Any], settings: Mapping[str, Any]
) -> Any:
    """What a ufunc, or a method of one, returns."""
    settings = {name: value for name, value in settings.items() if value is not np._NoValue}
    out = settings.pop("out", None)
    result = _ufunc_result(tape, ufunc, method, args, settings)
    if out is None:
        return result
    target = out[0] if isinstance(out, tuple) else out
    _into(tape, target, result)
    return target


def _ufunc_result(
    tape: Tape, ufunc: np.ufunc, method: str, args: Sequence[Any], settings: dict[str, Any]
) -> Any:
    if method == "at":
        return _added_at(tape, ufunc, *args)
    if method == "reduce" and ufunc in REDUCTIONS:
        return call(tape, REDUCTIONS[ufunc], args, {"axis": 0, **settings})
    if method == "accumulate" and ufunc in ACCUMULATIONS:
        return call(tape, ACCUMULATIONS[ufunc], args, {"axis": 0, **settings})
    if method == "outer":
        a, b = args
        wide = np.reshape(a, (*np.shape(a), *[1] * np.ndim(plain(b))))
        return ufunc(wide, b, **settings)
    return _called_ufunc(tape, ufunc, method, args, settings)


def _called_ufunc(
    tape: Tape, ufunc: np.ufunc, method: str, args: Sequence[Any], settings: Mapping[str, Any]
) -> Any:
    value = getattr(ufunc, method)(*plain(tuple(args)), **{n: plain(v) for n, v in settings.items()})
    if ufunc in UFUNC_CHOICES:
        for arg in _handles(args):
            arg.chosen()
        return value
    if not any(arg.node is not None for arg in _handles((*args, *settings.values()))):
        return _wrapped_number(tape, value)
    if method != "__call__" or ufunc not in UFUNCS or set(settings) - {"dtype", "casting", "axes"}:
        name = name_of(ufunc) if method == "__call__" else f"{name_of(ufunc)}.{method}"
        tape.refuse("trace-function", "use-other-functions", name=name if "." in name else f"np.{name}")
    rule = UFUNCS[ufunc]
    build = partial(
        _built, tape, partial(tape.graph.add, OPS[rule]) if isinstance(rule, str) else rule, args, {}
    )
    return tape.handle(np.asarray(value), tape.record(build, value), scalar=isinstance(value, np.generic))


def _wrapped_number(tape: Tape, value: Any) -> Any:
    if isinstance(value, np.generic):
        return tape.handle(np.asarray(value), None, scalar=True)
    return _wrapped(tape, value)


def _into(tape: Tape, target: Any, result: Any) -> None:
    """Write a result where `out=` says."""
    if not is_traced(target):
        tape.refuse("trace-into-array", "trace-into-array")
    target.write(..., result)


def _added_at(tape: Tape, ufunc: np.ufunc, target: Any, at: Any, value: Any = None) -> None:
    """`np.add.at(target, at, value)`: what is added to one place twice counts twice."""
    if not is_traced(target) or ufunc not in (np.add, np.subtract):
        tape.refuse(
            "trace-into-array" if not is_traced(target) else "trace-function",
            "trace-into-array",
            name=f"np.{ufunc.__name__}.at",
        )
    index = plain_index(at)
    places = np.arange(target.size).reshape(target.shape)[index]
    before = target.copy()
    added = (
        np.broadcast_to(value, places.shape)
        if is_traced(value)
        else np.broadcast_to(np.asarray(value, dtype=float), places.shape)
    )
    total = np.zeros(target.size)
    np.add.at(total, places.reshape(-1), np.asarray(plain(added), dtype=float).reshape(-1))
    total = total.reshape(target.shape)
    if is_traced(added) and added.node is not None:

        def build() -> Expr:
            flat = tape.graph.add(OPS["reshape"], added.node, shape=(added.size,))
            scattered = tape.graph.add(OPS["scatter"], flat, places.reshape(-1), n=target.size)
            return tape.graph.add(OPS["reshape"], scattered, shape=target.shape)

        total = tape.handle(total, tape.record(build, total))
    target.write(..., before + total if ufunc is np.add else before - total)
