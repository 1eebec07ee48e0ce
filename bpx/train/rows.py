"""What a training did, row by row: steps, checks, batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bpx.graph.arrays import Array
from bpx.render.plain_data import norm, plain_value

LARGEST_LISTED = 6  # elements of a parameter that is listed in full


class Change(NamedTuple):
    """What one step did to one parameter: `new` = `value` + `update`."""

    value: Array
    gradient: Array
    update: Array
    new: Array


class ShownStep(NamedTuple):
    """A step in full; `step` counts from 1, `loss` is that before it.

    `rows` are those of the batch, counted from 0; None where the step was on all data. `formulas` say how the
    update came from the gradient at this `rate`, and `quantities` what each computed on the way: name →
    parameter → array.
    """

    step: int
    loss: float
    changes: Mapping[str, Change]
    rows: tuple[int, ...] | None = None
    rate: float = 0.0
    quantities: Mapping[str, Mapping[str, Array]] = {}
    formulas: tuple[str, ...] = ()

    def of(self, name: str) -> dict[str, Array]:
        """All arrays of a parameter, in the order in which they are computed."""
        value, gradient, update, new = self.changes[name]
        between = {key: arrays[name] for key, arrays in self.quantities.items()}
        return {"value": value, "gradient": gradient, **between, "update": update, "new": new}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "step": self.step,
            "loss": plain_value(self.loss),
            "rate": plain_value(self.rate),
            "rows": None if self.rows is None else list(self.rows),
            "formulas": list(self.formulas),
            "parameters": {name: measured(**self.of(name)) for name in self.changes},
        }


class Checked(NamedTuple):
    """What differences said of the gradient that was in use after `step` steps, and of its worst entry."""

    step: int
    verdict: str
    entries: int
    entry: str
    claimed: float
    reference: float
    error: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        numbers = {key: plain_value(getattr(self, key)) for key in ("claimed", "reference", "error")}
        return {**self._asdict(), **numbers}


class Batching(NamedTuple):
    """Batches of `size` of the `examples`, which the inputs hold."""

    size: int
    examples: int
    inputs: tuple[str, ...]
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**self._asdict(), "inputs": list(self.inputs)}


def measured(**values: Array) -> dict[str, Any]:
    """Arrays as plain data, large ones with their norms."""
    plain = {key: plain_value(value) for key, value in values.items()}
    norms = {
        f"{key}_norm": plain_value(norm(value))
        for key, value in values.items()
        if value.size > LARGEST_LISTED
    }
    return {**plain, **norms}
