"""What nodes are described by: arrays, shapes and settings, their limits, and shapes that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


Array: TypeAlias = "NDArray[np.float64]"
Shape = tuple[int, ...]
Settings = dict[str, Any]
Number = float | int

# Elements; a spec is data and must not be able to eat the memory.
LARGEST_NODE = 2**26
MOST_AXES = 32
LARGEST_GRAPH = 2**27  # of all nodes together, reverse pass and all


class ShapeError(ValueError):
    """Args whose shapes do not fit the op; `shapes` are the args' shapes.

    `inside` is what went wrong among the simpler ops that a composite one is made of.
    """

    def __init__(
        self, op: str, shapes: Sequence[Shape], reason: str = "", inside: ShapeError | None = None
    ) -> None:
        self.op, self.shapes, self.reason, self.inside = op, tuple(shapes), reason, inside
        super().__init__(f"{op}: shapes {', '.join(map(str, shapes))} do not fit {reason}".rstrip())

    @property
    def is_too_large(self) -> bool:
        """Is it the size that is refused, and not the fit?"""
        return self.reason.endswith(("elements", "axes"))


def broadcast(op: str, shapes: Sequence[Shape]) -> Shape:
    """The shape NumPy broadcasting gives; raises `ShapeError` where there is none."""
    first = shapes[0]
    if all(shape == first or not shape for shape in shapes):
        return first
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(op, shapes) from None
