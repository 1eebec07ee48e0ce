"""What happens when a function of NumPy meets handles: NumPy computes, the tape notes which op that was.

Nothing is guessed: a function that no table names is refused at the user's line, and so is a value that
our way to compute it does not give.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

import numpy as np

from bpx.graph.graph import Expr
from bpx.spec.trace.buffers import WRITES
from bpx.spec.trace.by_place import moved_by, node_of
from bpx.spec.trace.compositions import PARTS, UFUNC_PARTS, log_sum_exp
from bpx.spec.trace.ordered import running_extreme
from bpx.spec.trace.refusals import name_of, refuse_function, refuse_setting
from bpx.spec.trace.rules.building import OtherSetting, Rule, add
from bpx.spec.trace.rules.tables import CHOICES, FACTS, MOVES, NODES
from bpx.spec.trace.rules.ufuncs import UFUNC_CHOICES, rule_of
from bpx.spec.trace.tape import Handle, Tape, agree, is_traced, plain, plain_index

METHODS: Mapping[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in [
            *["all", "any", "argmax", "argmin", "argpartition", "argsort", "choose"],
            *[
                "cumprod",
                "cumsum",
                "diagonal",
                "dot",
                "max",
                "mean",
                "min",
                "nonzero",
                "prod",
                "put",
                "ravel",
            ],
            *["repeat", "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var"],
        ]
    },
    "conj": np.positive,
    "conjugate": np.positive,
    "compress": lambda a, condition, axis=None: np.compress(condition, a, axis),
}
# Functions whose arg is a list of arrays, which is not one array.
_OF_LISTS = (np.linalg.multi_dot, np.piecewise)


class Call(NamedTuple):
    """A function and what it is called with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    settings: dict[str, Any]

    @classmethod
    def of(cls, function: Callable[..., Any], args: Sequence[Any], settings: Mapping[str, Any]) -> Call:
        """A call without the settings that NumPy's methods pass for what was left out."""
        return cls(function, tuple(args), {n: v for n, v in settings.items() if v is not np._NoValue})

    def plainly(self) -> Any:
        """What it returns for plain arrays."""
        settings = {name: plain(value) for name, value in self.settings.items()}
        return self.function(*plain(self.args), **settings)

    @property
    def handles(self) -> list[Handle]:
        """The handles among the args."""
        return handles_in((*self.args, *self.settings.values()))

    @property
    def traced(self) -> bool:
        """Whether an input reaches any of the args."""
        return any(handle.node is not None for handle in self.handles)

    def joined(self) -> Call:
        """The same, with lists of handles as one handle each."""
        settings = {name: joined(value) for name, value in self.settings.items()}
        return self._replace(args=tuple(map(joined, self.args)), settings=settings)


def handles_in(args: Any) -> list[Handle]:
    """The handles among args, in lists and tuples too."""
    handles: list[Handle] = []
    for arg in args:
        if is_traced(arg):
            handles.append(arg)
        elif type(arg) in (list, tuple):
            handles += handles_in(arg)
    return handles


# --- functions ----------------------------------------------------------------------------------


