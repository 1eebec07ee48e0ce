"""The tape: the graph of a function that is running, and what its author calls the nodes.

Every value comes from NumPy itself. What the graph computes for a new node is compared with it at once, so
that a rule of ours that does not do what NumPy does is found at the line where it is used.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from bpx.graph.arrays import ShapeError
from bpx.graph.graph import CONSTANT, Expr, Graph, Op
from bpx.ops.tensors import SettingError
from bpx.spec.trace.rules.memory import Memory, owner_of
from bpx.spec.trace.user_source import is_users_code, span_of, user_frames
from bpx.words.diagnostic import BpxError, Diagnostic, Span
from bpx.words.holding import holding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_NODES = 200_000
# How far the value of a node may be from NumPy's, relative to the largest number about: sums of other
# order differ by a few units in the last place a term, wrong rules by far more.
AGREEMENT = 2.0**20

active: ContextVar[Tape | None] = ContextVar("active", default=None)


class Branch(NamedTuple):
    """A condition on a traced value, decided as it is at the given values."""

    span: Span | None
    taken: bool


@contextmanager
def _unwatched() -> Iterator[None]:
    """Call no profiler meanwhile: none of the user's functions returns here, and tracing is twice as fast."""
    watch = sys.getprofile()
    if not callable(watch):  # none, or one in C, which could not be set again
        yield
        return
    sys.setprofile(None)
    try:
        yield
    finally:
        sys.setprofile(watch)


