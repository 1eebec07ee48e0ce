"""Habits of backward functions which cost nothing in one call, and harm a second call or somebody else.

What the first call left is added to: a network whose weights the call itself moves is set back first; one
that has a method to clear its gradients, as layers that add up mini-batches do, is cleared first. And arrays
that a function was only handed are changed in place. Or it computes in float32, though it returns float64.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from bpx.spec.code.gradients import Found, place_of
from bpx.spec.code.leaves import Path, named
from bpx.spec.code.lines.backward_values import close
from bpx.spec.code.lines.recorder import Recorder
from bpx.spec.code.program import Program
from bpx.spec.code.traced_program import found_gradients
from bpx.words.diagnostic import Diagnostic

SHORT_FLOATS = (np.float16, np.float32)
_CHANGES = {"args": "changes-input", "upstream": "changes-upstream", "cache": "changes-cache"}
_CLEARS = (
    "zero_grad",
    "zero_grads",
    "zero_gradients",
    "clear_grads",
    "cleargrads",
    "reset_grad",
    "reset_grads",
)


def adds_up(program: Program, upstream: Any) -> list[Path]:
    """The leaves whose gradients a second call gives otherwise, at the same values."""
    runs: list[Mapping[Path, Any]] = []
    for before, result, after in program.backward_twice(upstream, _CLEARS):
        recorder = Recorder()
        runs.append(
            {
                found.leaf: np.array(found.value)
                for found in found_gradients(program, before, result, after, recorder, upstream)
            }
        )
    first, second = runs
    return [leaf for leaf, value in first.items() if leaf in second and not close(second[leaf], value)]


def changes(program: Program, upstream: Any, gradients: Collection[Found]) -> Iterator[Diagnostic]:
    """A note on every array of somebody else's that forward or backward changes.

    Not meant are weights that a step of training moves, and arrays that gradients are left in.
    """
    places = {found.place for found in gradients}
    stepped = {found.leaf for found in gradients if found.place.startswith("step")}
    for function, paths in program.changed_arrays(upstream):
        noted: set[str] = set()
        for path in paths:
            kind, name = str(path[0]), named({path: None})[0].name
            meant = kind == "args" and program.world.leaf(path) in stepped
            if meant or f"left {place_of(path)}" in places:
                continue
            note = Diagnostic(_CHANGES[kind], None, {"function": function, "name": name}, None, "warning")
            if kind == "cache":  # its arrays have no names that are sure
                note = note._replace(facts={"function": function}, severity="note")
            if note.message not in noted:
                noted.add(note.message)
                yield note


def short_roundoff(recorder: Recorder, roundoff: float) -> float:
    """The epsilon of the coarsest type that a line of backward set; at least that of the forward, `roundoff`.

    A type that the code only names may be meant for something else.
    """
    dtypes = (getattr(setting.value, "dtype", None) for setting in recorder.settings)
    types = (dtype.type for dtype in dtypes if dtype is not None)
    return max([float(np.finfo(dtype).eps) for dtype in types if dtype in SHORT_FLOATS] + [roundoff])
