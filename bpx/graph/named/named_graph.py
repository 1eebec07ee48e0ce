"""`NamedGraph`: a graph with names and values, which everything else works on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import CONSTANT, Graph, Op
from bpx.graph.named.names import dotted, group_of, groups_of
from bpx.graph.numbers import LARGEST_SHOWN
from bpx.words.arguments import checked
from bpx.words.diagnostic import Diagnostic, Source, Span
from bpx.words.say import visible

if TYPE_CHECKING:
    from bpx.graph.named.claim import Claim
    from bpx.graph.named.recipe import NumberTable, Recipe


@dataclass(frozen=True)
class Expect:
    """What a saved graph is expected to give: its output's value, gradients by node name."""

    value: Any = None
    gradients: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, Span | None] = field(default_factory=dict, compare=False)  # of the value: "value"


class Input(NamedTuple):
    """A leaf of the graph: its name, node id, value, role and, where it is stated, its range."""

    name: str
    node: int
    value: Array
    role: str
    range: tuple[float, float] | None = None  # where random points may be drawn
    recipe: Recipe | None = None  # how the value was made, where it was not written


class Composite(NamedTuple):
    """A composite op with a rule of its own, where a node stands for what it was written out to."""

    op: Op
    args: tuple[int, ...]
    settings: dict[str, Any]
    written: int  # the node it was before

    def copied(self, copies: Mapping[int, int]) -> Composite:
        """The same in a copy of the graph."""
        return self._replace(args=tuple(copies[arg] for arg in self.args))