@dataclass
class Tape:
    """What is recorded while a function runs on handles, which are of class `face`."""

    face: type[Handle]
    graph: Graph = field(default_factory=Graph)
    spans: dict[int, Span] = field(default_factory=dict)
    names: dict[int, tuple[int, str]] = field(default_factory=dict)  # node → depth of the call, name
    branches: list[Branch] = field(default_factory=list)
    choices: list[Span | None] = field(default_factory=list)  # whole numbers computed from traced values
    # Handed out as plain floats.
    floats: list[tuple[float, Handle, Span | None]] = field(default_factory=list)
    refusals: list[TraceError] = field(default_factory=list)  # also those that the function caught
    roundoff: float = float(np.finfo(float).eps)  # of the coarsest type on the way
    _memories: dict[int, Memory] = field(default_factory=dict)
    _values: dict[int, Any] = field(default_factory=dict)  # of all nodes but constants

    # --- handles ---------------------------------------------------------------------------------

    def input(self, value: Any) -> Handle:
        """A handle on a new input, with a copy of this value."""
        array = np.array(value)
        node = self.graph.input(array.shape)
        self._values[node.id] = array.astype(float)
        # The function gets a number where it would get one without tracing.
        return self.handle(array, node, scalar=not array.ndim)

    def handle(self, value: Any, node: Expr | None, *, scalar: bool = False) -> Handle:
        """A handle on a value that NumPy made: a view where its memory is known, else one of its own."""
        owner = owner_of(value)
        memory = self._memories.get(id(owner))
        if memory is None or memory.owner is not owner:
            memory = self._memories[id(owner)] = Memory(owner, node if owner is value else None)
            if owner is not value and node is not None:
                memory.write(value, ..., node, value.shape)
        handle = self.face(self, value, memory, scalar)
        if node is not None:
            handle.remember(node)
        return handle

    def constant(self, value: Any) -> Expr:
        """A constant of the graph."""
        return self.graph.constant(np.asarray(value, dtype=np.float64))

    # --- nodes -----------------------------------------------------------------------------------

    def record(self, build: Callable[[], Expr], value: Any) -> Expr:
        """The node that `build` makes, compared with NumPy's `value`."""
        with _unwatched():
            first = len(self.graph)
            try:
                node = build()
            except (ShapeError, SettingError, TypeError, ValueError) as error:
                self.refuse("untraceable", "use-other-functions", reason=str(error))
            self._place(first)
            if len(self.graph) > MOST_NODES:
                self.refuse("trace-too-long", "trace-less", most=MOST_NODES)
            self._compute(first)
            self._compare(node, np.asarray(value))
            self.note_names()
            return node

    def apply(self, op: Op, args: Sequence[Any], settings: Mapping[str, Any]) -> Expr:
        """The node of an op of bpx, whose value only bpx knows."""
        first = len(self.graph)
        node = self.graph.add(op, *args, **settings)
        self._compute(first)
        self._place(first)
        return node

    def _place(self, first: int) -> None:
        """Note where new nodes come from."""
        span = self.here()
        if span is not None:
            self.spans.update(dict.fromkeys(range(first, len(self.graph)), span))

    def _compute(self, first: int) -> None:
        """The values of new nodes."""
        graph = self.graph
        with np.errstate(all="ignore"):
            for number in range(first, len(graph)):
                op = graph.ops[number]
                if op is not CONSTANT:
                    args = [self.value_of(arg) for arg in graph.args[number]]
                    keywords = {} if op.elementwise else {**graph.settings[number], "batch": 0}
                    self._values[number] = np.asarray(op.value(*args, **keywords))

    def value_of(self, node: int) -> Any:
        """The value of a node."""
        constant = self.graph.constants.get(node)
        return self._values[node] if constant is None else constant

    def _compare(self, node: Expr, value: Any) -> None:
        """Refuse a node whose value is not NumPy's; else keep NumPy's."""
        if value.dtype.kind == "f":
            self.note_type(value.dtype)
        expected, result = value.astype(float), self.value_of(node.id)
        args = (self.value_of(arg) for arg in self.graph.args[node.id])
        if node.shape != value.shape or not agree(result, expected, args, self.tolerance):
            self.refuse("trace-differs", "report-trace", op=node.op.name)
        if node.id in self._values:
            self._values[node.id] = expected

    @property
    def tolerance(self) -> float:
        """How far values may be from NumPy's; of short floats at most the half of their digits."""
        return min(AGREEMENT * self.roundoff, math.sqrt(self.roundoff))

    def note_type(self, dtype: Any) -> None:
        """Note the type that something was computed in."""
        self.roundoff = max(self.roundoff, float(np.finfo(dtype).eps))

    # --- where -----------------------------------------------------------------------------------

    def here(self) -> Span | None:
        """The expression of the user's that is running."""
        frame = next(user_frames(), None)
        return None if frame is None else span_of(frame)

    def note_names(self) -> None:
        """Look up what the variables of the running functions hold."""
        frames = list(user_frames())
        for depth, frame in enumerate(reversed(frames)):
            self._note_variables(frame, depth)

    def _note_variables(self, frame: FrameType, depth: int) -> None:
        """The names of the outermost function win, and the first name that it gives."""
        for name, value in _variables(frame.f_locals):
            if is_traced(value) and value.tape is self:
                node = value.known_node
                if node is not None and self.names.get(node.id, (depth + 1, ""))[0] > depth:
                    self.names[node.id] = (depth, name)

    @contextmanager
    def _watching_returns(self) -> Iterator[None]:
        """Look at the variables of a function also when it returns: its last line may record nothing."""

        def watch(frame: FrameType, event: str, _: Any) -> None:
            if event == "return" and is_users_code(frame.f_code, frame.f_globals):
                self._note_variables(frame, sum(1 for _ in user_frames()) - 1)

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            yield
        finally:
            # A profiler in C is no function that could be set again.
            sys.setprofile(before if callable(before) else None)

    def refuse(self, code: str, help: str | None = None, **facts: Any) -> NoReturn:
        """Stop tracing, at the user's line."""
        refusal = TraceError([Diagnostic(code, self.here(), facts, help)])
        self.refusals.append(refusal)
        raise refusal

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let this be the tape of the functions called inside."""
        with holding(active, self), self._watching_returns():
            yield


class Handle:
    """What stands for an array while a function is traced.

    `value` is the array that NumPy made, a view of the memory that `memory` keeps account of. `scalar` says
    that NumPy returned a number, which nothing can be written into.
    """

    __slots__ = ("_node", "_version", "memory", "scalar", "tape", "value")

    def __init__(self, tape: Tape, value: Any, memory: Memory, scalar: bool) -> None:
        self.tape, self.value, self.memory, self.scalar = tape, value, memory, scalar
        self._node: Expr | None = None
        self._version = -1

    def remember(self, node: Expr | None) -> None:
        """Note the node that the handle has as long as nothing is written."""
        self._node, self._version = node, self.memory.version

    @property
    def known_node(self) -> Expr | None:
        """The node, where it is known without a look at the memory."""
        return self._node if self._version == self.memory.version else None

    @property
    def node(self) -> Expr | None:
        """The node; None where no input reaches it."""
        if self._version != self.memory.version:
            node = None
            if self.memory.traced(self.value):
                find = partial(self.memory.node, self.value, self.tape.constant)
                node = self.tape.record(find, self.value)
            self.remember(node)
        return self._node

    def chosen(self) -> Any:
        """The value where it chooses something: constant as long as what it chooses stays the same."""
        if self.node is not None:
            self.tape.choices.append(self.tape.here())
        return self.value[()]


def is_traced(value: Any) -> bool:
    """Whether it is a handle; `isinstance` would ask the handle, which says that it is an array."""
    return issubclass(type(value), Handle)


def plain(value: Any) -> Any:
    """NumPy's arrays in the place of handles, in lists and tuples too."""
    if is_traced(value):
        return value.value[()] if value.scalar else value.value
    if type(value) is list or type(value) is tuple:
        return type(value)(plain(item) for item in value)
    return value


def plain_index(at: Any) -> Any:
    """An index without handles: a traced one chooses by its value."""
    if is_traced(at):
        return at.chosen()
    if isinstance(at, tuple):
        return tuple(plain_index(item) for item in at)
    if isinstance(at, list):
        return [plain_index(item) for item in at]
    return at


class TraceError(BpxError):
    """A function that cannot be traced; its diagnostic points at the line."""


def _variables(local: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Local variables, and what stands under a name in objects and dicts that they hold."""
    for name, value in local.items():
        yield name, value
    for name, value in local.items():
        if isinstance(value, dict):
            yield from ((key, item) for key, item in value.items() if isinstance(key, str))
        elif name == "self":
            yield from vars(value).items() if hasattr(value, "__dict__") else ()


def agree(result: Any, expected: Any, args: Iterable[Any], tolerance: float) -> bool:
    """Whether two arrays are equal up to the rounding of what they were computed from."""
    with np.errstate(all="ignore"):
        if np.array_equal(result, expected):
            return True
        scale = max(map(_largest, [expected, *args]))
        same = (result == expected) | (np.abs(result - expected) <= tolerance * scale)
    return bool(np.all(same | (np.isnan(result) & np.isnan(expected))))


def _largest(array: Any) -> float:
    numbers = np.asarray(array, dtype=float)
    return float(np.max(np.abs(numbers), initial=0.0, where=np.isfinite(numbers)))
