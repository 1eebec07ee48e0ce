"""What a training did, as plain, frozen data, and the JSON contract it fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.render.plain_data import norm, plain_value
from bpx.words.diagnostic import Diagnostic

LARGEST_LISTED = 6  # elements of a parameter that is listed in full
STEPS, TARGET, NOT_FINITE, DISAGREE = "steps", "target", "not finite", "disagree"  # why it ended


class Change(NamedTuple):
    """What one step did to one parameter: `new` = `value` + `update`."""

    value: Array
    gradient: Array
    update: Array
    new: Array


class ShownStep(NamedTuple):
    """A step in full; `step` counts from 1, `loss` is that before it.

    `rows` are those of the batch, counted from 0; None where the step was on all data.
    """

    step: int
    loss: float
    changes: Mapping[str, Change]
    rows: tuple[int, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        changes = {name: _measured(**change._asdict()) for name, change in self.changes.items()}
        rows = None if self.rows is None else list(self.rows)
        return {"step": self.step, "loss": plain_value(self.loss), "rows": rows, "parameters": changes}


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


@dataclass(frozen=True, repr=False)
class Training:
    """All that a training did.

    `spec` is the spec with its new values, those of the last step that could be taken. `history` is the
    loss at the start and after each step; with batches, that of each batch before the step it led to, while
    `first` and `last` are the loss on all examples. `problems` say why it stopped before its end, if it did.
    """

    spec: NamedGraph
    output: str
    optimizer: str
    rate: float
    settings: Mapping[str, float]
    asked: int
    taken: int
    stopped: str
    target: float | None
    batch: Batching | None
    history: tuple[float, ...]
    first: float
    last: float
    parameters: Mapping[str, tuple[Array, Array]]  # name → before, after
    shown: tuple[ShownStep, ...] = ()
    checks: tuple[Checked, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers were trained."""
        return sum(before.size for before, _ in self.parameters.values())

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        return {
            "bpx": 1,
            "kind": "training",
            "title": self.spec.title,
            "output": self.output,
            "optimizer": self.optimizer,
            "rate": self.rate,
            "settings": dict(self.settings),
            "steps": {"asked": self.asked, "taken": self.taken},
            "stopped": self.stopped,
            "target": self.target,
            "batch": self.batch.to_dict() if self.batch else None,
            "loss": {"first": plain_value(self.first), "last": plain_value(self.last)},
            "history": [plain_value(loss) for loss in self.history],
            "parameters": [
                {"name": name, "shape": list(before.shape), **_measured(before=before, after=after)}
                for name, (before, after) in self.parameters.items()
            ],
            "size": self.size,
            "shown": [one.to_dict() for one in self.shown],
            "checks": [one.to_dict() for one in self.checks],
            "diagnostics": [note.to_dict() for note in (*self.notes, *self.problems)],
        }

    def __repr__(self) -> str:
        """A short line; the history may be long."""
        return f"<bpx.Training {self.output}: {self.first} to {self.last} in {self.taken} steps>"


def _measured(**values: Array) -> dict[str, Any]:
    """Arrays as plain data, large ones with their norms."""
    plain = {key: plain_value(value) for key, value in values.items()}
    norms = {
        f"{key}_norm": plain_value(norm(value))
        for key, value in values.items()
        if value.size > LARGEST_LISTED
    }
    return {**plain, **norms}
