"""The computational graph: an append-only list of nodes.

A node is an op, the indices of its args (always smaller than its own) and the op's settings, so a graph is
acyclic by construction and list order is a topological order: the forward pass is a loop upwards, the reverse
pass a loop downwards, and nothing here recurses.

There are two ways to build a node. `Graph.add` is literal: what a user typed stays as typed. Calling an `Op`
on `Expr` handles, or using their operators, as derivative rules do, folds 0 and 1 and shares equal nodes.

Values are float64 arrays of the node's static shape, or object arrays of numbers with more digits. In a
batched run every value carries one more axis, the batch, LAST, so that NumPy's broadcasting still aligns.
"""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np

from bpx.graph.arrays import (
    LARGEST_GRAPH,
    Array,
    NoHandleError,
    Number,
    Settings,
    Shape,
    SizeError,
    broadcast,
    checked_shape,
    constant_array,
    content,
    size_within_limits,
)
from bpx.graph.facts import OpFacts
from bpx.graph.walk import needed_by_walk
from bpx.words.arguments import shown_value
from bpx.words.say import say


@dataclass(frozen=True, eq=False)
class Op(OpFacts):
    """An op: its facts, and building nodes of it by calls."""

    # An op is itself wherever it is copied to: ops are compared by identity.
    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: Any) -> Op:
        return self

    def __reduce__(self) -> Any:
        if BY_NAME.get(self.name) is not self:
            raise TypeError(say("python.not-pickled", op=self.name))
        return _op_named, (self.name,)

    def __call__(self, *args: Expr | Number | Array, **settings: Any) -> Expr:
        """Build this op on handles, folding 0 and 1 and sharing equal nodes."""
        if (
            len(args) == 1 == len(self.args)
            and type(arg := args[0]) is Scalar
            and self.local
            and not settings
        ):
            return arg.graph.of_scalars(self, (arg.id,))
        graph = next((arg.graph for arg in args if isinstance(arg, Expr)), None)
        if graph is not None:
            return graph.fold(self, [graph.lift(arg) for arg in args], settings)
        for arg in args:  # while NumPy code is traced, handles on arrays stand in for nodes
            if hasattr(arg, "apply_op"):
                return arg.apply_op(self, args, settings)  # type: ignore[no-any-return]
        raise NoHandleError(say("python.no-handle", op=self.name))


INPUT = Op("input", value=lambda: None)
CONSTANT = Op("constant", value=lambda: None)
OPS: dict[str, Op] = {}  # name → row; filled by bpx.ops
BY_NAME = ChainMap({INPUT.name: INPUT, CONSTANT.name: CONSTANT}, OPS)


def _op_named(name: str) -> Op:
    return BY_NAME[name]


