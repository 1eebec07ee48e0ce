"""Parsed expressions: trees of small nodes that never change.

Convention: `start … end` (end excluded) are the characters of the expression's text that a node stands for,
without brackets around it; these are a `Group`. Trees may be 100,000 nodes deep, so nothing here recurses:
`postorder` and `fold` keep a stack, two nodes are equal where they are the same object, and pickles are flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Span

T = TypeVar("T")


def _node(kind: Any) -> Any:
    """A kind of node: a named tuple (a frozen dataclass takes twice as long to make) that is not a sequence.

    What tuples do with all that is in them, comparing, hashing and printing it, would recurse.
    """
    kind.__eq__, kind.__ne__, kind.__hash__ = object.__eq__, object.__ne__, object.__hash__
    kind.__repr__ = lambda node: f"<{kind.__name__} {node.start}:{node.end}>"
    kind.__reduce__ = lambda node: (_assembled, (list(map(_disassembled, postorder(node))),))
    return kind


# --- the kinds of nodes; `args` are the nodes that one has itself, from left to right -----------

NoArgs: TypeAlias = tuple[()]  # of the leaves; a field of each, since named tuples cannot inherit one


@_node
class Number(NamedTuple):
    """`2`, `-1.5`."""

    value: float
    start: int
    end: int
    args: NoArgs = ()


@_node
class NumberList(NamedTuple):
    """`[[1, 2], [3, 4]]`: a nest of lists of numbers."""

    value: list[Any]
    start: int
    end: int
    args: NoArgs = ()


@_node
class Quoted(NamedTuple):
    """`'ij,jk->ik'`, which only settings may be."""

    value: str
    start: int
    end: int
    args: NoArgs = ()


@_node
class Name(NamedTuple):
    """`x`, `h.z`."""

    name: str
    start: int
    end: int
    args: NoArgs = ()


@_node
class Group(NamedTuple):
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


@_node
class Call(NamedTuple):
    """An op and what it is applied to: `exp(x)`, `x + y`, `-x`, `x.T`, `x[0]`, `|x|`, each by the op's name.

    The args of a step that is written out as a table stand outside of it, which is then the name of the op.
    """

    op: str
    args: tuple[Node, ...]
    settings: tuple[Setting, ...]
    start: int
    end: int


@_node
class SplitPart(NamedTuple):
    """A part, from 1 on, of the split whose first part has the name that is the only arg."""

    args: tuple[Name]
    part: int
    start: int
    end: int


Literal = Number | NumberList | Quoted  # a value, or a setting where it stands behind the args of a call
Node = Literal | Name | Group | Call | SplitPart


def grouped(node: Node, start: int, end: int) -> Group:
    """The node in brackets; those that it has already are inside of them and of no more use."""
    return Group((ungrouped(node),), start, end)


def ungrouped(node: Node) -> Node:
    """The node without the brackets around it."""
    return node.args[0] if isinstance(node, Group) else node


def placed(node: Name | Literal, at: Node) -> Name | Literal:
    """The node at the place of another one."""
    return node._replace(start=at.start, end=at.end)


def with_args(node: Node, args: Sequence[Node]) -> Node:
    """The node with other args; itself where they are its own."""
    if all(new is old for new, old in zip(args, node.args, strict=True)):
        return node
    return node._replace(args=tuple(args))  # type: ignore[arg-type]


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
    """The kind of a node, how many args it has, and what else there is to it."""
    return type(node), len(node.args), {**node._asdict(), "args": None}


def _assembled(parts: list[tuple[Any, int, dict[str, Any]]]) -> Node:
    """The tree of what `_disassembled` made of its nodes in postorder."""
    nodes: list[Node] = []
    for kind, count, facts in parts:
        first = len(nodes) - count
        facts["args"] = tuple(nodes[first:])
        nodes[first:] = [kind(*(facts[name] for name in kind._fields))]
    return nodes.pop()


# --- expressions --------------------------------------------------------------------------------


class Expression(NamedTuple):
    """A parsed expression: its text and its tree."""

    text: SourceText
    root: Node

    def names(self) -> list[str]:
        """The names it uses, each once, in order of appearance."""
        return list(dict.fromkeys(node.name for node in self.name_nodes()))

    def name_nodes(self) -> Iterator[Name]:
        """The names in it, each as often as it is written."""
        return (node for node in postorder(self.root) if isinstance(node, Name))

    def calls(self) -> Iterator[Call]:
        """The calls in it, each behind those in its args."""
        return (node for node in postorder(self.root) if isinstance(node, Call))

    @property
    def span(self) -> Span:
        """The whole of its text."""
        return self.text.span(0, len(self.text.content))
