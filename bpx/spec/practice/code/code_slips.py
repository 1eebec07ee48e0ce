"""Slips in a statement of a backward pass: its text with one thing wrong, of those that people get wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from bpx.check.report.blame import Mistake
from bpx.spec.practice.code.statements import put

_OTHER_FUNCTION = {"cos": "sin", "sin": "cos", "sum": "mean", "mean": "sum"}
_WRONG_SUM = {"sum": "averaged-not-summed", "mean": "summed-not-averaged"}
_OTHER_WAY = {ast.Gt: "<", ast.Lt: ">", ast.GtE: "<", ast.LtE: ">"}
Slips = Iterator[tuple[Mistake, str]]


def code_slips(text: str, names: Mapping[str, Any], gradients: frozenset[str]) -> Slips:
    """What is wrong, and the statement with it; `names` are the values at hand, `gradients` some of them."""
    tree = ast.parse(text).body[0]
    if isinstance(tree, ast.Assign) and isinstance(tree.targets[0], ast.Name) and "\n" not in text:
        yield from _Slips(text, tree, tree.targets[0].id, names, gradients).all()


class _Slips(NamedTuple):
    text: str
    tree: ast.Assign
    target: str
    names: Mapping[str, Any]
    gradients: frozenset[str]

    def all(self) -> Slips:
        """Those of the statement as a whole, and of each of its parts."""
        value = self.tree.value
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            yield Mistake("sign"), put(self.text, value, self._of(value.operand))
        elif not self._is_accumulation(value):
            yield Mistake("sign"), put(self.text, value, f"-{self._factor(value)}")
        for node in ast.walk(value):
            if isinstance(node, ast.BinOp):
                yield from self._operators(node)
            elif isinstance(node, ast.Call):
                yield from self._calls(node)
            elif isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER_WAY:
                turned = (
                    f"{self._of(node.left)} {_OTHER_WAY[type(node.ops[0])]} {self._of(node.comparators[0])}"
                )
                yield Mistake("mask-flipped"), put(self.text, node, turned)
            elif isinstance(node, ast.Attribute) and node.attr == "T":
                name = self._of(node.value)
                yield Mistake.of("transpose-missing", name=name), put(self.text, node, name)
        yield from self._other_names()

    def _of(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.text, node) or ""

    def _factor(self, node: ast.expr) -> str:
        is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
        return f"({self._of(node)})" if is_sum or isinstance(node, ast.Compare) else self._of(node)

    def _is_accumulation(self, node: ast.expr) -> bool:
        """Is it `dx + …` in a statement that sets `dx`?"""
        return isinstance(node, ast.BinOp) and self._of(node.left) == self.target

    def _operators(self, node: ast.BinOp) -> Slips:
        left, right = self._of(node.left), self._of(node.right)
        if isinstance(node.op, ast.Mult):
            for lost, kept in ((node.left, right), (node.right, left)):
                if not isinstance(lost, ast.Constant) or kept not in self.gradients:
                    yield self._without(lost), put(self.text, node, kept)
        elif isinstance(node.op, ast.Div):
            yield from self._quotients(node, left, right)
        elif isinstance(node.op, ast.Add | ast.Sub):
            sign = "-" if isinstance(node.op, ast.Add) else "+"
            turned = put(self.text, node, f"{left} {sign} {self._factor(node.right)}")
            yield Mistake.of("term-sign", term=right), turned
            if self._is_accumulation(node):
                yield Mistake.of("overwritten", target=self.target), put(self.text, node, right)
        elif isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
            yield from self._powers(node, left)
        elif isinstance(node.op, ast.MatMult):
            yield Mistake("order-swapped"), put(self.text, node, f"{right} @ {left}")

    def _without(self, lost: ast.expr) -> Mistake:
        text = self._of(lost)
        if isinstance(lost, ast.Constant):
            return Mistake.of("constant-missing", factor=text)
        if isinstance(lost, ast.Compare):
            return Mistake.of("mask-missing", mask=text)
        is_upstream = any(isinstance(node, ast.Name) and node.id in self.gradients for node in ast.walk(lost))
        return Mistake("upstream-forgotten") if is_upstream else Mistake.of("factor-missing", factor=text)

    def _quotients(self, node: ast.BinOp, left: str, right: str) -> Slips:
        if isinstance(node.right, ast.Constant):
            yield Mistake.of("mean-lost", n=node.right.value), put(self.text, node, left)
        else:
            divisor = self._factor(node.right)
            mistake = Mistake.of("multiplied-not-divided", factor=right)
            yield mistake, put(self.text, node, f"{left} * {divisor}")

    def _powers(self, node: ast.BinOp, base: str) -> Slips:
        assert isinstance(node.right, ast.Constant)
        exponent = node.right.value
        if isinstance(exponent, int):
            for wrong in (exponent + 1, exponent - 1):
                facts = {"base": base, "wrong": wrong, "right": exponent}
                power = base if wrong == 1 else f"{base} ** {wrong}"
                yield Mistake.of("other-exponent", **facts), put(self.text, node, power)

    def _calls(self, node: ast.Call) -> Slips:
        if not isinstance(node.func, ast.Attribute):
            return
        name, start = node.func.attr, self._of(node.func.value)
        if name in _OTHER_FUNCTION:
            other = _OTHER_FUNCTION[name]
            of_sum = Mistake(_WRONG_SUM[name]) if name in _WRONG_SUM else None
            yield (
                of_sum or Mistake.of("name-for-name", wrong=other, right=name),
                put(self.text, node.func, f"{start}.{other}"),
            )
        if name == "outer":
            first, second = map(self._of, node.args)
            yield Mistake("order-swapped"), put(self.text, node, f"{start}.outer({second}, {first})")
        for keyword in node.keywords:
            if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
                right = keyword.value.value
                facts: dict[str, Any] = {"function": name, "wrong": int(right == 0), "right": right}
                yield Mistake.of("other-axis", **facts), put(self.text, keyword.value, str(facts["wrong"]))
        if name == "einsum":
            for arg in node.args:
                if isinstance(arg, ast.Name) and np.ndim(self.names.get(arg.id, 0)) > 2:
                    yield (
                        Mistake.of("name-reversed", name=arg.id),
                        put(self.text, arg, f"{arg.id}[..., ::-1]"),
                    )

    def _other_names(self) -> Slips:
        """One array of the same shape for another, and a transpose too many."""
        used = {node.id: node for node in ast.walk(self.tree.value) if isinstance(node, ast.Name)}
        for name, node in used.items():
            value = self.names.get(name)
            if not isinstance(value, np.ndarray | float) or name == self.target:
                continue
            if np.ndim(value) == 2:
                yield Mistake.of("transpose-extra", name=name), put(self.text, node, f"{name}.T")
            for other, found in self.names.items():
                alike = (other in self.gradients) == (name in self.gradients)
                if alike and other not in {*used, self.target} and np.shape(found) == np.shape(value):
                    mistake = Mistake.of("name-for-name", wrong=other, right=name)
                    yield mistake, self._renamed(name, other)

    def _renamed(self, name: str, other: str) -> str:
        text = self.text
        nodes = [node for node in ast.walk(self.tree.value) if isinstance(node, ast.Name) and node.id == name]
        for node in sorted(nodes, key=lambda node: -node.col_offset):
            text = put(text, node, other)
        return text
