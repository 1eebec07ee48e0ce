"""What else a statement may say: its own text with one small change, of a kind that people forget or mix up.

Every text is Python, in the names that the statement's function knows. Which of them is right, if any, is for
others to try.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.code.lines.counts import arrays_at_hand, is_array, lengths_at_hand
from bpx.spec.code.lines.expressions import (
    COMPARISONS,
    OPERATORS,
    TWINS,
    calls,
    is_product_of_two,
    is_read,
    is_set,
    parsed,
    parts_of,
    products,
)
from bpx.spec.code.lines.index_edits import IndexEdits, axes_of, replaced

LONGEST_EDITED = 2_000  # characters of a statement: each of its edits is parsed as a whole
MOST_NAMES = 16  # arrays that may stand in for one another
_LOOSE = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp)


class Edit(NamedTuple):
    """A statement with one change, and how large the change is."""

    size: int
    text: str


SLIP, NAME, FACTOR, TERM = 0, 1, 1, 2  # a sign or a transpose; a name or a number; a factor; a term


def edits(text: str, scope: Mapping[str, Any], number: bool = False) -> Iterator[Edit]:
    """Statements, or heads of loops, that differ from this one in one place; the smallest changes first.

    What sets a `number`, as a length, is not multiplied by arrays.
    """
    tree = parsed(text)
    if tree is None or not text.isascii() or len(text) > LONGEST_EDITED:
        return
    edited = _Edited(text, tree, scope)
    seen = {text}
    for size, others in (
        (SLIP, edited.slips()),
        (NAME, edited.other_names()),
        (FACTOR, edited.other_factors(number)),
        (TERM, edited.other_terms(number)),
    ):
        for other in others:
            if other not in seen and parsed(other) is not None:
                seen.add(other)
                yield Edit(size, other)


class _Edited:
    """The changes of one statement; `scope` are the values of all names, attributes and items at hand."""

    def __init__(self, text: str, tree: ast.stmt, scope: Mapping[str, Any]) -> None:
        self._text, self._tree = text, tree
        self._arrays = arrays_at_hand(scope)
        self._numbers = {name: value for name, value in scope.items() if isinstance(value, float)}
        self._lengths = lengths_at_hand(scope, self._arrays, text)
        self._scope = scope
        self._index_edits = IndexEdits(text, scope, self._lengths)
        self._value: ast.expr | None = getattr(tree, "iter", None) or getattr(tree, "value", None)

    def _of(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._text, node) or ""

    def _put(self, node: ast.expr, other: str) -> str:
        """The statement with another text for one part; in parentheses only where they are needed."""
        start, end = node.col_offset, node.end_col_offset or 0
        before, after = self._text[:start], self._text[end:]
        texts = [f"{before}{other}{after}", f"{before}({other}){after}"]
        if before.endswith("(") and after.startswith(")"):
            texts = [f"{before[:-1]}{other}{after[1:]}", texts[0]]
        trees = [parsed(text) for text in texts]
        same = trees[0] and trees[1] and ast.dump(trees[0]) == ast.dump(trees[1])
        return texts[0] if same else texts[1]

    def _put_everywhere(self, node: ast.expr, other: str) -> Iterator[str]:
        """The statement with another text for a part, there and wherever it stands."""
        yield self._put(node, other)
        same = [one for one in self._nodes() if self._of(one) == self._of(node)]
        if len(same) > 1:
            yield replaced(self._text, [(one, other) for one in same])

    def _tight(self, node: ast.expr) -> str:
        text = self._of(node)
        return f"({text})" if isinstance(node, _LOOSE) else text

    # --- slips: signs, operators, transposes, functions ---

    def slips(self) -> Iterator[str]:
        """Another operator, function or sign, `+=` for `=`, the other way round a loop."""
        value = self._value
        if value is not None and isinstance(self._tree, ast.For):
            if calls(value, "reversed") and isinstance(value, ast.Call) and value.args:
                yield self._put(value, self._of(value.args[0]))
            else:
                yield self._put(value, f"reversed({self._of(value)})")
        elif value is not None:
            yield from self._otherwise_assigned(self._of(value))
        for node in self._nodes():
            yield from self._operators(node)
            yield from self._calls(node)
            yield from self._transposes(node)
            yield from self._orders(node)
        if value is not None and not isinstance(self._tree, ast.For):
            yield self._put(value, f"-{self._as_factor(value)}")

    def _nodes(self) -> list[ast.expr]:
        head = self._value if isinstance(self._tree, ast.For) else self._tree
        if head is None:
            return []
        # What a part is set of stays: `d` of `d[i] = …`.
        targets = [getattr(node, "value", None) for node in ast.walk(head) if is_set(node)]
        nodes = [node for node in ast.walk(head) if isinstance(node, ast.expr)]
        return [node for node in nodes if node not in targets]

    def _otherwise_assigned(self, value: str) -> Iterator[str]:
        tree = self._tree
        if isinstance(tree, ast.AugAssign):
            for operator in ("=", "+=", "-="):
                yield f"{self._of(tree.target)} {operator} {value}"
            if isinstance(tree.op, ast.Add) and isinstance(tree.target, ast.Subscript):
                index = self._of(tree.target.slice)
                index = f"({index})" if isinstance(tree.target.slice, ast.Tuple) else index
                yield f"np.add.at({self._of(tree.target.value)}, {index}, {value})"
        if isinstance(tree, ast.Assign) and not isinstance(tree.targets[0], ast.Tuple):
            target = self._of(tree.targets[0])
            yield f"{target} += {value}"
            yield f"{target} = {target} + {value}"

    def _operators(self, node: ast.expr) -> Iterator[str]:
        if isinstance(node, ast.BinOp):
            left, right = self._tight(node.left), self._tight(node.right)
            first = self._as_factor(node.left)
            for operator in OPERATORS.get(type(node.op), ()):
                is_matrix = isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.MatMult)
                second = self._as_factor(node.right) if operator in "+-" else right
                second = self._of(node.right) if operator in "+-" and is_matrix else second
                yield self._put(node, f"{first} {operator} {second}")
            if isinstance(node.op, ast.Sub):
                yield self._put(node, f"{self._as_factor(node.right)} - {first}")
            if isinstance(node.op, ast.Div):
                yield self._put(node, f"{right} / {left}")
            if isinstance(node.op, ast.MatMult):
                yield from (self._put(node, f"{a} @ {b}") for a, b in products(left, right))
            if isinstance(node.op, ast.Div) and self._has_arrays(node.right):
                yield self._put(node, f"{first} / {right} ** 2")
            yield self._put(node, self._of(node.left))
            yield self._put(node, self._of(node.right))
            if isinstance(node.op, ast.Mult) and is_product_of_two(node.left):
                yield self._put(node, self._of(node.left.left))  # a slope, as `a * (1 - a)`
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield self._put(node, self._of(node.operand))
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self._of(node.left), self._of(node.comparators[0])
            for operator in COMPARISONS.get(type(node.ops[0]), ()):
                yield self._put(node, f"{left} {operator} {right}")

    def _has_arrays(self, node: ast.expr) -> bool:
        """Whether it is computed from arrays, and not from lengths alone."""
        text = self._of(node)
        is_length = text.startswith("len(") or ".shape" in text or ".size" in text
        return not is_length and any(axes_of(self._scope.get(self._of(one))) for one in parts_of(node))

    def _calls(self, node: ast.expr) -> Iterator[str]:
        if not isinstance(node, ast.Call):
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        function = self._of(node.func)
        arguments = self._text[node.func.end_col_offset or 0 : node.end_col_offset or 0]
        for other in self._related(function):
            yield self._put(node.func, other)
        for twin in TWINS.get(name, ()):
            yield self._put(node, f"{function[: -len(name)]}{twin}{arguments}")
        if name in ("dot", "outer", "matmul") and len(node.args) == 2:
            for a, b in products(self._tight(node.args[0]), self._tight(node.args[1])):
                yield self._put(node, f"{function}({a}, {b})")
        if name == "dot" and len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            for a, b in products(self._tight(node.func.value), self._tight(node.args[0])):
                yield self._put(node, f"{a}.dot({b})")
        if function == "len" and node.args:
            yield self._put(node, f"{self._tight(node.args[0])}.size")
        yield from self._index_edits.axes(node, name)
        yield from self._nested(node, name)

    def _related(self, function: str) -> list[str]:
        """Functions that share the beginning of their name: `sigmoid` and `sigmoid_prime`."""
        return [
            name
            for name, value in self._scope.items()
            if callable(value)
            and name != function
            and (name.startswith(function) or function.startswith(name))
        ]

    def _nested(self, node: ast.Call, name: str) -> Iterator[str]:
        """Without a function that was called once too often, or with one."""
        if len(node.args) == 1 and not node.keywords:
            yield self._put(node.args[0], f"-{self._as_factor(node.args[0])}")
            yield from self._put_everywhere(node, self._of(node.args[0]))
        for owner, value in self._scope.items() if len(node.args) == 1 and name else ():
            is_other = hasattr(value, "__dict__") and not self._of(node.func).startswith(f"{owner}.")
            if is_other and callable(getattr(type(value), name, None)):
                yield self._put(node.args[0], f"{owner}.{name}({self._of(node.args[0])})")
                yield self._put(node, f"{owner}.{name}({self._of(node)})")

    def _orders(self, node: ast.expr) -> Iterator[str]:
        """Two parts of a list that change places."""
        if isinstance(node, ast.List):
            for one, other in combinations(node.elts, 2):
                yield replaced(self._text, [(one, self._of(other)), (other, self._of(one))])

    def _transposes(self, node: ast.expr) -> Iterator[str]:
        if not is_read(node):
            return
        text = self._of(node)
        value = self._scope.get(text)
        if text.endswith(".T"):
            yield self._put(node, text[:-2])
        elif self._text[node.end_col_offset or 0 :].startswith((".shape", ".size", "[")):
            return
        elif isinstance(value, np.ndarray) and is_array(value) and value.ndim > 1:
            yield self._put(node, f"{text}.T")

    # --- other names and numbers ---

    def other_names(self) -> Iterator[str]:
        """A name for one of the same shape, a number for another, an index for one beside it."""
        for node in self._nodes():
            yield from self._constants(node)
            yield from self._names(node)
            yield from self._index_edits.of_node(node)
        if self._value is not None:
            yield from self._index_edits.sums(self._value)
        yield from self._names_for_all()

    def _names_for_all(self) -> Iterator[str]:
        """A name for all that is computed: what it was before something in it changed."""
        value = self._value
        if value is not None and not isinstance(self._tree, ast.For) and not is_read(value):
            for name, array in self._arrays.items():
                if np.ndim(array) and name.isidentifier():
                    yield self._put(value, name)

    def _constants(self, node: ast.expr) -> Iterator[str]:
        number = node.value if isinstance(node, ast.Constant) else None
        if isinstance(number, bool) or not isinstance(number, int | float):
            return
        for other in (number + 1, number - 1, 2 * number, number / 2, -number):
            negative = self._text[: node.col_offset].endswith("-") and other <= 0
            if not negative and (isinstance(number, float) or float(other).is_integer()):
                yield self._put(node, repr(type(number)(other)))

    def _names(self, node: ast.expr) -> Iterator[str]:
        if not is_read(node):
            return
        text = self._of(node)
        value = self._scope.get(text)
        if isinstance(value, np.ndarray) and is_array(value) and value.ndim:
            for other in self._alike(value):
                yield from self._put_everywhere(node, other)
        elif isinstance(value, float):
            for other in (*self._numbers, *[name for name, array in self._arrays.items() if np.ndim(array)]):
                yield self._put(node, other)
        elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype.kind == "i"):
            for name, other in self._scope.items():
                alike = type(other) is type(value) and (isinstance(value, list) or len(other) == len(value))
                if alike and name != text:
                    yield self._put(node, name)
        elif text in self._scope and isinstance(value, int):
            for length in self._lengths:
                yield self._put(node, length)

    def _alike(self, value: Any) -> list[str]:
        """Arrays of one shape; variables first, as what loops keep in lists and dicts may be many."""
        names = [name for name, other in self._arrays.items() if np.shape(other) == np.shape(value)]
        return sorted(names, key=lambda name: not name.isidentifier())[:MOST_NAMES]

    # --- other factors and terms ---

    def other_factors(self, is_number: bool = False) -> Iterator[str]:
        """A factor that is missing, or a slope or a mask in the place of a value."""
        if is_number or not isinstance(self._tree, ast.For):
            for part in self._summands():
                yield from self._times_numbers(part)
        if self._value is not None and not isinstance(self._tree, ast.For):
            yield from self._index_edits.strides(self._value, self._nodes())
        for node in self._nodes():
            yield from self._slopes(node)
        if not is_number:
            for part in self._summands():
                yield from self._times_arrays(part)

    def _summands(self) -> list[ast.expr]:
        """The value, and the terms of it."""
        value = self._value
        if value is None or isinstance(self._tree, ast.For):
            return []
        if isinstance(value, ast.Tuple):
            return value.elts
        if isinstance(self._tree, ast.Expr) and isinstance(value, ast.Call):
            return value.args[-1:]  # `np.add.at(dW, i, d)`
        is_sum = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub)
        return [value, value.left, value.right] if is_sum and isinstance(value, ast.BinOp) else [value]

    def _as_factor(self, node: ast.expr) -> str:
        is_product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Pow)
        return self._of(node) if is_product or isinstance(node, ast.UnaryOp) else self._tight(node)

    def _times_numbers(self, part: ast.expr) -> Iterator[str]:
        factor = self._as_factor(part)
        for number in (*self._lengths, *self._numbers, "2", "0.5"):
            if number in self._lengths:
                yield self._put(part, f"{factor} / {number}")
            yield self._put(part, f"{number} * {factor}")

    def _slopes(self, node: ast.expr) -> Iterator[str]:
        text = self._of(node)
        value = self._scope.get(text) if is_read(node) else None
        if isinstance(value, float) and 0 < value < 1:
            yield self._put(node, f"1 - {text}")
        if not isinstance(value, np.ndarray) or not is_array(value) or not value.ndim:
            return
        if value.dtype.kind == "b":
            yield self._put(node, f"~{text}")
            return
        yield self._put(node, f"(1 - {text} ** 2)")
        for product in (f"{text} * (1 - {text})", f"{text} ** 2", f"1 - {text}"):
            if "* (" in product:  # without parentheses that a product does not need
                yield f"{self._text[: node.col_offset]}{product}{self._text[node.end_col_offset or 0 :]}"
            yield self._put(node, product)
        for name in self._alike(value):
            yield self._put(node, f"({name} > 0)")

    def _times_arrays(self, part: ast.expr) -> Iterator[str]:
        factor = self._as_factor(part)
        names = [name for name, array in self._arrays.items() if np.ndim(array)][:MOST_NAMES]
        # A factor of one of the names, where it stands inside a call: `np.outer(d, r * h)`.
        for node in self._nodes():
            if is_read(node) and isinstance(part, ast.Call) and self._of(node) in self._arrays:
                for name in self._alike(self._arrays[self._of(node)]):
                    yield self._put(node, f"{name} * {self._of(node)}")
        for name in names:
            if self._arrays[name].dtype.kind == "b":
                yield self._put(part, f"{factor} * {name}")
                yield self._put(part, f"{factor} * ~{name}")
                continue
            if factor in ("1", "-1"):
                yield self._put(part, f"-{name}" if factor == "-1" else name)
            for other in (
                name,
                f"(1 - {name} ** 2)",
                f"{name} * (1 - {name})",
                f"({name} > 0)",
                f"2 * {name}",
            ):
                yield self._put(part, f"{factor} * {other}")

    def other_terms(self, is_number: bool = False) -> Iterator[str]:
        """A term that is missing, or a divisor."""
        for value in self._summands()[:1] if not is_number else ():
            text, factor = self._of(value), self._as_factor(value)
            for name in [name for name, array in self._arrays.items() if np.ndim(array)][:MOST_NAMES]:
                yield self._put(value, f"{text} + {name}")
                yield self._put(value, f"{text} - {name}")
                for number in self._numbers:
                    yield self._put(value, f"{text} + {number} * {name}")
                    yield self._put(value, f"{text} + 2 * {number} * {name}")
                yield self._put(value, f"{factor} / {name}")