class Graph:
    """An append-only list of nodes, held as parallel columns indexed by node id."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.args: list[tuple[int, ...]] = []
        self.settings: list[Settings] = []  # this and the next are longer: what scalars have is there before
        self.shapes: list[Shape] = []
        self.constants: dict[int, Array] = {}
        self._beside_scalars = 0  # elements that nodes have beside their first
        # By op: what a node is → the first node that is it.
        self._known: defaultdict[Op, dict[Any, int]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self.ops)

    @property
    def elements(self) -> int:
        """Those of all nodes together."""
        return len(self.ops) + self._beside_scalars

    def __getitem__(self, node: int) -> Expr:
        return (Expr if self.shapes[node] or node in self.constants else Scalar)(self, node)

    def copy(self) -> Graph:
        """A graph of the same nodes that can be appended to without touching this one."""
        copy = Graph()
        copy.ops, copy.args = self.ops.copy(), self.args.copy()
        copy.settings, copy.shapes = self.settings.copy(), self.shapes.copy()
        copy.constants, copy._beside_scalars = self.constants.copy(), self._beside_scalars
        copy._known.update((op, known.copy()) for op, known in self._known.items())
        return copy

    def input(self, shape: Shape = ()) -> Expr:
        """Append an input: a leaf whose value is given when the graph runs."""
        return self._append(INPUT, (), NO_SETTINGS, checked_shape(shape))

    def constant(self, value: Number | Array | Sequence[Any]) -> Expr:
        """Append a constant, or return the one that already holds this value.

        Raises `TypeError` for what is no array of numbers, `ValueError` for one without elements.
        """
        known = self._known[CONSTANT]
        # Numbers are their own keys, but for 0, which equals -0, and NaN, which equals nothing.
        is_key = type(value) in (float, int) and value != 0
        if is_key and value in known:
            return Expr(self, known[value])
        array = constant_array(value)
        if not array.size:  # inputs have elements, too, and ops rely on it
            raise ValueError(say("python.empty-constant"))
        array.setflags(write=False)
        key = (array.shape, content(array))
        if key not in known:
            known[key] = self._append(CONSTANT, (), NO_SETTINGS, array.shape).id
            self.constants[known[key]] = array
        if is_key and value == value:
            known[value] = known[key]
        return Expr(self, known[key])

    def add(self, op: Op, *args: Expr | Number | Array, **settings: Any) -> Expr:
        """Append a node literally: nothing folded, nothing shared but constants.

        Raises `ShapeError` where the args' shapes do not fit, `TypeError` or `ValueError` where
        the settings do not.
        """
        if not isinstance(op, Op):
            raise TypeError(say("python.no-op", op=shown_value(op)))
        ids, settings, shape = self._placed(op, [self.lift(arg) for arg in args], settings)
        expr = self._append(op, ids, settings, shape)
        self._known[op].setdefault(_key(ids, settings), expr.id)
        return expr

    def fold(self, op: Op, args: Sequence[Expr], settings: Settings) -> Expr:
        """Append a node unless the algebra facts of `op` make it one there is already."""
        ids, settings, shape = self._placed(op, args, settings)
        folded = self._folded(op, args, shape) if op.unit else None
        if folded is not None:
            return folded
        key, known = _key(ids, settings), self._known[op]
        if key not in known:
            known[key] = self._append(op, ids, settings, shape).id
        return self[known[key]]

    def of_scalars(self, op: Op, ids: tuple[int, ...]) -> Expr:
        """`fold` for an elementwise op on scalars that are no constants: nothing to broadcast or fold."""
        new = len(self.ops)
        node = self._known[op].setdefault(ids, new)
        if node == new:
            if new == len(self.shapes):
                self._make_room(op)
            self.ops.append(op)
            self.args.append(ids)
        handle = _new_handle(Scalar)  # half the time of a call of the class
        handle.graph, handle.id = self, node
        return handle

    def lift(self, value: Expr | Number | Array) -> Expr:
        """`value` as a handle of this graph; numbers and arrays become constants."""
        if not isinstance(value, Expr):
            return self.constant(value)
        if value.graph is not self:
            raise ValueError(say("python.two-graphs"))
        return value

    def known(self, op: Op, key: Any) -> int | None:
        """The node of an op on args without settings, or of a constant's shape and bytes, if there is one."""
        return self._known[op].get(key) if op in self._known else None

    def needs(self, *, of: Iterable[int], known: Collection[int] = ()) -> list[int]:
        """The nodes `of` and all they depend on, in order; what `known` nodes depend on is left out."""
        of = list(of)
        # Where most is known, or a small part of a large graph is needed, that part alone is walked through.
        most = len(self.ops) if 2 * len(known) > len(self.ops) else max(8, len(self.ops) // 32)
        walked = needed_by_walk(self.args, of, known, most)
        if walked is not None:
            return walked
        # A byte for each node in place of a set: for graphs of 100,000 nodes it is several times faster.
        size = max(of, default=-1) + 1
        needed = bytearray(size)
        for node in of:
            needed[node] = 1
        # The flags are read from behind while those of args, further in front, are set.
        rows = zip(range(size - 1, -1, -1), reversed(needed), reversed(self.args[:size]), strict=True)
        for node, flag, args in rows:
            if flag and node not in known:
                for arg in args:
                    needed[arg] = 1
        return [node for node, flag in enumerate(needed) if flag]

    def touched(self, *, by: Iterable[int], upto: int) -> bytearray:
        """Flags for nodes 0 … upto: is the node one of `by`, or does it depend on one?"""
        flags = bytearray(upto + 1)
        for node in by:
            if node <= upto:
                flags[node] = 1
        for node, args in enumerate(islice(self.args, upto + 1)):
            for arg in args:
                if flags[arg]:
                    flags[node] = 1
                    break
        return flags

    def _placed(self, op: Op, args: Sequence[Expr], settings: Settings) -> tuple[Any, Settings, Shape]:
        """The ids of the args, those left out included, the settings in full and the shape of a new node."""
        missing = len(op.args) - len(args)
        if 0 < missing <= len(op.defaults):
            args = [*args, *map(self.constant, op.defaults[-missing:])]
        elif missing > 0 or (missing < 0 and not op.variadic):
            raise TypeError(say("python.wrong-arity", op=op.name, count=len(op.args), found=len(args)))
        shapes = [self.shapes[arg.id] for arg in args]
        if op.arrange:
            settings = op.arrange(*shapes, **{**op.settings, **settings})
        elif settings:
            raise TypeError(say("python.no-settings", op=op.name))
        shape = op.shape(*shapes, **settings) if op.shape else broadcast(op.name, shapes)
        return tuple([arg.id for arg in args]), settings, shape

    def _append(self, op: Op, args: tuple[int, ...], settings: Settings, shape: Shape) -> Expr:
        size, new = size_within_limits(op.name, shape), len(self.ops)
        self._beside_scalars += size - 1
        if new == len(self.shapes) or size != 1:
            self._make_room(op)
        self.ops.append(op)
        self.args.append(args)
        self.settings[new], self.shapes[new] = settings or NO_SETTINGS, shape
        return Expr(self, new) if shape or op is CONSTANT else Scalar(self, new)

    def _make_room(self, op: Op) -> None:
        """Settings and shapes of scalars to come, many at once: one look at the limit for all of them."""
        if self.elements >= LARGEST_GRAPH:
            raise SizeError(op.name, count=self.elements + 1, of="elements")
        count = min(16 + len(self.ops) // 8, LARGEST_GRAPH - self.elements)
        room = len(self.ops) + count - len(self.shapes)
        self.settings += [NO_SETTINGS] * room
        self.shapes += [()] * room

    def _folded(self, op: Op, args: Sequence[Expr], shape: Shape) -> Expr | None:
        numbers = [arg.number for arg in args]
        if None not in numbers:
            with np.errstate(all="ignore"):  # 1/0 stays a node, so that the report can point at it
                result = op.value(*map(np.float64, numbers))
            return self.constant(result) if np.isfinite(result) else None
        for number, unit, other in zip(numbers, op.unit, reversed(args), strict=True):
            if unit is not None and number == unit:
                return other
        if op.absorb is not None and op.absorb in numbers:
            return self.constant(np.full(shape, op.absorb))
        return None


def _key(ids: tuple[int, ...], settings: Settings) -> Any:
    return (ids, tuple(settings.items())) if settings else ids


NO_SETTINGS: Settings = {}  # of all nodes that have none; never written to


_Operator: TypeAlias = "Callable[[Expr, Operand], Expr]"


def _operators(name: str) -> tuple[_Operator, _Operator]:
    """The operator of an op with the handle on its left, and with the handle on its right."""
    return lambda left, right: OPS[name](left, right), lambda right, left: OPS[name](left, right)


class Expr:
    """A handle on one node: graph and id. Its operators build nodes by `Graph.fold`."""

    __slots__ = ("graph", "id")
    __array_ufunc__ = None  # so that `array * expr` comes to us

    def __init__(self, graph: Graph, id: int) -> None:
        self.graph = graph
        self.id = id

    def __repr__(self) -> str:
        return f"<Expr {self.id}: {self.op.name}, shape {self.shape}>"

    @property
    def op(self) -> Op:
        """The node's op."""
        return self.graph.ops[self.id]

    @property
    def args(self) -> tuple[Expr, ...]:
        """The node's args."""
        graph = self.graph
        return tuple([graph[arg] for arg in graph.args[self.id]])

    @property
    def shape(self) -> Shape:
        """The node's shape."""
        return self.graph.shapes[self.id]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def number(self) -> float | None:
        """The value of a scalar constant; None for every other node."""
        constant = self.graph.constants.get(self.id)
        return float(constant) if constant is not None and constant.ndim == 0 else None

    __add__, __radd__ = _operators("add")
    __sub__, __rsub__ = _operators("sub")
    __mul__, __rmul__ = _operators("mul")
    __truediv__, __rtruediv__ = _operators("div")
    __pow__, __rpow__ = _operators("pow")
    __matmul__, __rmatmul__ = _operators("matmul")

    def __neg__(self) -> Expr:
        return OPS["neg"](self)

    def __abs__(self) -> Expr:
        return OPS["abs"](self)

    def __bool__(self) -> bool:
        raise TypeError(say("python.no-truth-value"))

    def __eq__(self, other: object) -> Expr:  # type: ignore[override] # as the other comparisons do
        return OPS["eq"](self, other) if isinstance(other, Operands) else NotImplemented

    def __ne__(self, other: object) -> Expr:  # type: ignore[override]
        return OPS["ne"](self, other) if isinstance(other, Operands) else NotImplemented

    __hash__ = object.__hash__

    __lt__ = _operators("lt")[0]
    __le__ = _operators("le")[0]
    __gt__ = _operators("gt")[0]
    __ge__ = _operators("ge")[0]

    def __getitem__(self, at: int | slice | EllipsisType | tuple[Any, ...]) -> Expr:
        return OPS["index"](self, at=at)

    __iter__ = None  # having elements does not make a node something to loop over

    @property
    def T(self) -> Expr:
        """The transpose."""
        return OPS["transpose"](self)


def _on_scalars(name: str) -> _Operator:
    def operate(left: Expr, right: Operand) -> Expr:
        graph = left.graph
        if type(right) is Scalar and right.graph is graph:
            return graph.of_scalars(OPS[name], (left.id, right.id))
        if isinstance(right, float | int) and right != 0 and right != 1:  # all that operators fold
            return graph.of_scalars(OPS[name], (left.id, graph.constant(right).id))
        return OPS[name](left, right)

    return operate


class Scalar(Expr):
    """A handle on a scalar node that is no constant; its class says so without a look into the graph."""

    __slots__ = ()

    __add__ = _on_scalars("add")
    __sub__ = _on_scalars("sub")
    __mul__ = _on_scalars("mul")
    __truediv__ = _on_scalars("div")
    __pow__ = _on_scalars("pow")


_new_handle = object.__new__
Operand: TypeAlias = "Expr | Number | Array"
Operands = (Expr, float, int, np.ndarray)
