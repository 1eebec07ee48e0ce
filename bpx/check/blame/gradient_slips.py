"""The right gradient with one slip in its formula, in the terms of whole ops; or with a factor too many.

`layer_norm` is one op here: what somebody writes down is its known rule, and the slip is made in that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.blame.last_resort import stretches
from bpx.check.blame.right_gradient import plain_formula
from bpx.check.blame.where import named_formula
from bpx.check.numeric.tolerances import (
    LONGEST_SLIP,
    MOST_EXACT_ELEMENTS,
    MOST_FACTORS,
    MOST_NAMED,
    MOST_SUBSTITUTED,
    MOST_SUBSTITUTED_ELEMENTS,
)
from bpx.check.patterns.formula_edits import slipped
from bpx.check.report.blame import Mistake
from bpx.graph.formula import Formula, derivative
from bpx.graph.run import run

if TYPE_CHECKING:
    from bpx.check.patterns.comparison import Comparison
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array
    from bpx.graph.graph import Graph


def slips_in_gradient(
    points: Sequence[CheckedGraph], node: int, comparison: Comparison
) -> tuple[Mistake, ...]:
    """A factor too many or too few, or one slip in the formula of the gradient of `node`."""
    gradient = points[0].by_own_rules.gradient(node)
    if gradient is None or points[0].elements > MOST_EXACT_ELEMENTS or comparison.is_coarse:
        return ()
    search = _SlipSearch(points, gradient.id, comparison)
    factors = [*search.factors()] or [one for one in search.altered_factors() if not one.is_empty]
    if factors:  # all of them are one number, and the shortest text is that of the op somebody wrote
        return (min(factors, key=lambda mistake: len(mistake.text)),)
    slips = [one for one in search.slips() if not one.is_empty]
    return tuple(dict.fromkeys(slips))[:MOST_NAMED]


class _SlipSearch:
    """The search for slips in one gradient, a node of the graphs at all points."""

    def __init__(self, points: Sequence[CheckedGraph], gradient: int, comparison: Comparison) -> None:
        self.points, self.gradient, self.comparison = points, gradient, comparison
        self.checked, self.graph = points[0], points[0].graph
        self.known: list[dict[int, Any]] = [{**point.input_values, **point.values} for point in points]
        self.shape = np.shape(comparison.right[0])

    @cached_property
    def names(self) -> dict[int, Formula]:
        """Nodes with names, and the upstream gradients of these."""
        own, output = self.checked.query.spec.own_names, self.checked.query.output
        names = {node: named_formula(self.checked, node) for node in own}
        for node, upstream in self.checked.by_own_rules.upstream.items():
            if node in own and node != output and upstream not in self.graph.constants:
                names.setdefault(upstream, derivative(named_formula(self.checked, output), names[node]))
        return {node: name for node, name in names.items() if node != self.gradient}

    def text(self, graph: Graph, node: int) -> Formula:
        """A node as people write it."""
        return plain_formula(self.checked, graph, node, self.names)

    def is_readable(self, *texts: Formula) -> bool:
        """Are the texts short enough for a sentence?"""
        return sum(len(str(text)) for text in texts) <= LONGEST_SLIP

    # --- factors ---

    @cached_property
    def factor_nodes(self) -> list[int]:
        """The nodes that a gradient may be multiplied or divided by; those of its own formula first."""
        needed = self.graph.needs(of=[self.gradient])
        nodes = [node for node in dict.fromkeys((*needed, *self.checked.forward)) if self.is_factor(node)]
        return nodes[:MOST_FACTORS]

    def is_factor(self, node: int) -> bool:
        """Is it of a shape that stretches to that of the gradient, and no plain number?"""
        return node not in self.graph.constants and stretches(self.graph.shapes[node], self.shape)

    def factors(self) -> Iterator[Mistake]:
        """The value of a node multiplied or divided by once too often, or not at all."""
        values = [run(self.graph, known, self.factor_nodes) for known in self.known]
        for node in self.factor_nodes:
            for code, power in (("times", 1), ("over", -1)):
                if self.is_right_times([there[node] ** float(power) for there in values]):
                    text = self.text(self.graph, node)
                    if self.is_readable(text):
                        yield Mistake.of(f"{code}-value-of", name=text)

    def altered_factors(self) -> Iterator[Mistake]:
        """A factor from which a number was left out: sqrt(v) for sqrt(v + 1e-5)."""
        sums = [node for node in self.factor_nodes if self.graph.ops[node].name in ("add", "sub")]
        for inner in sums:
            for twin, left in slipped(self.graph, inner):
                users = [node for node in self.factor_nodes if inner in self.graph.args[node]]
                for node in users if left in self.graph.args[inner] else ():
                    ratios = [
                        run(self.graph, known, [node])[node] / run(twin, known, [node])[node]
                        for known in ({**known} for known in self.without(inner, node))
                    ]
                    if self.is_right_times(ratios) or self.is_right_times([1.0 / one for one in ratios]):
                        wrong, right = self.text(twin, node), self.text(self.graph, node)
                        yield Mistake.of("name-for-name", wrong=wrong, right=right)

    def without(self, *nodes: int) -> Iterator[Mapping[int, Any]]:
        """What is known at each point, but for the values of some nodes."""
        for known in self.known:
            yield {node: value for node, value in known.items() if node not in nodes}

    def is_right_times(self, factors: Sequence[Array]) -> bool:
        """Are the claims the right gradients times these?"""
        return self.comparison.explained_by(
            [right * factor for right, factor in zip(self.comparison.right, factors, strict=True)]
        )

    # --- slips ---

    def slips(self) -> Iterator[Mistake]:
        """One op for its opposite, or a part left out, anywhere in the gradient."""
        written = [node for node in self.graph.needs(of=[self.gradient]) if node not in self.names]
        most = min(MOST_SUBSTITUTED, MOST_SUBSTITUTED_ELEMENTS // self.checked.elements)
        slips = ((node, *slip) for node in reversed(written) for slip in slipped(self.graph, node))
        for node, twin, wrong in islice(slips, most):
            end = wrong if node == self.gradient else self.gradient
            # What the forward pass gave stays; a node of it may be written down wrong in the gradient.
            predicted = [run(twin, known, [end])[end] for known in self.without(node)]
            if self.comparison.explained_by(predicted):
                texts = self.text(twin, wrong), self.text(self.graph, node)
                if self.is_readable(*texts):
                    yield Mistake.of("slip", wrong=texts[0], right=texts[1])
                else:
                    yield Mistake.of("part-lost", wrong=texts[0])
