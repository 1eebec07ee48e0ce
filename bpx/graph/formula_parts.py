"""The parts of a formula, and which of them a node of the graph is written as.

Parts are plain values that know nothing of each other: a formula is the list of its parts from the root
down (see `bpx.graph.formula`), in which a part's args are the parts that follow it. An op without
settings is therefore the same part wherever it stands, and is made once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.graph.facts import Notation
from bpx.graph.graph import Graph, Op

_MOST_OPS_KEPT = 1024  # the table has a hundred; a spec may state more


class Number(NamedTuple):
    """A number, rounded to `digits` significant digits or in full; `node` is the node it is the value of.

    Without a node it is a literal, which reads back as itself: -1 is a number and -(1) a negation.
    """

    value: float
    digits: int | None = None
    node: int | None = None

    @property
    def is_negative(self) -> bool:
        """Is it written with a minus? A rounded -0 is not."""
        value = self.value
        return value < 0 or (value == 0 and self.digits is None and math.copysign(1.0, value) < 0)

    @property
    def is_literal(self) -> bool:
        """Is it a literal that begins with a digit or a minus?"""
        return self.node is None and (math.isfinite(self.value) or self.value < 0)


class NumberArray(NamedTuple):
    """An array of numbers: its shape, and its float64 elements as bytes, so that it compares and hashes."""

    shape: Shape
    elements: bytes
    digits: int | None = None
    node: int | None = None

    @property
    def value(self) -> Array:
        """The array, read-only."""
        return np.frombuffer(self.elements).reshape(self.shape)


class Symbol(NamedTuple):
    """The name of a node, with its id as a link; a named constant or the arg of a rule links to none."""

    name: str
    node: int | None = None


class Words(NamedTuple):
    """Words that stand where a formula would be too long, or left something out."""

    text: str


class Derivative(NamedTuple):
    """∂output/∂node: the two parts that follow."""

    sign: str = "∂"  # parts are tuples, and two without a field would be equal


class Operation(NamedTuple):
    """An op with a notation, between, before or behind the args that follow.

    `arrays` says that all of them are arrays, elementwise; of a power, that it is no inverse of a matrix.
    """

    place: Literal["infix", "prefix", "postfix"]
    symbol: str
    precedence: int
    groups: Literal["left", "right", "none"] = "left"
    arrays: bool = False

    @property
    def around(self) -> tuple[int, int]:
        """The precedence that the left and the right arg must have to stand without brackets."""
        return self.precedence + (self.groups != "left"), self.precedence + (self.groups != "right")


class Equation(NamedTuple):
    """left = right: the two parts that follow."""

    sign: str = "="


class Noted(NamedTuple):
    """A part with words behind it that say how it is meant, as `x; sum over axis 0`."""

    text: str


class Repeated(NamedTuple):
    """So many args with the same sign between them, as the terms of a sum.

    `first` and `others` say how tightly they must bind to stand without brackets.
    """

    symbol: str
    precedence: int
    first: int
    others: int
    arg_count: int


class Call(NamedTuple):
    """A call of so many args; `before` are texts in front of them, `settings` names and texts behind."""

    name: str
    arg_count: int
    before: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


class Index(NamedTuple):
    """An index of the arg that follows: what it takes of each axis, as `0` or `1:3`."""

    places: tuple[str, ...]


Leaf: TypeAlias = Number | NumberArray | Symbol | Words
Branch: TypeAlias = Derivative | Equation | Noted | Operation | Repeated | Call | Index
Part: TypeAlias = Leaf | Branch
BRANCHES = (Operation, Call, Index, Derivative, Equation, Repeated, Noted)  # the most frequent first

DERIVATIVE, EQUATION = Derivative(), Equation()


def count_of_args(part: Part) -> int:
    """How many args follow the part."""
    if isinstance(part, Operation):
        return 2 if part.place == "infix" else 1
    if isinstance(part, Call | Repeated):
        return part.arg_count
    return 2 if isinstance(part, Derivative | Equation) else int(isinstance(part, Index | Noted))


def numbers_part(value: Array | float, digits: int | None = None, node: int | None = None) -> Leaf:
    """The part for a number or an array."""
    if isinstance(value, float | int):
        return Number(float(value), digits, node)
    if not value.ndim:
        return Number(float(value), digits, node)
    return NumberArray(value.shape, np.asarray(value, dtype=np.float64).tobytes(), digits, node)


def written_as(graph: Graph, node: int) -> tuple[Branch, tuple[int, ...]]:
    """The part that a node is written as, and the args that follow it."""
    op, args = graph.ops[node], graph.args[node]
    if op.quoted:
        return _plain_call(op, op.quoted), args[: op.quoted]
    if not op.settings:
        if op.notation is None:
            args = _args_to_write(graph, node) if op.defaults else args
            return _plain_call(op, len(args)), args
        return _operation(op, _is_of_arrays(graph, op, args)), args
    if op.notation and op.notation.place == "index":
        return Index(index_places(graph.settings[node]["at"], graph.shapes[args[0]])), args
    settings = settings_written(graph, node)
    if op.notation and not settings:
        return _operation(op, False), args
    args = _args_to_write(graph, node)
    # A text that the op cannot do without, as the subscripts of einsum; a text among its options has a name.
    leading = [name for name, text in settings if text.endswith("'") and op.settings[name] is None]
    before = tuple(text for name, text in settings if name in leading)
    behind = tuple((name, text) for name, text in settings if name not in leading)
    return Call(op.name, len(args), before, behind), args


def _is_of_arrays(graph: Graph, op: Op, args: tuple[int, ...]) -> bool:
    """Must the sign say that the op is elementwise? Of powers, the one that would look like an inverse."""
    if op.name == "pow":
        return len(graph.shapes[args[0]]) > 1 and graph[args[1]].number == -1
    return all(map(graph.shapes.__getitem__, args))


@lru_cache(_MOST_OPS_KEPT)
def _plain_call(op: Op, count: int) -> Call:
    return Call(op.name, count)


@lru_cache(_MOST_OPS_KEPT)
def _operation(op: Op, arrays: bool) -> Branch:
    notation = op.notation
    assert notation and notation.place != "index"
    if not notation.symbol.isascii():  # a sign like √ is for reading; the name is plainer
        return Call(op.name, len(op.args))
    return operation(notation, arrays)


def operation(notation: Notation, arrays: bool = False) -> Operation:
    """The part for an op with a notation that is no index."""
    assert notation.place != "index"
    return Operation(notation.place, notation.symbol, notation.precedence, notation.groups, arrays)


def _args_to_write(graph: Graph, node: int) -> tuple[int, ...]:
    """The args without those at the end that a layer has when nothing is said, as a bias of 0."""
    op, args = graph.ops[node], graph.args[node]
    defaults = () if op.elementwise else op.defaults
    for default in reversed(defaults):
        if graph[args[-1]].number != default:
            break
        args = args[:-1]
    return args


# --- settings and indices -----------------------------------------------------------------------


def settings_written(graph: Graph, node: int) -> list[tuple[str, str]]:
    """The settings of a node that differ from the op's defaults, by name, as text."""
    op, settings = graph.ops[node], graph.settings[node]
    usual = _usual_settings(graph, node)
    texts = {name: _setting(settings[name]) for name in op.settings if settings[name] != usual.get(name)}
    if "at" in texts:  # an index, of an array of that shape
        texts["at"] = f"[{', '.join(index_places(settings['at'], settings['shape'])) or '...'}]"
    return list(texts.items())


