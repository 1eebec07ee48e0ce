"""The slip in a wrong step: its place, its kind, and the formula that would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.check.report.blame import SLIP_OF, Mistake
from bpx.graph.arrays import Array
from bpx.graph.formula import formula, symbol
from bpx.graph.graph import Expr, Graph
from bpx.graph.run import run
from bpx.spec.derivations.comparisons import close
from bpx.spec.derivations.edits import Factor, edits
from bpx.spec.derivations.factors import whole_factor
from bpx.spec.derivations.graph.model import Built, Model
from bpx.spec.derivations.graph.points import Point
from bpx.spec.text.build import build
from bpx.spec.text.syntax_tree import Call, Expression, Name, Node, Number, postorder, with_args
from bpx.words.diagnostic import Span

_BEFORE = re.compile(r"\\[dtc]?frac\s*\{?\s*$")
_FARTHEST = 12  # characters from a numerator to the fraction's backslash
_LOOKS = 4  # points at which every edit is tried; one that fits is tried at all
_MOST_EDITS = 2500
_MOST_NODES = 300  # of a formula; in a longer one, edits are too many to try
_FIRST_PART = 0xA300  # letters of a script that nobody writes formulas in, behind those for names


class Slip(NamedTuple):
    """A slip: where it is (None: something is missing), its kind, and the right formula in bpx's notation."""

    place: Span | None
    mistake: Mistake
    correct: str


def slip_in(model: Model, built: Built, target: Expr, points: Sequence[Point]) -> Slip | None:
    """The one slip without which a wrong formula would be right at `points`; None where no single one is."""
    if built.expression is None or sum(1 for _ in postorder(built.expression.root)) > _MOST_NODES:
        return None
    return _Search(model, built.expression, target, points).slip()


