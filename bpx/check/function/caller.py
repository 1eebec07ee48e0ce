"""A stranger's forward and backward function, called with care.

Every call gets fresh copies of the inputs, so that a function that changes them cannot spoil the next
call; that it does so is found and noted. Before backward is called, forward is, at the same values: a
layer that keeps what backward needs would answer for the values of some earlier call otherwise. No two
calls of forward at the same values may differ: all of them are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import tee
from time import perf_counter
from typing import Any

import numpy as np

from bpx.check.function.inputs import any_array, as_inputs, as_numbers, as_result, names_of
from bpx.check.function.native_code import GuardedArray
from bpx.check.numeric.multiprecision import OperationBudget
from bpx.check.numeric.tolerances import MOST_BLACK_BOX_OPERATIONS, UNIT_ROUNDOFF
from bpx.check.tasks.lost import WorkerLost
from bpx.check.tasks.workers import Workers
from bpx.graph.arrays import Array
from bpx.words.diagnostic import BpxError, Diagnostic

Values = Sequence[Any]  # one array per input

_UPSTREAM = "g"  # what the documentation calls backward's first argument


class Caller:
    """The two functions with the inputs they are to be called with.

    `values` holds one array per input; `varied` the positions of those that are derived by; `calls`
    counts the calls of forward in float64, and `progress` is told of each. `unsteady_at` are values at
    which two calls of forward differed, None as long as none did; `lost` counts the calls whose worker died;
    `roundoff` is the unit of the coarsest type that forward returned.
    Raises `BpxError` for inputs that are not numbers and names that
    do not fit.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        inputs: Any,
        names: Sequence[str] | None,
        executor: Executor | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.notes: list[Diagnostic] = []
        if backward is None or not callable(backward) or not callable(forward):
            raise BpxError(
                [Diagnostic("no-function", None, {"name": "backward" if callable(forward) else "forward"})]
            )
        inputs = as_inputs(inputs)
        self._forward, self._backward = forward, backward
        self.functions = (forward, backward)
        self.budget = OperationBudget(MOST_BLACK_BOX_OPERATIONS)
        self.names = names_of(forward, len(inputs), names)
        self.values = [as_numbers(name, value) for name, value in zip(self.names, inputs, strict=True)]
        self.calls, self.lost, self.roundoff = 0, 0, UNIT_ROUNDOFF
        self.seconds = math.inf  # that the fastest call at the given values took
        self._progress = progress
        self._workers = None if executor is None else self._sent_to(executor)
        self.unsteady_at: list[Any] | None = None
        self._first_results: dict[int, int] = {}
        self._hashes: tuple[Any, int] = (None, 0)  # the values that were handed over last, and their hash
        self._sort_out_types(inputs)
        self.varied = [i for i, value in enumerate(self.values) if value.dtype.kind == "f"]

    # --- calls -------------------------------------------------------------------------------

    def forward(self, values: Values | None = None) -> Array:
        """The output for these values, or for the inputs as given."""
        arguments = self.values if values is None else values
        self._count()
        begin = perf_counter()
        result = self._called("forward", self._forward, arguments)
        self.seconds = min(self.seconds, perf_counter() - begin)
        output = as_result("forward", result)
        self.roundoff = max(self.roundoff, _roundoff(result))
        self._compare(arguments, output)
        return output

    def nearby(self, values: Values) -> Array | None:
        """The output for these values; None where the function does not take them."""
        self._count()
        output = _output(self._forward, values)
        self._compare(values, output)
        return output

    def nearby_each(self, points: Iterable[Values]) -> Iterator[Array | WorkerLost | None]:
        """The same for the values of several points, in order; `WorkerLost` where a worker died twice."""
        if self._workers is None:
            yield from map(self.nearby, points)
            return
        points, sent = tee(points)
        results = self._workers.results(_output, ((self._forward, values) for values in sent))
        for values, output in zip(points, results, strict=True):
            self._count()
            if isinstance(output, WorkerLost):
                self.lost += 1
            else:
                self._compare(values, output)
            yield output

    def _count(self) -> None:
        self.calls += 1
        if self._progress:
            self._progress(self.calls)

    def lost_notes(self) -> list[Diagnostic]:
        """A note on the calls that gave no result, if there are any."""
        facts = {"count": self.lost}
        return [Diagnostic("workers-lost", None, facts, severity="warning")] if self.lost else []

    def close(self) -> None:
        """End the processes that were started in place of workers that died."""
        if self._workers is not None:
            self._workers.close()

    def _sent_to(self, executor: Executor) -> Workers:
        workers = Workers(executor)
        if not workers.can_send(self._forward):
            raise BpxError([Diagnostic("not-picklable", None, {}, "picklable")])
        [elsewhere] = workers.results(_output, [(self._forward, self.values)])
        here, again = (_output(self._forward, self.values) for _ in range(2))
        if _is_output(again, here) and not _is_output(elsewhere, here):
            workers.close()
            raise BpxError([Diagnostic("other-elsewhere", None, {}, "same-elsewhere")])
        return workers

    def backward(self, upstream: Array, values: Values | None = None) -> list[Any]:
        """What is claimed for each input: an array, of whatever shape, or None where nothing is."""
        arguments = self.values if values is None else values
        self.forward(arguments)
        result = self._called("backward", self._backward, arguments, upstream)
        return [
            None if gradient is None else as_result("backward", gradient)
            for gradient in self.unpacked(result)
        ]

    def in_multiprecision(self, values: Values) -> Any:
        """The output for objects of many digits, as an array of objects; raises what the function raises."""
        with self.budget:
            return _bare(self._forward(*_guarded(values)))

    def claimed_in_multiprecision(self, upstream: Array, values: Values) -> list[Any]:
        """The claims in many digits; raises what the functions raise."""
        self.in_multiprecision(values)
        with self.budget:
            gradients = self.unpacked(self._backward(upstream.copy()[()], *_guarded(values)))
        return [None if gradient is None else _bare(gradient) for gradient in gradients]

    def _called(self, name: str, function: Callable[..., Any], values: Values, *first: Array) -> Any:
        arguments = [*first, *values]
        copies = _handed(arguments)
        with np.errstate(all="ignore"):
            try:
                result = function(*copies)
            except Exception as error:
                facts = {"function": name, "kind": type(error).__name__, "reason": str(error)}
                raise BpxError([Diagnostic("function-raised", None, facts)]) from error
        self._note_changes(name, [*([_UPSTREAM] if first else []), *self.names], arguments, copies)
        return result

    def _compare(self, values: Values, output: Array | None) -> None:
        """Note where this is not the output that the same values gave before."""
        # Hashes and not arrays: a check keeps them for all points, of which there may be 100,000.
        point = self._hashes[1] if values is self._hashes[0] else _hash(values)
        self._hashes = (values, point)
        result = hash(None if output is None else (output.shape, output.tobytes()))
        if self._first_results.setdefault(point, result) != result and self.unsteady_at is None:
            self.unsteady_at = [np.array(value) for value in values]

    # --- what backward returns ---------------------------------------------------------------

    def unpacked(self, result: Any) -> list[Any]:
        """One gradient for each input; None where nothing is claimed."""
        if result is None:
            return [None] * len(self.values)
        gradients = self._listed(result)
        if len(gradients) != len(self.values):
            facts = {"found": len(gradients), "wanted": len(self.values)}
            raise BpxError([Diagnostic("gradient-count", None, facts)])
        return gradients

    def _listed(self, result: Any) -> list[Any]:
        """The gradients one by one; a single input's may stand bare, be it a list of numbers.

        A bare array that has the shape of an input is its gradient: no stack of several has that.
        """
        if isinstance(result, tuple):
            return list(result)
        if len(self.values) == 1:
            if not isinstance(result, list):
                return [result]
            shape = any_array(result).shape  # () of a list that cannot be read as numbers
            wrapped = len(result) == 1 and (result[0] is None or shape in ((), (1, *self.values[0].shape)))
            return result if wrapped else [result]
        shapes = [value.shape for value in self.values]
        if isinstance(result, np.ndarray) and result.ndim and result.shape in shapes:
            own = shapes.index(result.shape)
            return [result if i == own else None for i in range(len(shapes))]
        return list(result) if isinstance(result, list) or np.ndim(result) else [result]

    # --- types -------------------------------------------------------------------------------

    def _sort_out_types(self, inputs: Sequence[Any]) -> None:
        """Are integers numbers to derive by, or indices? They are numbers where a gradient is claimed."""
        whole = [i for i, value in enumerate(self.values) if value.dtype.kind != "f"]
        claims = self.backward(np.ones_like(self.forward())) if whole else []
        for i in whole:
            self._sort_out_whole(i, claims[i])
        for name, original, value in zip(self.names, inputs, self.values, strict=True):
            dtype = getattr(original, "dtype", value.dtype)
            if value.dtype.kind == "f" and dtype != value.dtype:
                self._note("widened-input", {"name": name, "type": str(dtype)}, "note")

    def _sort_out_whole(self, i: int, claim: Array | None) -> None:
        """Widen the input, if something is claimed of it, or leave it as data."""
        value, facts = self.values[i], {"name": self.names[i], "type": str(self.values[i].dtype)}
        claimed = claim is not None and claim.any()
        if claimed and value.dtype.kind == "b":
            raise BpxError([Diagnostic("flags-claimed", None, facts, "pass-floats-or-none")])
        widened = [*self.values]
        widened[i] = value.astype(float)
        if claim is not None and value.dtype.kind != "b" and self.nearby(widened) is not None:
            self.values = widened
        elif claimed:
            raise BpxError([Diagnostic("integers-claimed", None, facts, "pass-floats-or-none")])
        else:
            self._note("integer-input", facts, "note")

    # --- notes -------------------------------------------------------------------------------

    def _note_changes(self, function: str, names: Sequence[str], values: Values, copies: Values) -> None:
        for name, before, after in zip(names, values, copies, strict=True):
            if not _is_same(before, after):
                code = "changes-upstream" if name not in self.names else "changes-input"
                self._note(code, {"function": function, "name": name})

    def _note(self, code: Any, facts: dict[str, Any], severity: Any = "warning") -> None:
        note = Diagnostic(code, None, facts, severity=severity)
        if note not in self.notes:
            self.notes.append(note)


