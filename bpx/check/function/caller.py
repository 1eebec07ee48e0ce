"""A stranger's forward and backward function, called with care.

Every call gets fresh copies of the inputs, so that a function that changes them cannot spoil the next
call; that it does so is found and noted. All inputs of floats are widened to float64. NumPy arrays of
integers are data, handed on as they are and not derived by; a Python int is a number like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import Parameter, signature
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.words.diagnostic import BpxError, Diagnostic

Values = Sequence[Any]  # one array per input


class Caller:
    """The two functions with the inputs they are to be called with.

    `values` holds one array per input; `varied` the positions of those that are derived by. Raises
    `BpxError` for inputs that are not numbers and names that do not fit.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        inputs: Sequence[Any],
        names: Sequence[str] | None,
    ) -> None:
        self.notes: list[Diagnostic] = []
        if backward is None or not callable(backward) or not callable(forward):
            raise BpxError(
                [Diagnostic("no-function", None, {"name": "backward" if callable(forward) else "forward"})]
            )
        self._forward, self._backward = forward, backward
        self.names = _names(forward, inputs, names)
        self.values = [_numbers(name, value) for name, value in zip(self.names, inputs, strict=True)]
        self.varied = [i for i, value in enumerate(self.values) if value.dtype.kind == "f"]
        self._note_types(inputs)

    def forward(self, values: Values | None = None) -> Array:
        """The output for these values, or for the inputs as given."""
        result = self._called("forward", self._forward, self.values if values is None else values)
        return _result("forward", result)

    def nearby(self, values: Values) -> Array | None:
        """The output for these values; None where the function does not take them."""
        try:
            return np.array(
                self._forward(*_handed(values)), dtype=float
            )  # a copy: it may be a buffer of forward's
        except Exception:  # a stranger's way of saying that this is outside its domain
            return None

    def backward(self, upstream: Array, values: Values | None = None) -> list[Any]:
        """What is claimed for each input: an array, of whatever shape, or None where nothing is."""
        arguments = self.values if values is None else values
        result = self._called("backward", self._backward, arguments, upstream.copy()[()])
        return [
            None if gradient is None else _result("backward", gradient) for gradient in self._unpacked(result)
        ]

    def in_multiprecision(self, values: Values) -> Any:
        """The output for objects of many digits, as an array of objects; raises what the function raises."""
        return np.asarray(self._forward(*_handed(values)), dtype=object)

    def claimed_in_multiprecision(self, upstream: Array, values: Values) -> list[Any]:
        """The claims in many digits; raises what the function raises."""
        return self._unpacked(self._backward(upstream.copy()[()], *_handed(values)))

    def _called(self, name: str, function: Callable[..., Any], values: Values, *first: Any) -> Any:
        copies = _handed(values)
        with np.errstate(all="ignore"):
            try:
                result = function(*first, *copies)
            except Exception as error:
                facts = {"function": name, "kind": type(error).__name__, "reason": str(error)}
                raise BpxError([Diagnostic("function-raised", None, facts)]) from error
        self._note_changes(name, values, copies)
        return result

    def _unpacked(self, result: Any) -> list[Any]:
        gradients = self._listed(result)
        if len(gradients) != len(self.values):
            facts = {"found": len(gradients), "wanted": len(self.values)}
            raise BpxError([Diagnostic("gradient-count", None, facts)])
        return gradients

    def _listed(self, result: Any) -> list[Any]:
        """The gradients one by one; a single input's may stand bare, be it a list of numbers."""
        if isinstance(result, tuple):
            return list(result)
        if len(self.values) == 1:
            wrapped = isinstance(result, list) and np.shape(result) == (1, *self.values[0].shape)
            return result if wrapped else [result]
        return list(result) if isinstance(result, list) or np.ndim(result) else [result]

    def _note_changes(self, name: str, values: Values, copies: Values) -> None:
        for input, before, after in zip(self.names, values, copies, strict=True):
            if not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                self._note("changes-input", {"function": name, "name": input})

    def _note_types(self, inputs: Sequence[Any]) -> None:
        for name, original, value in zip(self.names, inputs, self.values, strict=True):
            dtype = getattr(original, "dtype", value.dtype)
            if value.dtype.kind != "f":
                self._note("integer-input", {"name": name, "type": str(dtype)}, "note")
            elif dtype.kind == "f" and dtype != value.dtype:
                self._note("widened-input", {"name": name, "type": str(dtype)}, "note")

    def _note(self, code: Any, facts: dict[str, Any], severity: Any = "warning") -> None:
        note = Diagnostic(code, None, facts, severity=severity)
        if note not in self.notes:
            self.notes.append(note)


def _handed(values: Values) -> list[Any]:
    """Copies to hand over; a single number as such, not as an array of no axes."""
    return [value.copy()[()] for value in values]


def _numbers(name: str, value: Any) -> Any:
    try:
        array = np.array(value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise BpxError([Diagnostic("not-numeric", None, {"name": name, "found": str(array.dtype)})])
    data = array.dtype.kind == "b" or (
        array.dtype.kind != "f" and isinstance(value, (np.ndarray, np.generic))
    )
    return array if data else array.astype(float)


def _result(function: str, result: Any) -> Array:
    try:
        array = np.array(result)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise BpxError(
            [Diagnostic("result-not-numeric", None, {"function": function, "found": str(array.dtype)})]
        )
    return array.astype(float)


def _names(forward: Callable[..., Any], inputs: Sequence[Any], names: Sequence[str] | None) -> list[str]:
    if names is None:
        return _parameters(forward, len(inputs)) or [f"x{i}" for i in range(len(inputs))]
    names = list(names)
    if (
        len(names) != len(inputs)
        or len(set(names)) != len(names)
        or not all(isinstance(name, str) for name in names)
    ):
        raise BpxError(
            [Diagnostic("bad-names", None, {"names": ", ".join(map(str, names)), "wanted": len(inputs)})]
        )
    return names


def _parameters(forward: Callable[..., Any], count: int) -> list[str] | None:
    try:
        parameters = list(_positional(forward))
    except (TypeError, ValueError):
        return None
    return parameters[:count] if len(parameters) >= count else None


def _positional(function: Callable[..., Any]) -> Iterator[str]:
    for name, parameter in signature(function).parameters.items():
        if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
            yield name
