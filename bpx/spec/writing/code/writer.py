"""Nodes of a graph → lines of Python, one for each that has a name, is used twice or would be too long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from bpx.graph.arrays import Settings, Shape
from bpx.graph.graph import CONSTANT, INPUT, OPS, Graph, Op
from bpx.graph.subgraph import Subgraph, expansion
from bpx.ops.elementwise.arithmetic import contribution
from bpx.spec.writing.code.call import Call
from bpx.spec.writing.code.expression import (
    ATOM,
    MINUS,
    PRODUCT,
    Code,
    array_code,
    as_float,
    literal,
)
from bpx.spec.writing.code.libraries import Library
from bpx.spec.writing.code.names import Identifiers, ModuleNames
from bpx.spec.writing.code.rows import ROWS

_MOST_IN_A_LINE = 7  # ops: a longer formula is cut, and what is cut off gets a line of its own
_MOST_CHARACTERS = 80
_MINUS_ONE = Code("-1", MINUS, "literal")
_PLAIN_NUMBERS = ("add", "sub", "mul", "div", "pow", "where", "lt", "le", "gt", "ge", "eq", "ne")


_LONGEST_LINE = 100


def _without_signs(text: str) -> str:
    """Text in which what bpx and Python spell in different ways is the same, of the same length."""
    return text.replace(".", "_")


class Module:
    """What the functions of a module share: the library, and the helpers that they call.

    `made` are functions that stand for composite ops, by op, shapes and settings.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.names = ModuleNames(library.helpers)
        self.made: dict[Any, str] = {}
        self.sources: list[str] = []

    def function_of(self, op: Op, shapes: tuple[Shape, ...], settings: Settings) -> str:
        """The name of a function for an op without a row, which is written where it is not yet there."""
        key = (op, shapes, tuple(settings.items()))
        if key not in self.made:
            inside = _inside(op, shapes, settings)
            self.made[key] = name = self.names.function(op.name)
            self.sources.append(self._source(name, op, inside))
        return self.made[key]

    def _source(self, name: str, op: Op, inside: Subgraph) -> str:
        identifiers = Identifiers(self.names)
        args = {node: identifiers.of(_arg_name(op, at)) for at, node in enumerate(inside.args)}
        writer = Writer(self, inside.graph, args, identifiers)
        writer.count_uses([inside.root])
        root = writer.code(inside.root).as_number
        lines = [*writer.lines, self.library.spelled(f"return {root.text}")]
        return function(name, args.values(), lines)


def function(name: str, args: Iterable[str], lines: Iterable[str]) -> str:
    """The source of a function; a line may be several."""
    body = "".join(f"    {line}\n" for text in lines for line in text.split("\n"))
    return f"def {name}({', '.join(args)}):\n{body}"


def _arg_name(op: Op, at: int) -> str:
    if op.variadic and at >= len(op.args):
        return f"{op.args[-1]}{at}"
    return op.args[at]


def _inside(op: Op, shapes: tuple[Shape, ...], settings: Settings) -> Subgraph:
    """What the op is made of; where its value is computed by other parts than its derivative, those."""
    return expansion(op, shapes, settings, as_computed=True)