def call(tape: Tape, function: Callable[..., Any], args: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    """What `function(*args, **settings)` returns, as handles."""
    if isinstance(function, np.ufunc):
        return call_ufunc(tape, function, "__call__", args, settings)
    asked = Call.of(function, args, settings)
    out = asked.settings.pop("out", None)
    result = _called(tape, asked if function in _OF_LISTS or function in MOVES else asked.joined())
    if out is None:
        return result
    _into(tape, out, result)
    return out


def _called(tape: Tape, asked: Call) -> Any:
    function = asked.function
    if function in WRITES:
        return _written(tape, asked)
    if function in PARTS:
        return _composed(tape, PARTS[function], asked)
    if not getattr(function, "__module__", "").startswith("numpy"):
        return function(*asked.args, **asked.settings)  # of ours, in terms of NumPy's
    if function in NODES and {"where", "initial"} & asked.settings.keys():
        return _composed(
            tape, lambda *args, **settings: _reduced(tape, Call(function, args, settings)), asked
        )
    value = asked.plainly()
    if function in FACTS:
        return value
    if function in CHOICES or (function is np.where and len(asked.args) == 1):
        return _choice(asked, value)
    if value is None or not asked.traced:
        return wrapped(tape, value)  # None: it saves or prints
    refuse_other_numbers(tape, value, asked)
    if function in MOVES:
        return moved_by(tape, function, value, asked.args, asked.settings)
    if function not in NODES:
        refuse_function(tape, function)
    return _noted(tape, NODES[function], asked, value)


def _choice(asked: Call, value: Any) -> Any:
    for handle in asked.handles:
        handle.chosen()
    return value


def _noted(tape: Tape, rule: Rule, asked: Call, value: Any) -> Handle:
    """A handle on the value of one op, or of a formula of ops."""
    settings = {name: lifted(tape, item) for name, item in asked.settings.items()}
    args = [lifted(tape, arg) for arg in asked.args]
    _check_settings(tape, rule, asked, args, settings)
    node = tape.record(partial(rule, *args, **settings), value)
    return tape.handle(np.asarray(value), node, scalar=isinstance(value, np.generic))


def _check_settings(
    tape: Tape, rule: Rule, asked: Call, args: Sequence[Any], settings: Mapping[str, Any]
) -> None:
    """Refuse settings that a rule does not know, by their names."""
    if not settings:
        return
    parameters = inspect.signature(rule).parameters
    for name in settings:
        if name not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            refuse_setting(tape, asked.function, name)


def lifted(tape: Tape, arg: Any) -> Any:
    """A handle as its node; anything else as it is."""
    return node_of(tape, arg) if is_traced(arg) else arg


def wrapped(tape: Tape, value: Any) -> Any:
    """What no input reaches, as handles that may be written into."""
    if isinstance(value, tuple | list):
        kind: Any = type(value)
        parts = [wrapped(tape, item) for item in value]
        return kind(*parts) if hasattr(value, "_fields") else kind(parts)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        return tape.handle(np.asarray(value), None, scalar=isinstance(value, np.generic))
    return value


def refuse_other_numbers(tape: Tape, value: Any, asked: Call) -> None:
    """Refuse complex numbers, objects, and whole numbers that were cut off."""
    values = value if isinstance(value, tuple | list) else [value]
    kinds = {np.asarray(item).dtype.kind for item in values}
    if "c" in kinds:
        tape.refuse("trace-complex", "trace-complex")
    if "O" in kinds:
        tape.refuse("trace-objects", "trace-objects")
    cut = np.dtype(asked.settings.get("dtype") or float).kind in "iub"
    if cut and any(handle.value.dtype.kind == "f" for handle in asked.handles):
        tape.refuse("trace-whole", "trace-whole")


# --- functions made of others ---------------------------------------------------------------------


def _composed(tape: Tape, parts: Callable[..., Any], asked: Call) -> Any:
    """By other functions of NumPy, compared with what the function itself returns."""
    value = asked.plainly()
    if asked.traced:
        refuse_other_numbers(tape, value, asked)
    try:
        result = parts(*asked.args, **asked.settings)
    except TypeError as error:
        _refuse_unknown(tape, parts, asked, error)
    _compare(tape, asked, value, result)
    return result


def _refuse_unknown(tape: Tape, parts: Callable[..., Any], asked: Call, error: TypeError) -> NoReturn:
    """Refuse a setting that our way does not know; any other error tells what it does not take."""
    if isinstance(error, OtherSetting):
        refuse_setting(tape, asked.function, str(error))
    parameters = inspect.signature(parts).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        for name in asked.settings:
            if name not in parameters:
                refuse_setting(tape, asked.function, name)
    tape.refuse("trace-case", "use-other-functions", name=name_of(asked.function), reason=str(error))


def _compare(tape: Tape, asked: Call, value: Any, result: Any) -> None:
    """Refuse a result that is not what NumPy returned."""
    if np.empty_like is asked.function:
        return
    values, results = [part if isinstance(part, tuple | list) else [part] for part in (value, result)]
    inputs = [handle.value for handle in asked.handles]
    for ours, numpys in zip(results, values, strict=True):
        ours, numpys = np.asarray(plain(ours)), np.asarray(numpys)
        if ours.shape != numpys.shape or not agree(ours, numpys, inputs, tape.tolerance):
            tape.refuse("trace-other-value", "report-trace", name=name_of(asked.function))


def _written(tape: Tape, asked: Call) -> None:
    """Functions that write into their first arg."""
    if not is_traced(asked.args[0]):
        tape.refuse("trace-into-array", "trace-into-array")
    WRITES[asked.function](*asked.args, **asked.settings)


def _reduced(tape: Tape, asked: Call) -> Any:
    """`np.sum(x, where=mask, initial=1.0)`, whose settings no op has."""
    settings, function = dict(asked.settings), asked.function
    mask, first = settings.pop("where", True), settings.pop("initial", None)
    name = getattr(function, "__name__", "")
    nothing = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf}.get(name)
    merge = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}.get(name)
    if nothing is None or (first is not None and merge is None):
        refuse_setting(tape, function, "where" if nothing is None else "initial")
    x, *others = asked.args
    if mask is not True:
        x = np.where(mask, x, nothing)
    if name == "mean":
        counted = np.broadcast_to(plain(mask), np.shape(plain(x)))
        return np.sum(x, *others, **settings) / np.sum(counted, *others, **settings)
    result = function(x, *others, **settings)
    return result if merge is None or first is None else merge(result, first)


# --- values in other forms ------------------------------------------------------------------------


def cast(handle: Handle, dtype: np.dtype[Any]) -> Any:
    """The same numbers in another type; whole numbers made of others only choose, and are constant."""
    tape, node, value = handle.tape, handle.node, handle.value.astype(dtype)
    if value.dtype.kind not in "fiub":
        tape.refuse(*(["trace-complex"] * 2 if value.dtype.kind == "c" else ["trace-objects"] * 2))
    if node is None or handle.value.dtype.kind == "b":
        return tape.handle(value, node, scalar=handle.scalar)
    if value.dtype.kind == "f" or handle.value.dtype.kind in "iu":
        return tape.handle(value, tape.record(lambda: node, value), scalar=handle.scalar)
    handle.chosen()
    return tape.handle(value, None, scalar=handle.scalar)