def _usual_settings(graph: Graph, node: int) -> Mapping[str, Any]:
    """What the settings are when nothing is said, or (for reshape, windows) but the first, which must be."""
    op = graph.ops[node]
    if op.arrange is None:
        return op.settings
    shapes = [graph.shapes[arg] for arg in graph.args[node]]
    try:
        return op.arrange(*shapes, **op.settings)
    except (TypeError, ValueError):
        first = next(iter(op.settings))
    try:
        usual = op.arrange(*shapes, **{**op.settings, first: graph.settings[node][first]})
    except (TypeError, ValueError):
        return {}
    return {name: value for name, value in usual.items() if name != first}


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        alone = len(value) == 1 and not isinstance(value[0], tuple)
        return str(value[0]) if alone else f"[{', '.join(map(_setting, value))}]"
    return str(value)


def index_places(at: Sequence[Any], shape: Sequence[int]) -> tuple[str, ...]:
    """What an index takes of each axis, without the axes at the end that are taken whole."""
    texts = [_place(entry, length) for entry, length in zip(at, shape, strict=True)]
    while texts and texts[-1] == ":":
        texts.pop()
    return tuple(texts)


def _place(at: int | tuple[int, int, int], length: int) -> str:
    """What an index takes of one axis: a number, or the ends of a slice where they are not the array's."""
    if isinstance(at, int):
        return str(at)
    start, stop, step = at
    first, last = (0, length) if step > 0 else (length - 1, -1)
    ends = f"{'' if start == first else start}:{'' if stop == last else stop}"
    return ends if step == 1 else f"{ends}:{step}"