class Writer:
    """Writes nodes of one graph in one function; `names` are the nodes that have an identifier."""

    def __init__(
        self,
        module: Module,
        graph: Graph,
        names: Mapping[int, str],
        identifiers: Identifiers,
        whole: Iterable[int] = (),
        values: Mapping[int, Any] | None = None,
    ) -> None:
        self.module, self.graph, self.identifiers = module, graph, identifiers
        self.codes = {node: Code(name) for node, name in names.items()}
        self.values = values or {}
        self.lines: list[str] = []
        self.whole = {names[node] for node in whole}
        self.bound = set(names)  # nodes that a name stands for
        self.read = set[int]()  # those whose name was written
        self.uses: dict[int, int] = {}
        self.temporary: Callable[[int], str] = lambda node: identifiers.of("t")

    def count_uses(self, targets: Iterable[int]) -> None:
        """Note how often each node that the targets need is used."""
        for node in self.graph.needs(of=targets):
            for arg in self._args(node):
                self.uses[arg] = self.uses.get(arg, 0) + 1

    def _args(self, node: int) -> tuple[int, ...]:
        return self.graph.args[node][self.graph.ops[node].quoted :]

    def bind(self, node: int, name: str, comment: str = "") -> None:
        """A line that gives the node a name; one that has a name already gets a second one."""
        if node in self.bound:
            self.line(name, self._seen(node), comment)
            return
        code = self._named(node, self.code(node, open_root=True))
        self.lines.append(self._line(name, code, comment))
        self.codes[node] = Code(name)
        self.bound.add(node)

    def line(self, name: str, code: Code, comment: str = "") -> None:
        """A line that is not a node's alone."""
        self.lines.append(self._line(name, code, comment))

    def _named(self, node: int, code: Code) -> Code:
        if code.kind == "literal":
            return Code(f"np.array({as_float(code).text})")
        return code.as_number

    def _line(self, name: str, code: Code, comment: str) -> str:
        text = self.module.library.spelled(f"{name} = {code.text}")
        if _without_signs(comment).startswith(_without_signs(text)):  # the line says it by itself
            comment = (
                comment[len(text) :].lstrip(", ") if _without_signs(comment) != _without_signs(text) else ""
            )
        if comment and len(text) + len(comment) > _LONGEST_LINE:
            return f"# {comment}\n{text}"
        return f"{text}  # {comment}" if comment else text

    def code(self, node: int, *, open_root: bool = False) -> Code:
        """The code of a node; of what it needs, all lines that have to stand before are written."""
        if open_root:
            self.codes.pop(node, None)
        for inner in self._needed(node):
            code = self._written(inner)
            if inner != node and self._wants_line(inner, code):
                name = self.temporary(inner)
                self.lines.append(self._line(name, self._named(inner, code), ""))
                self.bound.add(inner)
                code = Code(name)
            self.codes[inner] = code
        return self._seen(node)

    def _needed(self, node: int) -> list[int]:
        """The nodes that have no code yet, in order."""
        needed, waiting = set[int](), [node]
        while waiting:
            at = waiting.pop()
            if at not in needed and at not in self.codes:
                needed.add(at)
                waiting += self._args(at)
        return sorted(needed)

    def _seen(self, node: int) -> Code:
        if node in self.bound:
            self.read.add(node)
        return self.codes[node]

    def _wants_line(self, node: int, code: Code) -> bool:
        if self.graph.ops[node] is CONSTANT or (code.precedence == ATOM and code.text.endswith(".T")):
            return "\n" in code.text or (len(code.text) > _MOST_CHARACTERS // 2)
        if code.ops == 0:
            return False
        is_long = code.ops > _MOST_IN_A_LINE or len(code.text) > _MOST_CHARACTERS
        return self.uses.get(node, 0) > 1 or is_long

    def _written(self, node: int) -> Code:
        op = self.graph.ops[node]
        if op is CONSTANT:
            value = self.graph.constants[node]
            return array_code(value) if value.ndim else literal(float(value))
        if op is INPUT:
            raise KeyError(node)
        if op.quoted:
            return self._seen(self._args(node)[0])
        args = tuple(self._seen(arg) for arg in self._args(node))
        code = self._shorter(node, args) or self._row(node, op, self._as_numbers(op, args))
        return code._replace(ops=1 + sum(arg.ops for arg in args))

    def _shorter(self, node: int, args: tuple[Code, ...]) -> Code | None:
        """A product as people write it: by -1 as a minus, by 1/x as a quotient."""
        op, nodes = self.graph.ops[node], self._args(node)
        if op.name == "transpose" and self._is_turned_back(node, nodes[0]):
            return self._seen(self._args(nodes[0])[0])
        if op.name != "mul" or (op is contribution and not self._is_finite(nodes[1])):
            return None
        for at, other in ((1, 0), (0, 1)):
            factor = args[other].as_number
            if args[at] == _MINUS_ONE and factor.kind == "array":
                return Code(f"-{factor.within(MINUS)}", MINUS)
            if at and self._is_reciprocal(nodes[at]) and factor.kind == "array":
                denominator = self.codes[self._args(nodes[at])[1]].as_number
                return Code(f"{factor.within(PRODUCT)} / {denominator.within(PRODUCT + 1)}", PRODUCT)
        return None

    def _is_turned_back(self, node: int, arg: int) -> bool:
        """Is it the transpose of a transpose without a name, in the order of before?"""
        if self.graph.ops[arg] is not self.graph.ops[node] or arg in self.bound:
            return False
        first, second = self.graph.settings[arg]["axes"], self.graph.settings[node]["axes"]
        return [first[axis] for axis in second] == list(range(len(first)))

    def _is_reciprocal(self, node: int) -> bool:
        """Is it 1/x, and has no name?"""
        if self.graph.ops[node].name != "div" or node in self.bound:
            return False
        numerator, denominator = self._args(node)
        constant = self.graph.constants.get(numerator)
        if constant is None or constant.ndim or constant != 1:
            return False
        return self.codes[denominator].kind == "array"

    def _as_numbers(self, op: Op, args: tuple[Code, ...]) -> tuple[Code, ...]:
        """The args with 1 and 0 in place of truths where it matters, and numbers in the library's arrays."""
        kinds = [arg.kind for arg in args]
        if op.name == "mul" and sorted(kinds) == ["array", "truth"]:
            return args
        is_where = op.name == "where"
        args = tuple(arg if is_where and not at else arg.as_number for at, arg in enumerate(args))
        is_plain = op.name in _PLAIN_NUMBERS and ("array" in kinds or "truth" in kinds)
        if is_plain or not (self.module.library.wraps or op.name in _PLAIN_NUMBERS):
            return args
        return tuple(
            Code(f"np.array({as_float(arg).text})") if arg.kind == "literal" else arg for arg in args
        )

    def _row(self, node: int, op: Op, args: tuple[Code, ...]) -> Code:
        graph = self.graph
        shapes = tuple(graph.shapes[arg] for arg in self._args(node))
        if op is contribution and not self._is_finite(self._args(node)[1]):
            return Code(f"times({args[0].text}, {as_float(args[1]).text})")
        settings = graph.settings[node]
        if op.name in ROWS and (OPS.get(op.name) is op or op is contribution):  # a spec may state its own
            call = Call(args, shapes, {**settings, "whole": self.whole}, graph.shapes[node], self.library)
            return ROWS[op.name](call)
        name = self.module.function_of(op, shapes, settings)
        return Code(f"{name}({', '.join(as_float(arg).text for arg in args)})")

    @property
    def library(self) -> str:
        """The name of the library."""
        return self.module.library.name

    def _is_finite(self, node: int) -> bool:
        value = self.values.get(node)
        return value is None or bool(np.all(np.isfinite(value)))
