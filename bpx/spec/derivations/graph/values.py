"""The nodes of a derivation, and their values at points, in float64 and in many digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bpx.check.numeric.multiprecision import lifted
from bpx.check.short.proof import equal_in_digits, exact_array
from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import Expr, Graph
from bpx.graph.run import run
from bpx.passes.reverse import grad
from bpx.spec.derivations.graph.points import Point, Sheet, given_point, random_points


class Values:
    """The graph with the names of a sheet, `exprs`; `size` is that of its equations alone."""

    def __init__(self, sheet: Sheet, shapes: Mapping[str, Shape]) -> None:
        self.sheet, self.input_shapes = sheet, shapes
        self.graph = Graph()
        self.exprs: dict[str, Expr] = {name: self.graph.input(shape) for name, shape in shapes.items()}
        self.stand_ins: dict[int, tuple[list[Expr], Any]] = {}  # inputs that hold Jacobians, or parts of them
        self.size = 0

    @cached_property
    def numbers(self) -> list[Array]:
        """The numbers in the equations."""
        return [value for at, value in self.graph.constants.items() if at < self.size]

    def set_values(self) -> None:
        """Take up values of the sheet that have changed."""
        self.__dict__.pop("given", None)

    @cached_property
    def given(self) -> Point | None:
        """The values given, if all are."""
        return given_point(self.sheet, self.exprs)

    @cached_property
    def points(self) -> list[Point]:
        """Random points at which all results are finite."""
        return random_points(self.sheet, self.graph, self.exprs)

    @cached_property
    def digits(self) -> dict[int, Any]:
        """Constants in many digits, each as the fraction that is meant."""
        return {}

    @cached_property
    def held(self) -> dict[int, int]:
        """Inputs that stand for a node that is held fixed."""
        return {}

    def rows_of(self, of: Expr, node: Expr) -> list[Expr]:
        """The gradient of each element of an array."""
        seeds = np.eye(int(np.prod(of.shape))).reshape(-1, *of.shape)
        return [grad(of, [node], self.graph.constant(seed))[0] for seed in seeds]

    def stand_in(self, rows: list[Expr], shape: Shape, places: Any = ...) -> Expr:
        """An input that holds what is at `places` of the gradients of all elements."""
        stand_in = self.graph.input(shape)
        self.stand_ins[stand_in.id] = (rows, places)
        return stand_in

    def equal_in_digits(self, one: Expr, other: Expr, points: Sequence[Point]) -> bool | None:
        """Are two nodes equal at points to 50 digits? None where an op has not so many."""
        needed = self.graph.needs(of=[one.id, other.id])
        for at in needed:
            if at in self.graph.constants and at not in self.digits:
                self.digits[at] = exact_array(self.graph.constants[at])
        for point in points:
            known = {**self.digits, **{at: lifted(value) for at, value in point.items()}}
            try:
                left, right = self.values([one, other], known)
                if not equal_in_digits(np.broadcast_to(left, right.shape), right):
                    return False
            except (TypeError, ValueError, AttributeError, ArithmeticError):
                return None
        return True

    def values(
        self, exprs: Sequence[Expr], point: Point, printed: Mapping[int, Array] | None = None
    ) -> list[Array]:
        """The values of nodes at a point; those `printed` are taken as they are."""
        wanted = [expr.id for expr in exprs]
        known = {**point, **(printed or {})}
        needed = set(self.graph.needs(of=wanted))
        stand_ins = {at: self.stand_ins[at] for at in needed if at in self.stand_ins}
        if stand_ins:
            rows = run(self.graph, point, [row.id for inner, _ in stand_ins.values() for row in inner])
            for at, (inner, places) in stand_ins.items():
                known[at] = np.array([rows[row.id] for row in inner])[places]
        held = {at: node for at, node in self.held.items() if at in needed}
        if held:
            true = run(self.graph, point, list(held.values()))
            known |= {at: true[node] for at, node in held.items()}
        values = run(self.graph, known, wanted)
        return [values[node] for node in wanted]