class _Search:
    def __init__(self, model: Model, expression: Expression, target: Expr, points: Sequence[Point]) -> None:
        self.model, self.expression = model, expression
        letters = model.names_in_letters()
        inside = {*expression.names(), *(model.sheet.axes.letters.values() if model.sheet.axes else ())}
        self.names = {**model.exprs, **{name: expr for name, expr in letters.items() if name in inside}}
        self.shapes = {name: expr.shape for name, expr in self.names.items()}
        self.parts: dict[int, str] = {}  # calls of the formula, each with a name for its values
        exprs = [*self.names.values(), target]
        self.points: list[dict[str, Array]] = []
        self.targets: list[Array] = []
        for point in points:
            *values, wanted = model.values(exprs, point)
            if all(np.isfinite(value).all() for value in (*values, wanted)):
                self.points.append(dict(zip(self.names, values, strict=True)))
                self.targets.append(wanted)

    def _evaluate_parts(self) -> None:
        """Name the values of each call of the formula, so that an edit costs no more than what it changes."""
        for at, node in enumerate(postorder(self.expression.root)):
            if not isinstance(node, Call):
                continue
            graph, used, root = self.built(self.expression._replace(root=self.cut(node)))
            if root is None:
                continue
            name = chr(_FIRST_PART + at)
            for values in self.points:
                known = {expr.id: values[one] for one, expr in used.items()}
                values[name] = run(graph, known, [root.id])[root.id]
            self.shapes[name] = root.shape
            self.parts[id(node)] = name

    def cut(self, root: Node) -> Node:
        """A tree with names for the calls in it that are as they were."""
        if id(root) in self.parts:
            return Name(self.parts[id(root)], root.start, root.end)
        args = [self.cut(arg) for arg in root.args]
        return with_args(root, args) if args else root

    def slip(self) -> Slip | None:
        """The first edit that makes the formula right at all points."""
        if not self.points:
            return None
        self._evaluate_parts()
        own = {name: name for name in self.model.exprs}
        if (axes := self.model.sheet.axes) is not None:
            own = {letter: indexed.text for indexed, letter in axes.letters.items() if letter in self.names}
        for count, edit in enumerate(
            edits(self.expression, own, [*self.factors()], self.model.sheet.lengths)
        ):
            if count > _MOST_EDITS:
                break
            if self.model.sheet.axes is not None and SLIP_OF[edit.mistake.code] == "matrices":
                continue  # where every element is written with its indices, nothing is transposed
            changed = self.expression._replace(root=self.cut(edit.root))
            if self.holds(changed, _LOOKS) and self.holds(changed, len(self.points)):
                place = edit.at and whole_factor(self.expression.root, edit.at)
                span = place and with_brackets(self.expression.text.span(*place))
                return Slip(span, edit.mistake, self.text(self.expression._replace(root=edit.root)))
        return None

    def built(self, expression: Expression) -> tuple[Graph, Mapping[str, Expr], Expr | None]:
        graph, problems = Graph(), list[object]()
        used = {name: graph.input(self.shapes[name]) for name in expression.names() if name in self.shapes}
        try:
            root = build(expression, graph, used, problems.append)
        except (ValueError, TypeError):
            root = None
        return graph, used, None if problems else root

    def holds(self, expression: Expression, looks: int) -> bool:
        """Has an edited formula the right values?"""
        graph, used, root = self.built(expression)
        if root is None:
            return False
        for values, wanted in zip(self.points[:looks], self.targets, strict=False):
            if root.shape != wanted.shape and root.shape:
                return False
            known = {expr.id: values[name] for name, expr in used.items()}
            value = run(graph, known, [root.id])[root.id]
            if not np.isfinite(value).all() or not close(value, wanted):
                return False
        return True

    def text(self, expression: Expression) -> str:
        """The formula in bpx's notation."""
        graph, used, root = self.built(expression)
        if root is None:
            return ""
        named = {expr.id: symbol(self.shown(name)) for name, expr in used.items()}
        return str(formula(graph, root.id, named))

    def factors(self) -> Iterator[Factor]:
        """What may be missing: names, local derivatives of the usual functions, small numbers."""
        for name in self.model.sheet.lengths:
            yield Factor(_name(name), name)
        own = (float(value) for value in self.model.numbers if not value.shape)
        for number in dict.fromkeys((2.0, 3.0, 0.5, *(one for one in own if abs(one) not in (0.0, 1.0)))):
            yield Factor(_number(number), f"{number:g}")
        for name in self.names:
            tree = _name(name)
            text = self.shown(name)
            yield Factor(tree, text)
            yield Factor(_call("sub", _number(1.0), tree), f"1 - {text}")
            yield Factor(_call("mul", tree, _call("sub", _number(1.0), tree)), f"{text} (1 - {text})")
            square = _call("pow", tree, _number(2.0))
            yield Factor(_call("sub", _number(1.0), square), f"1 - {text}^2")
            yield Factor(square, f"{text}^2")
            yield Factor(_call("mul", _number(2.0), tree), f"2 {text}")
            for op in ("cos", "sin", "exp", "log"):
                yield Factor(_call(op, tree), f"{op}({text})")
            yield Factor(_call("gt", tree, _number(0.0)), f"{text} > 0")
        for one, two in _pairs([*self.model.exprs]):
            yield Factor(_call("mul", _name(one), _name(two)), f"{one} {two}")
            yield Factor(_call("sub", _name(one), _name(two)), f"{one} - {two}")

    def shown(self, name: str) -> str:
        atom = self.model.sheet.atoms.of_letter(name)
        indexed = self.model.sheet.axes.of_letter(name) if self.model.sheet.axes is not None else None
        return atom.text if atom else indexed.text if indexed else name


def with_brackets(span: Span) -> Span:
    r"""The span with the `\\frac{` and the brackets that belong to it."""
    text, start, end = span.source.text, span.start, span.end
    while before := _BEFORE.search(text[max(0, start - _FARTHEST) : start]):
        start -= len(before[0])
    while end < len(text) and _unclosed(text[start:end]) > 0 and text[end] in ")]} ":
        end += 1
    return Span(span.source, start, end)


def _unclosed(text: str) -> int:
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at, one in enumerate(names):
        for two in names[at + 1 :]:
            yield one, two
            yield two, one


def _name(name: str) -> Node:
    return Name(name, 0, 0)


def _number(value: float) -> Node:
    return Number(value, 0, 0)


def _call(op: str, *args: Node) -> Node:
    return Call(op, args, (), 0, 0)
