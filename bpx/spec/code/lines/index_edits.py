"""Changes of indices and axes: an element beside, a shifted slice, a stride, another axis of a sum."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

_ALONG_AXES = ("sum", "mean", "max", "min", "argmax", "argmin", "repeat", "flip")
_AMOUNT = re.compile(r"stride|step|pad|pool")
Change = tuple[ast.expr, str]  # a part of a statement, and another text for it


def replaced(text: str, changes: Sequence[Change]) -> str:
    """The statement with other texts for some parts, none of which is inside of another."""
    for node, other in sorted(changes, key=lambda change: -change[0].col_offset):
        text = f"{text[: node.col_offset]}{other}{text[node.end_col_offset or 0 :]}"
    return text


def axes_of(value: Any) -> int:
    """How many axes an array has; a list of whole numbers has one."""
    if isinstance(value, list | tuple) and value and all(isinstance(one, int) for one in value):
        return 1
    return value.ndim if isinstance(value, np.ndarray) else 0


class IndexEdits:
    """The changes of one statement; `scope` are the values at hand, `lengths` the names of lengths."""

    def __init__(self, text: str, scope: Mapping[str, Any], lengths: Sequence[str]) -> None:
        self._text, self._scope, self._lengths = text, scope, lengths

    def _of(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._text, node) or ""

    def of_node(self, node: ast.expr) -> Iterator[str]:
        """The element before or behind; all rows, each with its own column; a slice that is shifted."""
        if not isinstance(node, ast.Subscript):
            return
        index = node.slice
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        if len(parts) == 2 and isinstance(parts[0], ast.Slice):
            column = self._of(parts[1])
            if axes_of(self._scope.get(column)) == 1 and self._of(parts[0]) == ":":
                length = next((name for name in self._lengths if f"({column})" in name), f"len({column})")
                yield replaced(self._text, [(parts[0], f"np.arange({length})")])
        for part in parts:
            if isinstance(part, ast.Name | ast.UnaryOp) and self._is_whole(self._of(part).lstrip("-")):
                yield replaced(self._text, [(part, f"{self._of(part)} - 1")])
                yield replaced(self._text, [(part, f"{self._of(part)} + 1")])
        yield from self._shifted([part for part in parts if isinstance(part, ast.Slice)])

    def axes(self, node: ast.Call, name: str) -> Iterator[str]:
        """Another axis, an axis where none is given, or an axis that stays as one of length 1."""
        on_array = isinstance(node.func, ast.Attribute) and self._of(node.func.value) not in ("np", "numpy")
        place = 0 if on_array else 1
        axes = [keyword.value for keyword in node.keywords if keyword.arg == "axis"]
        axes += node.args[place : place + 1] if name in _ALONG_AXES else []
        for axis in axes:
            for other in ("0", "1", "-1"):
                yield replaced(self._text, [(axis, other)])
        if name in ("sum", "mean"):
            given = {keyword.arg for keyword in node.keywords}
            more = ["keepdims=True"] if axes and "keepdims" not in given else []
            for setting in more if axes else ("axis=0", "axis=1"):
                inside = self._of(node)[:-1]
                yield replaced(
                    self._text, [(node, f"{inside}{'' if inside.endswith('(') else ', '}{setting})")]
                )

    def sums(self, node: ast.expr) -> Iterator[str]:
        """The sum over the rows, which a bias needs."""
        if axes_of(self._scope.get(self._of(node))) > 1 and isinstance(node, ast.Name | ast.Attribute):
            yield replaced(self._text, [(node, f"{self._of(node)}.sum(axis=0)")])
            yield replaced(self._text, [(node, f"{self._of(node)}.sum(axis=0, keepdims=True)")])

    def _is_whole(self, name: str) -> bool:
        return type(self._scope.get(name)) is int

    def _shifted(self, slices: Sequence[ast.Slice]) -> Iterator[str]:
        """One slice, or all of them, shifted by a whole number that has a name, or by 1."""
        bounded = [one for one in slices if one.lower or one.upper]
        steps = [name for name, size in self._whole().items() if size]
        groups = [[one] for one in bounded] + ([bounded] if len(bounded) > 1 else [])
        for group in groups:
            downs = [(self._down, step) for step in ("1", *steps)]
            for shift, step in (*downs, *((self._up, step) for step in (*steps, "1"))):
                others = [shift(one, step) for one in group]
                if None not in others:
                    pairs = zip(group, others, strict=True)
                    yield replaced(self._text, [(one, other or "") for one, other in pairs])

    def _whole(self) -> dict[str, int]:
        """Whole numbers by name: of an amount of padding or a stride that of it, else the shortest."""
        whole = [(name, size) for name, size in self._scope.items() if type(size) is int]
        whole.sort(key=lambda item: (_AMOUNT.search(item[0]) is None, len(item[0])))
        return {name: size for size, name in {size: name for name, size in reversed(whole)}.items()}

    def _up(self, one: ast.Slice, step: str) -> str | None:
        lower = step if one.lower is None else f"{self._of(one.lower)} + {step}"
        upper = "" if one.upper is None else f"{self._of(one.upper)} + {step}"
        return None if one.step else f"{lower}:{upper}"

    def _down(self, one: ast.Slice, step: str) -> str | None:
        bounds = [None if bound is None else _less(bound, step) for bound in (one.lower, one.upper)]
        if one.step or (one.lower and bounds[0] is None) or (one.upper and bounds[1] is None):
            return None
        return f"{bounds[0] or ''}:{bounds[1] or ''}"

    def strides(self, value: ast.expr, nodes: Sequence[ast.expr]) -> Iterator[str]:
        """One or two counters times a stride, where a statement sets places, or in an index."""
        places = value.elts if isinstance(value, ast.Tuple) else []
        indices = [node.slice for node in nodes if isinstance(node, ast.Subscript)]
        within = [one for place in (*places, *indices) for one in ast.walk(place)]
        counters = [one for one in within if isinstance(one, ast.Name) and self._is_whole(one.id)]
        counters = [*{one.col_offset: one for one in counters}.values()]
        strides = [name for name, size in self._whole().items() if _AMOUNT.search(name) and size > 1]
        for stride in (*strides, "2", "3"):
            for some in (*combinations(counters, 2), *combinations(counters, 1)):
                if all(one.id != stride for one in some):
                    times = "{stride} * {name}" if stride.isdecimal() else "{name} * {stride}"
                    others = [(one, times.format(name=one.id, stride=stride)) for one in some]
                    yield replaced(self._text, others)


def _less(bound: ast.expr, step: str) -> str | None:
    """A bound without a step that is added to it; "" where nothing is left, None where it is not added."""
    if ast.unparse(bound) == step:
        return ""
    if not isinstance(bound, ast.BinOp) or not isinstance(bound.op, ast.Add):
        return None
    sides = [ast.unparse(side) for side in (bound.left, bound.right)]
    return sides[1 - sides.index(step)] if step in sides else None
