"""The rule of one structural node as a function of numbers.

The rule of such an op builds nodes for a whole contribution (∂out/∂arg applied to an upstream gradient) and
never shows its Jacobian; so it is built once on placeholders, in a graph of its own, and run there on
whatever numbers the check needs: those met, absolute values, ones, many digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Shape, any_nonzero
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.run import run
from bpx.passes.reverse import pullback


class RuleOnPlaceholders(NamedTuple):
    """A rule in a graph of its own: what stands for upstream, args and value, and what each arg gets."""

    scratch: Graph
    placeholders: tuple[Expr, ...]
    contributions: tuple[Expr | None, ...]


# Built once for all layers of one kind, and all points: to build one takes longer than to run it on few.
@lru_cache(maxsize=1024)
def rule_on_placeholders(
    op: Op, shapes: tuple[Shape, ...], settings: tuple[tuple[str, Any], ...]
) -> RuleOnPlaceholders:
    """The rule of an op; `shapes` are those of upstream, args and value."""
    scratch = Graph()
    placeholders = tuple(scratch.input(shape) for shape in shapes)
    upstream, *args, out = placeholders
    # A rule may be a plain number: what reaches every element alike.
    contributions = pullback(op, upstream, args, out, dict(settings))
    lifted = (None if contribution is None else scratch.lift(contribution) for contribution in contributions)
    return RuleOnPlaceholders(scratch, placeholders, tuple(lifted))


class StructuralRule:
    """The rule of a node, and the op's forward function with one arg exchanged.

    `values` holds those of the node and its args, `rounding_errors` how far rounding may have moved the args,
    each of its value's shape. `op` stands in for the node's own, where another rule is to be tried.
    """

    def __init__(
        self,
        graph: Graph,
        node: int,
        values: Mapping[int, Array],
        rounding_errors: Mapping[int, Array],
        op: Op | None = None,
    ) -> None:
        self.op, self.settings = op or graph.ops[node], graph.settings[node]
        self.args = [np.asarray(values[arg]) for arg in graph.args[node]]
        # What chooses is whole, and stays what it is: half a class number would mean nothing.
        self.arg_errors = [
            np.zeros(()) if position in self.op.chooses else rounding_errors[arg]
            for position, arg in enumerate(graph.args[node])
        ]
        self.out = np.asarray(values[node])
        shapes = (self.out.shape, *(arg.shape for arg in self.args), self.out.shape)
        self.scratch, self.placeholders, self.contributions = rule_on_placeholders(
            self.op, shapes, tuple(self.settings.items())
        )

    def sees_values(self, position: int) -> bool:
        """Does the contribution to an arg depend on any value, and not on the upstream gradient alone?"""
        contribution = self.contributions[position]
        if len(self.args) > 1 or contribution is None:
            return True
        by = [placeholder.id for placeholder in self.placeholders[1:]]
        return bool(self.scratch.touched(by=by, upto=contribution.id)[contribution.id])

    def __call__(self, position: int, upstream: Array) -> Array:
        """The contribution to the arg at `position`, for an upstream gradient of the node's shape.

        It may be thinner than the arg, and of a wrong rule it may have any shape.
        """
        return self._run(position, [upstream, *self.args, self.out])

    def at_once(self, positions: Sequence[int], upstream: Array) -> list[Array]:
        """The same for the args at several positions: what they have in common is computed once."""
        return self._runs(positions, [upstream, *self.args, self.out])

    def in_multiprecision(self, position: int, upstream: Array) -> Any:
        """The same in numbers of many digits, as many as are set."""
        from bpx.check.numeric.multiprecision import lifted

        args = [lifted(arg) for arg in self.args]
        # The node's own value anew: in float64 it has lost the digits that rules such as softmax's need.
        out = np.asarray(self.op.value(*args, batch=0, **self.settings), dtype=object)
        return self._run(position, [lifted(upstream), *args, out])

    def magnitude(self, position: int, upstream: Array) -> Array:
        """The same with every number taken by its absolute value."""
        return self._run(position, [np.abs(upstream), *self._sizes])

    @cached_property
    def _sizes(self) -> list[Array]:
        """The absolute values of the args and the value."""
        return [np.abs(array) for array in (*self.args, self.out)]

    def rounding_error(self, position: int, upstream: Array) -> Array:
        """How far rounding of the other args may have moved it, for an op that is linear in each arg."""
        other_errors = (any_nonzero(error) for at, error in enumerate(self.arg_errors) if at != position)
        if not any(other_errors):
            return np.zeros(np.shape(self.args[position]))
        # |a| + ε in place of |a| bounds every a within ε, and the rule of absolute values every sign.
        wider = [np.abs(arg) + error for arg, error in zip(self.args, self.arg_errors, strict=True)]
        size = np.abs(upstream)
        return self._run(position, [size, *wider, np.abs(self.out)]) - self.magnitude(position, size)

    def of_ones(self) -> StructuralRule:
        """The same rule as it is where every arg that does not choose is 1: its sparsity pattern."""
        ones = [arg if at in self.op.chooses else np.ones(arg.shape) for at, arg in enumerate(self.args)]
        other = copy(self)
        other.args, other.out = ones, np.ones(self.out.shape)
        other.__dict__.pop("_sizes", None)  # which are those of the args that were
        return other

    def forward(self, position: int, arg: Array, batch: bool = False) -> Array:
        """The op's value with another array in the place of one arg; batched, the last axis is the batch."""
        args = [own[..., np.newaxis] if batch else own for own in self.args]
        args[position] = arg
        return np.asarray(self.op.value(*args, batch=int(batch), **self.settings))

    def _run(self, position: int, numbers: Sequence[Any]) -> Array:
        """The contribution with these numbers for upstream gradient, args and value, in this order."""
        return self._runs([position], numbers)[0]

    def _runs(self, positions: Sequence[int], numbers: Sequence[Any]) -> list[Array]:
        contributions = [self.contributions[position] for position in positions]
        input_values = {
            placeholder.id: array for placeholder, array in zip(self.placeholders, numbers, strict=True)
        }
        values = run(self.scratch, input_values, [part.id for part in contributions if part is not None])
        return [
            # None: the op is flat in this arg.
            np.zeros(np.shape(self.args[position])) if part is None else np.asarray(values[part.id])
            for position, part in zip(positions, contributions, strict=True)
        ]
