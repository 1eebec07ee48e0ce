"""Python → part, by Python's own parser; nothing is run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from typing import TypeGuard

from bpx.graph.numbers import CONSTANTS as BPX_CONSTANTS
from bpx.spec.notations.python.calls import Called, part_of
from bpx.spec.notations.python.names import AS_LIST, CONSTANTS, KEPT, MODULES
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import (
    Part,
    atom,
    call,
    indexed,
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
_MOST_NESTED = 60
_LONGEST = 10_000


def translated(content: str, known: Known) -> tuple[Part, bool]:
    """The part that an expression of Python means, and whether no other reading is as usual.

    Raises `Unreadable`, `Asking`, `Refusing`.
    """
    if not content.strip() or len(content) > _LONGEST or "\0" in content:
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


class _Reader:
    def __init__(self, content: str, text: str, raised: Sequence[int], known: Known) -> None:
        self.content, self.known = content, known
        self.raised = [at + i for i, at in enumerate(raised)]  # in the text that Python read
        self.lines = [line.encode() for line in f"({text}\n)".split("\n")]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line.decode()) + 1)
        self.certain = True
        self.depth = 0

    def place(self, line: int, column: int) -> int:
        """Python's line and column (in bytes) as an offset of what was typed."""
        at = self.starts[line - 1] + len(self.lines[line - 1][:column].decode()) - 1
        return min(max(at - sum(other < at for other in self.raised), 0), len(self.content))

    def bounds(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        end = self.place(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        return self.place(node.lineno, node.col_offset), end

    def part(self, node: ast.expr) -> Part:
        self.depth += 1
        if self.depth > _MOST_NESTED:
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
                return self.part(operand)
            case ast.BinOp(left, op, right):
                return self.binary(op, self.part(left), self.part(right), start, end)
            case ast.Compare(left, ops, others):
                return self.comparison([self.part(operand) for operand in (left, *others)], ops)
            case ast.IfExp(test, body, orelse):
                return call("where", tuple(map(self.part, (test, body, orelse))), start, end)
            case ast.Call():
                return self.call(node)
            case ast.Subscript(value, index):
                return self.index(self.part(value), index, end)
            case ast.List() | ast.Tuple():
                return atom(self.list(node), start, end)
            case ast.Lambda(_, body):
                self.certain = False
                return self.part(body)
        raise self.refused(node)

    def refused(self, node: ast.expr) -> Refusing:
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
        if re.fullmatch(r"[\w.]+", full) and module not in MODULES:
            return atom(full.removeprefix("self."), start, end)
        raise Refusing("unknown-function", start, end, "list-ops", name=full)

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
        if isinstance(op, ast.BitAnd):
            return infix(left, "*", right)
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

    # --- calls ---

    def call(self, node: ast.Call) -> Part:
        start, end = self.bounds(node)
        if isinstance(node.func, ast.Call) and not node.func.args:  # nn.ReLU()(x)
            keywords = [*node.func.keywords, *node.keywords]
            node = ast.copy_location(ast.Call(node.func.func, node.args, keywords), node)
        module, name, receiver = self.callee(node.func)
        if name in AS_LIST and node.args and isinstance(node.args[0], ast.List):
            return atom(self.list(node.args[0]), start, end)
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
        if name in KEPT and receiver:
            args = args[:1]
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

    def list(self, node: ast.expr) -> str:
        """A list of numbers as it is written; only numbers may stand in it."""
        if isinstance(node, ast.List | ast.Tuple):
            return f"[{', '.join(map(self.list, node.elts))}]"
        part = self.part(node)
        if not isinstance(node, ast.Constant | ast.UnaryOp):
            raise Refusing("bad-list", part.start, part.end, None, found=f"`{part.text}`")
        return part.text

    def index(self, part: Part, node: ast.expr, end: int) -> Part:
        entries = list(node.elts) if isinstance(node, ast.Tuple) else [node]
        if len(entries) == 2 and ast.unparse(entries[0]) == "..." and self.is_new_axis(entries[1]):
            return call("unsqueeze", (part,), part.start, end, ["axis=-1"])
        new_axes = [i for i, entry in enumerate(entries) if self.is_new_axis(entry)]
        texts = [self.index_text(entry) for entry in entries if not self.is_new_axis(entry)]
        if any(text != ":" for text in texts):
            part = indexed(part, ", ".join(texts), end)
        for at in new_axes:
            part = call("unsqueeze", (part,), part.start, end, [f"axis={at}"])
        if new_axes and (any(text not in (":",) for text in texts)):
            raise Refusing("not-a-formula", part.start, end, help="see-expressions")
        return part

    def is_new_axis(self, node: ast.expr) -> bool:
        return (isinstance(node, ast.Constant) and node.value is None) or ast.unparse(node) == "np.newaxis"

    def index_text(self, node: ast.expr) -> str:
        text = ast.unparse(node)
        if not re.fullmatch(r"-?\d+|(?:-?\d*)(?::-?\d*){1,2}|\.\.\.", text.replace("Ellipsis", "...")):
            start, end = self.bounds(node)
            raise Refusing("not-an-index", start, end, "index-by-value", index=text)
        return text.replace("Ellipsis", "...")


def _is_written_list(node: ast.expr) -> TypeGuard[ast.List | ast.Tuple]:
    return isinstance(node, ast.List | ast.Tuple) and not _is_numeric(node)


def _is_numeric(node: ast.expr) -> bool:
    kinds = ast.Constant | ast.UnaryOp | ast.USub | ast.List | ast.Tuple | ast.Load
    return all(isinstance(child, kinds) for child in ast.walk(node))