def joined(value: Any) -> Any:
    """Lists and tuples of handles as a handle; anything else as it is."""
    if type(value) not in (list, tuple) or not handles_in(value):
        return value
    parts = [joined(item) for item in value]
    arrays = [part if is_traced(part) else np.asarray(part) for part in parts]
    if any(array.dtype.kind not in "fiub" for array in arrays):
        handles_in(value)[0].tape.refuse("trace-objects", "trace-objects")
    return np.stack(arrays)


# --- ufuncs -------------------------------------------------------------------------------------


def call_ufunc(
    tape: Tape, ufunc: np.ufunc, method: str, args: Sequence[Any], settings: Mapping[str, Any]
) -> Any:
    """What a ufunc, or a method of one, returns."""
    asked = Call.of(ufunc if method == "__call__" else getattr(ufunc, method), args, settings)
    out = asked.settings.pop("out", None)
    target = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    where = asked.settings.pop("where", True) if method == "__call__" else True
    if where is not True and target is None:
        tape.refuse("trace-where", "trace-where", name=name_of(ufunc))
    # The indices of `at` are a tuple that is not one array.
    result = _ufunc_result(tape, ufunc, method, asked if method == "at" else asked.joined())
    if target is None:
        return result
    _into(tape, target, result if where is True else np.where(where, result, target))
    return target


def _ufunc_result(tape: Tape, ufunc: np.ufunc, method: str, asked: Call) -> Any:
    if method == "at":
        return _added_at(tape, ufunc, *asked.args)
    if method == "reduce" and ufunc in _REDUCTIONS:
        return call(tape, _REDUCTIONS[ufunc], asked.args, {"axis": 0, **asked.settings})
    if method == "accumulate" and ufunc in _ACCUMULATIONS:
        return _ACCUMULATIONS[ufunc](*asked.args, **{"axis": 0, **asked.settings})
    if method == "outer":
        a, b = asked.args
        wide = np.reshape(a, (*np.shape(plain(a)), *[1] * np.ndim(plain(b))))
        return ufunc(wide, b, **asked.settings)
    if method == "__call__" and ufunc in UFUNC_PARTS and asked.traced:
        return _composed(tape, UFUNC_PARTS[ufunc], asked)
    return _called_ufunc(tape, ufunc, method, asked)


_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
    np.logaddexp: log_sum_exp,
}
_ACCUMULATIONS: dict[Any, Callable[..., Any]] = {
    np.add: np.cumsum,
    np.multiply: np.cumprod,
    np.maximum: running_extreme(np.maximum),
    np.minimum: running_extreme(np.minimum),
}


def _called_ufunc(tape: Tape, ufunc: np.ufunc, method: str, asked: Call) -> Any:
    value = asked.plainly()
    if ufunc in UFUNC_CHOICES:
        return wrapped(tape, _choice(asked, value))
    if not asked.traced:
        return wrapped(tape, value)
    refuse_other_numbers(tape, value, asked)
    rule = rule_of(ufunc) if method == "__call__" else None
    if rule is None:
        refuse_function(tape, ufunc, method)
    settings = {name: item for name, item in asked.settings.items() if name not in ("dtype", "casting")}
    return _noted(tape, rule, asked._replace(settings=settings), value)


def _into(tape: Tape, target: Any, result: Any) -> None:
    """Write a result where `out=` says."""
    if isinstance(target, tuple):
        for part, value in zip(target, result, strict=True):
            _into(tape, part, value)
    elif is_traced(target):
        target.write(..., result)
    else:
        tape.refuse("trace-into-array", "trace-into-array")


def _added_at(tape: Tape, ufunc: np.ufunc, target: Any, at: Any, value: Any = None) -> None:
    """`np.add.at(target, at, value)`: what is added to one place twice counts twice."""
    if not is_traced(target):
        tape.refuse("trace-into-array", "trace-into-array")
    if ufunc not in (np.add, np.subtract):
        refuse_function(tape, ufunc, "at")
    places: Any = np.arange(target.size).reshape(target.shape)[plain_index(at)]
    added = np.broadcast_to(joined(value), np.shape(places))
    before, total = target.copy(), _sum_by_place(tape, added, places, target)
    target.write(..., before + total if ufunc is np.add else before - total)


def _sum_by_place(tape: Tape, added: Any, places: Any, target: Handle) -> Any:
    """For each place of the target, the sum of what goes there."""
    numbers = np.reshape(places, -1)
    total = np.zeros(target.value.size)
    np.add.at(total, numbers, np.asarray(plain(added), dtype=float).reshape(-1))
    total = total.reshape(target.value.shape)
    if not is_traced(added) or added.node is None:
        return total

    def build() -> Expr:
        row = add("reshape", added.node, shape=(len(numbers),))
        sums = add("scatter", row, numbers.astype(float), n=target.value.size)
        return add("reshape", sums, shape=target.value.shape)

    return tape.handle(total, tape.record(build, total))