@dataclass(frozen=True, repr=False, eq=False)
class NamedGraph:
    """A graph with names: inputs with values, named steps, an output.

    `size` is the number of nodes of the graph itself; nodes of reverse passes come behind them.
    """

    title: str | None
    graph: Graph
    inputs: tuple[Input, ...]
    steps: Mapping[str, int]
    output: int
    size: int
    source: Source
    origins: Mapping[int, Span] = field(default_factory=dict)
    expect: Expect | None = None
    warnings: tuple[Diagnostic, ...] = ()
    inner_names: Mapping[int, str] = field(default_factory=dict)  # kept from before a rewriting
    custom: Mapping[str, CustomOp] = field(default_factory=dict)  # the ops that the spec states
    claims: Mapping[str, Claim] = field(default_factory=dict)  # gradients worked out by hand, by node name
    # Tables that inputs may take their values from.
    tables: Mapping[str, NumberTable] = field(default_factory=dict)
    composites: Mapping[int, Composite] = field(default_factory=dict)  # nodes that were written out
    with_origins: bool = False  # explanations say where each node was written
    is_code: bool = False  # traced: `origins` are places in somebody's Python file
    # (shape, bytes) of a constant → what somebody's code calls the array.
    constant_names: Mapping[tuple[Shape, bytes], str] = field(default_factory=dict)
    layers: Collection[str] = frozenset()  # names of the calls of blocks that were written out
    # Builds it again with other values, which may have other shapes.
    rebuilt: Callable[[Mapping[str, Any]], NamedGraph] | None = None

    @cached_property
    def own_names(self) -> dict[int, str]:
        """Node id → the name the spec gives it."""
        return {
            **{leaf.node: leaf.name for leaf in self.inputs},
            **{node: name for name, node in self.steps.items()},
        }

    @property
    def _given_names(self) -> dict[int, str]:
        return {**self.inner_names, **self.own_names}

    @cached_property
    def written_names(self) -> dict[int, str]:
        """`names` without those that bpx made up for inner nodes, which nobody wrote."""
        written, ops = self._given_names, self.graph.ops
        return {node: name for node, name in self.names.items() if node in written or ops[node] is CONSTANT}

    @property
    def listed_names(self) -> list[str]:
        """The names of nodes to propose: those that somebody wrote."""
        written = self._given_names
        return [name for node, name in self.names.items() if node in written]

    @cached_property
    def names(self) -> dict[int, str]:
        """Node id → name; inner nodes without one are called v1, v2, … or h.v1, h.v2, … in a group h.

        Constants have none.
        """
        names = self._given_names
        nodes = self.graph.needs(of=[self.output, *self.steps.values()])
        groups = self.groups(nodes, names)
        free = _FreeNames(names.values())
        for node in nodes:
            # A constant stands in formulas as it is, unless it is too large to be read there.
            if node not in names and math.prod(self.graph.shapes[node]) > self.largest_unnamed(node):
                names[node] = free.inside(groups.get(node, ""))
        return dict(sorted(names.items()))

    def groups(self, nodes: Sequence[int], names: Mapping[int, str]) -> dict[int, str]:
        """Nodes without a name → the group of the step they are part of, where it has one."""
        known = groups_of(names.values()) | set(self.layers)
        if not known:
            return {}
        group_by_node: dict[int, str] = {}
        for node in reversed(nodes):
            name = names.get(node)
            group = group_by_node.get(node, "")
            if name is not None:
                group = group_of(name, known)
            for arg in self.graph.args[node]:
                if group and arg not in names and self.graph.ops[arg] is not CONSTANT:
                    group_by_node[arg] = group
        return group_by_node

    def largest_unnamed(self, node: int) -> int:
        """How many elements the node may have and still go without a name."""
        return LARGEST_SHOWN if self.graph.ops[node] is CONSTANT else 0

    @cached_property
    def nodes(self) -> dict[str, int]:
        """Name → node id."""
        return {name: node for node, name in self.names.items()}

    @cached_property
    def input_values(self) -> dict[int, Array]:
        """The values of the inputs by node id, as `run` takes them."""
        return {leaf.node: leaf.value for leaf in self.inputs}

    @checked
    def with_values(self, values: Mapping[str, Array]) -> Self:
        """The same graph at other values, of the same shapes, of the inputs that `values` names.

        What was stated of the old values is left out, and ranges that the new ones have left.
        """
        inputs = tuple(
            _moved(leaf, values[leaf.name]) if leaf.name in values else leaf for leaf in self.inputs
        )
        claims = {name: claim for name, claim in self.claims.items() if claim.formula}
        return replace(self, inputs=inputs, expect=None, claims=claims)

    def __eq__(self, other: object) -> bool:
        """Whether both compute the same from the same, under the same names, and claim the same of it."""
        if not isinstance(other, NamedGraph):
            return NotImplemented
        return self is other or self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self.title, self.size, self.output, *(leaf.name for leaf in self.inputs)))

    def _content(self) -> tuple[Any, ...]:
        graph, size = self.graph, self.size
        return (
            (self.title, size, self.output, dict(self.steps), self.expect),
            [
                (op.name, *row)
                for op, *row in zip(graph.ops[:size], graph.args, graph.settings, graph.shapes, strict=False)
            ],
            {node: array.tobytes() for node, array in graph.constants.items() if node < size},
            [(leaf.name, leaf.node, leaf.value.tobytes(), leaf.role, leaf.range) for leaf in self.inputs],
            {name: (op.value, dict(op.partials)) for name, op in self.custom.items()},
            {name: claim.content() for name, claim in self.claims.items()},
        )

    def __repr__(self) -> str:
        """A short line; the graph may be large."""
        kind, output = type(self).__name__, visible(self.names[self.output])
        return f"<bpx.{kind} {output}: {len(self.inputs)} inputs, {self.size:,} nodes>"


def _moved(leaf: Input, value: Array) -> Input:
    """The input with another value, and with its range only where the value is inside."""
    inside = leaf.range is not None and leaf.range[0] <= value.min() and value.max() <= leaf.range[1]
    return leaf._replace(value=value, range=leaf.range if inside else None, recipe=None)


class _FreeNames:
    """Names v1, v2, … that nobody has yet, in each group from 1 on."""

    def __init__(self, used: Iterable[str]) -> None:
        self.used = set(used)
        self.counters: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))

    def inside(self, group: str) -> str:
        counter = self.counters[group]
        while (name := dotted(group, f"v{next(counter)}")) in self.used:
            pass
        return name


class CustomOp(NamedTuple):
    """An op as its spec states it: the row, and the texts it was made from, with their places.

    `partials` and `partial_spans` go by arg.
    """

    op: Op
    value: str
    value_span: Span
    partials: Mapping[str, str]
    partial_spans: Mapping[str, Span]

    @property
    def args(self) -> tuple[str, ...]:
        """The names of its args."""
        return self.op.args
