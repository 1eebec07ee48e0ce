"""Habits of backward functions that show only in a second call: what the first one left is added to.

A network whose weights the call itself moves is set back first; one that has a method to clear its
gradients, as layers that add up mini-batches do, is cleared first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bpx.spec.code.leaves import Path
from bpx.spec.code.lines.line_blame import close
from bpx.spec.code.lines.recorder import Recorder
from bpx.spec.code.program import Program
from bpx.spec.code.traced_program import found_gradients

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
