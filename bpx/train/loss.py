"""The loss of a training and its parameters: what is computed at every step.

Convention: all parameters are one flat array, in the order of the inputs; a gradient is a list of arrays in
the same order, each of its parameter's shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.passes.compiling.compiled import compiled
from bpx.passes.reverse import grad


class Parameters:
    """All parameters in one flat array; `views` are their arrays by name, which change with it."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.shapes = {leaf.name: leaf.value.shape for leaf in inputs}
        self.ends = np.cumsum([leaf.value.size for leaf in inputs])
        self.flat = np.concatenate([leaf.value.ravel() for leaf in inputs])
        self.views = self.parts(self.flat)

    def parts(self, flat: Array) -> dict[str, Array]:
        """The parts of a flat array by name, as views of it."""
        parts = np.split(flat, self.ends[:-1])
        return {name: part.reshape(self.shapes[name]) for name, part in zip(self.shapes, parts, strict=True)}

    def copies(self) -> dict[str, Array]:
        """The parameters as they are now."""
        flat = self.flat.copy()
        # Reports and specs keep these arrays: nobody may change them later.
        flat.setflags(write=False)
        return self.parts(flat)


class CompiledLoss:
    """The loss of a spec, and its gradient by the parameters if it is `derived`, compiled.

    The parameters are taken as they are at each call; `fed` names the inputs whose values come with it.
    """

    def __init__(self, spec: NamedGraph, parameters: Parameters, fed: Sequence[str], derived: bool) -> None:
        # A copy: `grad` appends nodes, and the graph of the spec must not grow.
        graph, nodes = spec.graph.copy(), {leaf.name: leaf.node for leaf in spec.inputs}
        self.nodes = {name: nodes[name] for name in fed}
        # Views: no array is copied into the call, however many parameters there are.
        self.parameter_values = {nodes[name]: view for name, view in parameters.views.items()}
        wrt = [graph[node] for node in self.parameter_values] if derived else []
        targets = [spec.output, *(gradient.id for gradient in grad(graph[spec.output], wrt))]
        free = {*self.parameter_values, *self.nodes.values()}
        fixed = {leaf.node: leaf.value for leaf in spec.inputs if leaf.node not in free}
        self.run = compiled(graph, targets, free, fixed)

    def __call__(self, fed: Mapping[str, Array]) -> tuple[float, list[Array]]:
        """The loss, and its gradients in order of the parameters; `fed` are the examples by name."""
        values = {self.nodes[name]: value for name, value in fed.items()}
        loss, *gradients = self.run({**self.parameter_values, **values})
        return float(loss), gradients
