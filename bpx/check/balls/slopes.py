"""How fast a number moves by each of many coordinates, so that one run of a program gives all derivatives.

For every coordinate the arithmetic is, operation by operation, that of a run in which it moves alone: a
coordinate that is not listed does not move the number, as None says in such a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Apart(ArithmeticError):
    """The coordinates have to be looked at one by one."""


class Slopes:
    """The slopes of a number, by coordinate, in place of one slope."""

    __slots__ = ("by",)

    def __init__(self, by: Mapping[Any, Any]) -> None:
        self.by = by

    def __add__(self, other: Slopes) -> Slopes:
        left, right = self.by, other.by
        both = {key: slope + right[key] if key in right else slope for key, slope in left.items()}
        return Slopes({**both, **{key: slope for key, slope in right.items() if key not in left}})

    def __mul__(self, factor: Any) -> Slopes:
        return Slopes({key: slope * factor for key, slope in self.by.items()})

    def __rmul__(self, factor: Any) -> Slopes:
        return Slopes({key: factor * slope for key, slope in self.by.items()})

    def __truediv__(self, divisor: Any) -> Slopes:
        return Slopes({key: slope / divisor for key, slope in self.by.items()})

    def __neg__(self) -> Slopes:
        return Slopes({key: -slope for key, slope in self.by.items()})

    def str(self, digits: int) -> str:
        """As text, by coordinate."""
        return ", ".join(f"{key}: {slope.str(digits)}" for key, slope in self.by.items())

    def is_finite(self) -> bool:
        """True. Raises `Apart` where one is not: the number is undefined for that coordinate alone."""
        if not all(slope.is_finite() for slope in self.by.values()):
            raise Apart
        return True