def _hash(values: Values) -> int:
    return hash(tuple([value.tobytes() for value in values]))


def _output(forward: Callable[..., Any], values: Values) -> Array | None:
    """The output for these values; None where the function does not take them."""
    try:
        with np.errstate(all="ignore"):
            return np.array(forward(*_handed(values)), dtype=float)  # may be a buffer of forward's
    except Exception:  # a stranger's way of saying that this is outside its domain
        return None


def _is_output(result: Array | WorkerLost | None, output: Array | None) -> bool:
    """Is it this output, to the last bit? Of a worker that died nothing is known."""
    if result is None or output is None:
        return result is output
    return isinstance(result, WorkerLost) or np.array_equal(result, output, equal_nan=True)


def _roundoff(result: Any) -> float:
    """The largest relative error of one rounding in the type of a result."""
    dtype = getattr(result, "dtype", None)
    return float(np.finfo(dtype).eps) / 2 if isinstance(dtype, np.dtype) and dtype.kind == "f" else 0.0


def _handed(values: Values) -> list[Any]:
    """Copies to hand over; a single number as such, not as an array of no axes."""
    return [value.copy()[()] for value in values]


def _is_same(before: Array, after: Any) -> bool:
    """Does an array hold what it held before? A number that was handed over as such cannot have changed."""
    if not isinstance(after, np.ndarray) or (before.shape == after.shape and (before == after).all()):
        return True
    return bool(np.array_equal(before, after, equal_nan=before.dtype.kind == "f"))


def _bare(result: Any) -> Any:
    """An array of objects without arrays in it: a sum of guarded objects is an array of no axes."""
    array = np.array(result, dtype=object)
    for index, element in np.ndenumerate(array):
        if isinstance(element, np.ndarray) and not element.ndim:
            array[index] = element.item()
    return array


def _guarded(values: Values) -> list[Any]:
    """Copies that hand out no address of the objects in them."""
    copies = (value.copy() for value in values)
    return [(copy.view(GuardedArray) if copy.dtype == object else copy)[()] for copy in copies]
