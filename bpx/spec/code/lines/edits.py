"""What else a statement may say: its own text with one small change, of a kind that people forget or mix up.

Every text is Python, in the names that the statement's function knows. Which of them is right, if any, is for
others to try.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TypeGuard

import numpy as np

MOST_NAMES = 16  # arrays that may stand in for one another
_TWINS = {
    "sum": ("mean",),
    "mean": ("sum",),
    "sin": ("cos",),
    "cos": ("sin",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "max": ("min",),
    "min": ("max",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "hstack": ("vstack",),
    "vstack": ("hstack",),
}
_OPERATORS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("/",),
    ast.Div: ("*",),
}
_COMPARISONS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Gt: ("<", "<="),
    ast.Lt: (">", ">="),
    ast.GtE: ("<", "<="),
    ast.LtE: (">", ">="),
}
_LOOSE = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp)


def edits(text: str, scope: Mapping[str, Any], number: bool = False) -> Iterator[str]:
    """Statements, or heads of loops, that differ from this one in one place.

    What sets a `number`, as a length, is not multiplied by arrays.
    """
    tree = _parsed(text)
    if tree is None or not text.isascii():
        return
    edited = _Edited(text, tree, scope)
    seen = {text}
    for other in chain(edited.of_its_parts(), edited.of_the_statement(), edited.with_more(number)):
        if other not in seen and _parsed(other) is not None:
            seen.add(other)
            yield other


def _parsed(text: str) -> ast.stmt | None:
    try:
        return ast.parse(f"{text} pass" if text.endswith(":") else text).body[0]
    except (SyntaxError, IndexError):
        return None


class _Edited:
    """The changes of one statement; `scope` are the values of all names, attributes and items at hand."""

    def __init__(self, text: str, tree: ast.stmt, scope: Mapping[str, Any]) -> None:
        self._text, self._tree = text, tree
        self._arrays = {name: value for name, value in scope.items() if _is_array(value)}
        self._numbers = {name: value for name, value in scope.items() if isinstance(value, float)}
        self._lengths = _lengths(scope, self._arrays, text)
        self._scope = scope
        self._value: ast.expr | None = getattr(tree, "iter", None) or getattr(tree, "value", None)

    def _of(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._text, node) or ""

    def _put(self, node: ast.expr, other: str) -> str:
        """The statement with another text for one part; in parentheses, where they are needed."""
        start, end = node.col_offset, node.end_col_offset or 0
        bare, safe = (f"{self._text[:start]}{text}{self._text[end:]}" for text in (other, f"({other})"))
        trees = [_parsed(text) for text in (bare, safe)]
        same = trees[0] and trees[1] and ast.dump(trees[0]) == ast.dump(trees[1])
        return bare if same else safe

    def _tight(self, node: ast.expr) -> str:
        text = self._of(node)
        return f"({text})" if isinstance(node, _LOOSE) else text

    # --- the statement as a whole ---

    def of_the_statement(self) -> Iterator[str]:
        """Another sign, `+=` for `=`, the other way round a loop."""
        value, tree = self._value, self._tree
        if value is None:
            return
        if isinstance(tree, ast.For):
            reversed_already = isinstance(value, ast.Call) and self._of(value.func) == "reversed"
            if reversed_already and isinstance(value, ast.Call) and value.args:
                yield self._put(value, self._of(value.args[0]))
            else:
                yield self._put(value, f"reversed({self._of(value)})")
            return
        yield from self._otherwise_assigned(self._of(value))
        yield self._put(value, f"-{self._tight(value)}")

    def _otherwise_assigned(self, value: str) -> Iterator[str]:
        tree = self._tree
        if isinstance(tree, ast.AugAssign):
            for operator in ("=", "+=", "-="):
                yield f"{self._of(tree.target)} {operator} {value}"
        if isinstance(tree, ast.Assign) and not isinstance(tree.targets[0], ast.Tuple):
            target = self._of(tree.targets[0])
            yield f"{target} += {value}"
            yield f"{target} = {target} + {value}"

    # --- its parts ---

    def of_its_parts(self) -> Iterator[str]:
        """Every part of it otherwise: names, operators, functions, axes, numbers."""
        heads = [self._value] if isinstance(self._tree, ast.For) else [self._tree]
        nodes = [node for head in heads if head is not None for node in ast.walk(head)]
        for kind in (self._operators, self._calls, self._constants, self._leaves):
            for node in nodes:
                if isinstance(node, ast.expr):
                    yield from kind(node)

    def _operators(self, node: ast.expr) -> Iterator[str]:
        if isinstance(node, ast.BinOp):
            left, right = self._tight(node.left), self._tight(node.right)
            for operator in _OPERATORS.get(type(node.op), ()):
                yield self._put(node, f"{left} {operator} {right}")
            if isinstance(node.op, ast.Sub | ast.Div):
                yield self._put(node, f"{right} {'-' if isinstance(node.op, ast.Sub) else '/'} {left}")
            if isinstance(node.op, ast.MatMult):
                yield from (self._put(node, f"{a} @ {b}") for a, b in _products(left, right))
            yield self._put(node, self._of(node.left))
            yield self._put(node, self._of(node.right))
            if isinstance(node.op, ast.Mult) and _is_product(node.left):
                yield self._put(node, self._of(node.left.left))  # a slope, as `a * (1 - a)`
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield self._put(node, self._of(node.operand))
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self._of(node.left), self._of(node.comparators[0])
            for operator in _COMPARISONS.get(type(node.ops[0]), ()):
                yield self._put(node, f"{left} {operator} {right}")

    def _calls(self, node: ast.expr) -> Iterator[str]:
        if not isinstance(node, ast.Call):
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        function = self._of(node.func)
        arguments = self._text[node.func.end_col_offset or 0 : node.end_col_offset or 0]
        for twin in _TWINS.get(name, ()):
            yield self._put(node, f"{function[: -len(name)]}{twin}{arguments}")
        if name in ("dot", "outer", "matmul") and len(node.args) == 2:
            for a, b in _products(self._tight(node.args[0]), self._tight(node.args[1])):
                yield self._put(node, f"{function}({a}, {b})")
        if name == "dot" and len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            for a, b in _products(self._tight(node.func.value), self._tight(node.args[0])):
                yield self._put(node, f"{a}.dot({b})")
        if function == "len" and node.args:
            yield self._put(node, f"{self._tight(node.args[0])}.size")

    def _constants(self, node: ast.expr) -> Iterator[str]:
        number = node.value if isinstance(node, ast.Constant) else None
        if isinstance(number, bool) or not isinstance(number, int | float):
            return
        for other in (number + 1, number - 1, 2 * number, number / 2, -number):
            if isinstance(number, float) or float(other).is_integer():
                yield self._put(node, repr(type(number)(other)))

    def _leaves(self, node: ast.expr) -> Iterator[str]:
        """Another name of the same shape, the transpose, another length."""
        if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript) or not isinstance(
            node.ctx, ast.Load
        ):
            return
        text = self._of(node)
        if text.endswith(".T"):
            yield self._put(node, text[:-2])
        value = self._scope.get(text)
        if isinstance(value, np.ndarray) and _is_array(value) and value.ndim:
            yield self._put(node, f"{text}.T")
            for other in self._alike(value):
                yield self._put(node, other)
            for slope in (f"1 - {text} ** 2", f"{text} ** 2", f"{text} * (1 - {text})", f"1 - {text}"):
                yield self._put(node, slope)
        elif text in self._scope and isinstance(value, int):
            for length in self._lengths:
                yield self._put(node, length)

    def _alike(self, value: Any) -> list[str]:
        names = [name for name, other in self._arrays.items() if np.shape(other) == np.shape(value)]
        return names[:MOST_NAMES]

    # --- something more ---

    def with_more(self, is_number: bool = False) -> Iterator[str]:
        """A factor or a term that is missing."""
        value = self._value
        if value is None or isinstance(self._tree, ast.For) or isinstance(value, ast.Tuple):
            return
        text, tight = self._of(value), self._tight(value)
        tight = text if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div) else tight
        for number in (*self._numbers, *self._lengths, "2", "0.5"):
            yield self._put(value, f"{tight} * {number}")
            if number in self._lengths:
                yield self._put(value, f"{tight} / {number}")
        arrays = [] if is_number else [name for name, array in self._arrays.items() if np.ndim(array)]
        for name in arrays[:MOST_NAMES]:
            for factor in (
                name,
                f"(1 - {name} ** 2)",
                f"{name} * (1 - {name})",
                f"({name} > 0)",
                f"2 * {name}",
            ):
                yield self._put(value, f"{tight} * {factor}")
            yield self._put(value, f"{tight} / {name}")
            yield self._put(value, f"{text} + {name}")
            yield self._put(value, f"{text} - {name}")
            for number in self._numbers:
                yield self._put(value, f"{text} + {number} * {name}")
                yield self._put(value, f"{text} + 2 * {number} * {name}")


def _is_product(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def _products(left: str, right: str) -> Iterator[tuple[str, str]]:
    """Both operands, transposed or not, in both orders."""
    for a in (left, _turned(left)):
        for b in (right, _turned(right)):
            yield a, b
    for a in (right, _turned(right)):
        for b in (left, _turned(left)):
            yield a, b


def _turned(text: str) -> str:
    return text[:-2] if text.endswith(".T") else f"{text}.T"


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fb"


def _lengths(scope: Mapping[str, Any], arrays: Mapping[str, Any], text: str) -> list[str]:
    """What lengths are called, where one name alone can be meant.

    Of two axes that are as long as each other nobody can tell which one counts.
    """
    integers = [(name, value) for name, value in scope.items() if type(value) is int and value > 1]
    numbers = [value for _, value in integers]
    names = [name for name, value in integers if numbers.count(value) == 1]
    axes = {n: set[int]() for array in arrays.values() for n in array.shape if n > 1}
    for array in arrays.values():
        for axis, n in enumerate(array.shape):
            if n > 1:
                axes[n].add(axis)
    for n, where in axes.items():
        if n not in numbers and where == {0}:
            same = [name for name, array in arrays.items() if array.ndim and len(array) == n]
            names.append(f"len({next((name for name in same if name in text), same[0])})")
    return names
