"""Parsed expressions: trees of small nodes that never change.

Convention: `start … end` (end excluded) are the characters of the expression's text that a node stands for,
without brackets around it; these are a `Group`. Trees may be 100,000 nodes deep, so nothing here recurses:
`postorder` and `fold` keep a stack, two nodes are equal where they are the same object, and pickles are flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, TypeVar

from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Span

T = TypeVar("T")
N = TypeVar("N", bound="Node")


class Node:
    """A part of an expression; `args` are the parts that it has itself, from left to right."""

    __slots__ = ()
    args: tuple[Node, ...]
    start: int
    end: int

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.start}:{self.end}>"

    def __reduce__(self) -> Any:
        return _assembled, (list(map(_disassembled, postorder(self))),)


class Leaf(Node):
    """A node without args."""

    __slots__ = ()
    args = ()


class Literal(Leaf):
    """Something that is written out; a value, or a setting where it stands behind the args of a call."""

    __slots__ = ()
    value: Any


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Literal):
    """`2`, `-1.5`."""

    value: float
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NumberList(Literal):
    """`[[1, 2], [3, 4]]`: a nest of lists of numbers."""

    value: list[Any]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quoted(Literal):
    """`'ij,jk->ik'`, which only settings may be."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(Leaf):
    """`x`, `h.z`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Group(Node):
    """Brackets around something, `(x + y)`; of several pairs, `((x))`, the outermost."""

    args: tuple[Node]
    start: int
    end: int


class Setting(NamedTuple):
    """`axis=0` in a call; the value may be an index: a tuple of whole numbers, slices and `...`."""

    name: str
    value: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(Node):
    """An op and what it is applied to: `exp(x)`, `x + y`, `-x`, `x.T`, `x[0]`, `|x|`, each by the op's name.

    The args of a step that is written out as a table stand outside of it, which is then the name of the op.
    """

    op: str
    args: tuple[Node, ...]
    settings: tuple[Setting, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SplitPart(Node):
    """A part, from 1 on, of the split whose first part has the name that is the only arg."""

    args: tuple[Name]
    part: int
    start: int
    end: int


def grouped(node: Node, start: int, end: int) -> Group:
    """The node in brackets; those that it has already are inside of them and of no more use."""
    return Group((ungrouped(node),), start, end)


def ungrouped(node: Node) -> Node:
    """The node without the brackets around it."""
    return node.args[0] if isinstance(node, Group) else node


def placed(node: N, at: Node) -> N:
    """The node at the place of another one."""
    return replace(node, start=at.start, end=at.end)  # type: ignore[type-var]


def with_args(node: Node, args: list[Node]) -> Node:
    """The node with other args; itself where they are its own."""
    if all(new is old for new, old in zip(args, node.args, strict=True)):
        return node
    return replace(node, args=tuple(args))  # type: ignore[type-var]


# --- walking ------------------------------------------------------------------------------------


def postorder(root: Node) -> list[Node]:
    """The nodes of a tree, each behind its args, from left to right."""
    order: list[Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += node.args
    order.reverse()  # it was the preorder from right to left
    return order


def fold(root: Node, combine: Callable[[Node, list[T]], T]) -> T:
    """What `combine(node, results)` gives for the root; it is called in postorder, with those of the args."""
    results: list[T] = []
    for node in postorder(root):
        first = len(results) - len(node.args)
        results[first:] = [combine(node, results[first:])]
    return results.pop()


def _disassembled(node: Node) -> tuple[type[Node], int, dict[str, Any]]:
    """The class of a node, how many args it has, and what else there is to it."""
    names = [field.name for field in fields(node) if field.name != "args"]  # type: ignore[arg-type]
    return type(node), len(node.args), {name: getattr(node, name) for name in names}


def _assembled(parts: list[tuple[type[Any], int, dict[str, Any]]]) -> Node:
    """The tree of what `_disassembled` made of its nodes in postorder."""
    nodes: list[Node] = []
    for kind, count, facts in parts:
        first = len(nodes) - count
        args = {} if issubclass(kind, Leaf) else {"args": tuple(nodes[first:])}
        nodes[first:] = [kind(**args, **facts)]
    return nodes.pop()


# --- expressions --------------------------------------------------------------------------------


class Expression(NamedTuple):
    """A parsed expression: its text and its tree."""

    text: SourceText
    root: Node

    def names(self) -> list[str]:
        """The names it uses, each once, in order of appearance."""
        return list(dict.fromkeys(node.name for node in postorder(self.root) if isinstance(node, Name)))

    def calls(self) -> Iterator[Call]:
        """The calls in it, each behind those in its args."""
        return (node for node in postorder(self.root) if isinstance(node, Call))

    @property
    def span(self) -> Span:
        """The whole of its text."""
        return self.text.span(0, len(self.text.content))
