"""Python → part, by Python's own parser; nothing is run."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeGuard

from bpx.graph.numbers import CONSTANTS as BPX_CONSTANTS
from bpx.spec.notations.python.called import Called
from bpx.spec.notations.python.calls import part_of
from bpx.spec.notations.python.indices import IndexReader
from bpx.spec.notations.python.names import AS_LIST, CONSTANTS, MODULES
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import (
    Part,
    atom,
    call,
    infix,
    negated,
    number,
    transposed,
)
from bpx.spec.notations.translation.stopping import Refusing, Unreadable

_INFIX: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "^",
    ast.MatMult: "@",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_WORDS = {True: "true", False: "false", None: "none"}
_COMPARING = infix(atom("x", 0, 0), "<", atom("y", 0, 0)).binding
_LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n]|$)")  # to Python a line ends at \r, too
MOST_NESTED = 60
LONGEST = 10_000


def translated(content: str, known: Known) -> tuple[Part, bool]:
    """The part that an expression of Python means, and whether no other reading is as usual.

    Raises `Unreadable`, `Asking`, `Refusing`.
    """
    if not content.strip() or len(content) > LONGEST or "\0" in content:
        raise Unreadable
    raised = [match.start() for match in re.finditer(r"\^", content)]
    # ^ is a power to whoever types a formula; Python would take it for the exclusive or of bits.
    text = content.replace("^", "**")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(f"({text}\n)", mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Unreadable from None
    reader = _Reader(content, text, raised, known)
    part = reader.part(tree.body)
    return part, reader.certain and not raised


class _Reader(IndexReader):
    def __init__(self, content: str, text: str, raised: Sequence[int], known: Known) -> None:
        self.content, self.known = content, known
        self.raised = [at + i for i, at in enumerate(raised)]  # in the text that Python read
        lines = _LINE.findall(f"({text}\n)")
        self.lines = [line.encode() for line in lines]
        self.starts = [0, *accumulate(map(len, lines))]
        self.certain = True
        self.depth = 0

    def place(self, line: int, column: int) -> int:
        """Python's line and column (in bytes) as an offset of what was typed."""
        at = self.starts[line - 1] + len(self.lines[line - 1][:column].decode()) - 1
        return min(max(at - sum(other < at for other in self.raised), 0), len(self.content))

    def bounds(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """Where a node starts and ends."""
        end = self.place(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        return self.place(node.lineno, node.col_offset), end

    def part(self, node: ast.expr) -> Part:
        """What a node of Python's tree means."""
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise Unreadable
        start, end = self.bounds(node)
        part = self.read(node)
        self.depth -= 1
        return part._replace(start=min(start, part.start), end=max(end, part.end))

    def read(self, node: ast.expr) -> Part:
        start, end = self.bounds(node)
        match node:
            case ast.Constant(value):
                return self.constant(value, start, end)
            case ast.Name(name):
                return self.name(name, start, end)
            case ast.Attribute():
                return self.attribute(node)
            case ast.UnaryOp(ast.USub(), operand):
                return self.minus(operand, start)
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.operand(operand)
            case ast.UnaryOp(ast.Invert(), operand):
                return self.opposite(operand, start)
            case ast.BinOp(left, op, right):
                return self.binary(op, self.operand(left), self.operand(right), start, end)
            case ast.BoolOp(op, values):
                return self.both(isinstance(op, ast.And), [self.comparing(value) for value in values])
            case ast.UnaryOp(ast.Not(), operand):
                return infix(atom("1", start, start + 1), "-", self.comparing(operand))
            case ast.Compare(left, ops, others):
                return self.comparison([self.operand(operand) for operand in (left, *others)], ops)
            case ast.IfExp(test, body, orelse):
                return self.choice(self.part(test), self.part(body), self.part(orelse), start, end)
            case ast.Call():
                return self.call(node)
            case ast.Subscript(value, index):
                return self.subscript(value, index, end)
            case ast.List() | ast.Tuple():
                return atom(self.list(node), start, end)
            case ast.Lambda(_, body):
                self.certain = False
                return self.part(body)
        raise self.refused(node)

    def refused(self, node: ast.expr) -> Refusing:
        """What a formula cannot contain, to be raised."""
        return Refusing("not-a-formula", *self.bounds(node), help="see-expressions")

    def constant(self, value: object, start: int, end: int) -> Part:
        if value is None or isinstance(value, bool):
            return atom(_WORDS[value], start, end)
        if isinstance(value, str):
            return atom(f"'{value}'", start, end)
        if isinstance(value, int | float):
            text = self.content[start:end].replace("_", "")
            return number(text if re.fullmatch(r"[\d.]+(?:[eE][-+]?\d+)?", text) else repr(value), start, end)
        raise Refusing("not-a-formula", start, end, help="see-expressions")

    def name(self, name: str, start: int, end: int) -> Part:
        return atom(name, start, end)

    def minus(self, operand: ast.expr, start: int) -> Part:
        part = self.part(operand)
        if isinstance(operand, ast.Constant):
            return number(f"-{part.text}", start, part.end)
        return negated(part, start)

    def operand(self, node: ast.expr) -> Part:
        """The part of what is calculated with: `True` is 1."""
        part = self.part(node)
        if part.text in ("none", "inf") or part.text.startswith("'"):
            raise self.refused(node)
        numbers = {"true": "1", "false": "0"}
        return atom(numbers[part.text], part.start, part.end) if part.text in numbers else part

    def comparing(self, node: ast.expr) -> Part:
        """A comparison: `and` of numbers is one of them."""
        part = self.part(node)
        if not isinstance(node, ast.Compare | ast.BoolOp):
            raise self.refused(node)
        return part

    def both(self, is_and: bool, parts: Sequence[Part]) -> Part:
        """1 where all of the comparisons hold, or one of them."""
        self.certain &= all(map(_is_comparison, parts))
        first = parts[0]
        for part in parts[1:]:
            first = infix(first, "*", part) if is_and else call("max", (first, part), first.start, part.end)
        return first

    def opposite(self, node: ast.expr, start: int) -> Part:
        """`~mask` is 1 where the mask is 0; of numbers it would turn bits."""
        part = self.operand(node)
        one = atom("1", start, start + 1)
        self.certain &= isinstance(node, ast.Compare)
        return infix(one, "-", part)

    def attribute(self, node: ast.Attribute) -> Part:
        start, end = self.bounds(node)
        full = ast.unparse(node)
        module, _, name = full.rpartition(".")
        if full in self.known:
            return atom(full, start, end)
        if module in MODULES and name in CONSTANTS:
            return self.constant_of(name, start, end)
        if module in MODULES and name == "inf":
            return atom("inf", start, end)
        if node.attr in ("T", "mT"):
            return transposed(self.part(node.value), end)
        if isinstance(node.value, ast.Name) and self.known.shapes.get(module) is not None:
            return self.fact(node)
        if isinstance(node.value, ast.Call) and node.attr == "values":  # of PyTorch's max over an axis
            return self.part(node.value)
        if re.fullmatch(r"[\w.]+", full) and module not in MODULES:
            return atom(full.removeprefix("self."), start, end)
        raise Refusing("unknown-function", start, end, "list-ops", name=full)

    def fact(self, node: ast.Attribute) -> Part:
        """`x.size` of a known array; other attributes are refused."""
        start, end = self.bounds(node)
        part = self.part(node.value)
        shape = self.known.shape(part)
        sizes = {} if shape is None else {"size": math.prod(shape), "ndim": len(shape)}
        if node.attr in sizes:
            return atom(str(sizes[node.attr]), start, end)
        if node.attr in ("real", "data"):
            return part
        raise Refusing("not-a-formula", start, end, help="see-expressions")

    def constant_of(self, name: str, start: int, end: int) -> Part:
        text = CONSTANTS[name]
        if text in self.known:  # somebody's own `e`
            text = repr(BPX_CONSTANTS[text])
        return atom(text, start, end)

    def binary(self, op: ast.operator, left: Part, right: Part, start: int, end: int) -> Part:
        if isinstance(op, ast.FloorDiv):
            self.certain = False  # Python divides without rounding: 1 // 0.1 is 9
            return call("floor", (infix(left, "/", right),), start, end)
        if isinstance(op, ast.Mod):
            return call("mod", (left, right), start, end)
        if isinstance(op, ast.BitAnd | ast.BitOr) and any(map(_is_comparison, (left, right))):
            return self.both(isinstance(op, ast.BitAnd), [left, right])
        if type(op) not in _INFIX:
            raise Refusing("not-a-formula", start, end, help="see-expressions")
        return infix(left, _INFIX[type(op)], right)

    def comparison(self, operands: Sequence[Part], ops: Sequence[ast.cmpop]) -> Part:
        """`a < b < c` holds where both do."""
        self.certain &= len(ops) == 1
        parts = []
        for left, op, right in zip(operands, ops, operands[1:], strict=False):
            if type(op) not in _INFIX:
                raise Refusing("not-a-formula", left.start, right.end, help="see-expressions")
            parts.append(infix(left, _INFIX[type(op)], right))
        product = parts[0]
        for part in parts[1:]:
            product = infix(product, "*", part)
        return product

    def choice(self, test: Part, body: Part, orelse: Part, start: int, end: int) -> Part:
        """`x if x > 0 else y`; `where` would give both the shape of the larger one."""
        part = call("where", (test, body, orelse), start, end)
        shapes = [self.known.shape(branch) for branch in (body, orelse)]
        if self.known.shape(test) == () and None not in shapes and shapes[0] != shapes[1]:
            raise Refusing("branches-of-two-shapes", start, end, "write-where", where=part.text)
        return part

    # --- calls ---

    def call(self, node: ast.Call) -> Part:
        start, end = self.bounds(node)
        if isinstance(node.func, ast.Call) and not node.func.args:  # nn.ReLU()(x)
            keywords = [*node.func.keywords, *node.keywords]
            node = ast.copy_location(ast.Call(node.func.func, node.args, keywords), node)
        module, name, receiver = self.callee(node.func)
        if name in AS_LIST and node.args and isinstance(node.args[0], ast.List):
            return self.array(node.args[0])
        if (
            name == "sum"
            and not module
            and not receiver
            and len(node.args) == 1
            and _is_written_list(node.args[0])
        ):
            return self.arg(node.args[0], name)[0]  # Python's own, which adds what the list holds
        args = [arg for node_arg in node.args for arg in self.arg(node_arg, name)]
        args = [receiver, *args] if receiver else args
        settings = {keyword.arg or "**": self.setting(keyword.value) for keyword in node.keywords}
        if "**" in settings:
            raise self.refused(node)
        named = [settings.pop(key) for key in ("input", "x", "a", "target", "other") if key in settings]
        called = Called(name, module, [*args, *named], settings, start, end, receiver is not None, self.known)
        if not called.args:
            raise Refusing("unknown-function", start, end, "list-ops", name=name)
        if not module and not receiver and name in self.known and name not in self.known.ops:
            raise Unreadable
        return part_of(called)

    def callee(self, func: ast.expr) -> tuple[str, str, Part | None]:
        """The module of a function, its name, and what it is a method of."""
        if isinstance(func, ast.Name):
            return "", func.id, None
        if not isinstance(func, ast.Attribute):
            raise self.refused(func)
        before = ast.unparse(func.value)
        if before in MODULES and before not in self.known:
            return before, func.attr, None
        return "", func.attr, self.part(func.value)

    def arg(self, node: ast.expr, name: str) -> list[Part]:
        """An arg; the list that `max([x, y])` and `stack([x, y])` are given, one by one."""
        joins = name in ("stack", "cat", "concat", "concatenate", "max", "min", "hstack", "vstack")
        if joins and isinstance(node, ast.List | ast.Tuple):
            return [self.part(element) for element in node.elts]
        if name == "sum" and _is_written_list(node):
            first, *others = (self.part(element) for element in node.elts)
            for part in others:
                first = infix(first, "+", part)
            return [first]
        if isinstance(node, ast.Starred | ast.GeneratorExp):
            raise self.refused(node)
        return [self.part(node)]

    def setting(self, node: ast.expr) -> Part:
        return self.part(node)

    # --- lists and indices ---

    def array(self, node: ast.List) -> Part:
        """`np.array([1, 2])`, and of values, `np.array([x, y])`, the stack of them."""
        start, end = self.bounds(node)
        if _is_numeric(node) or not node.elts:
            return atom(self.list(node), start, end)
        rows = [self.array(row) if isinstance(row, ast.List) else self.operand(row) for row in node.elts]
        return call("stack", rows, start, end)

    def list(self, node: ast.expr) -> str:
        """A list of numbers as it is written; only numbers may stand in it."""
        if isinstance(node, ast.List | ast.Tuple):
            return f"[{', '.join(map(self.list, node.elts))}]"
        part = self.part(node)
        if not isinstance(node, ast.Constant | ast.UnaryOp):
            raise Refusing("bad-list", part.start, part.end, "group-by-parentheses", found=f"`{part.text}`")
        return part.text


def _is_comparison(part: Part) -> bool:
    return part.binding == _COMPARING


def _is_written_list(node: ast.expr) -> TypeGuard[ast.List | ast.Tuple]:
    return isinstance(node, ast.List | ast.Tuple) and not _is_numeric(node)


def _is_numeric(node: ast.expr) -> bool:
    kinds = ast.Constant | ast.UnaryOp | ast.USub | ast.List | ast.Tuple | ast.Load
    return all(isinstance(child, kinds) for child in ast.walk(node))
