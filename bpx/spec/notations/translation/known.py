"""What is known of the names in a formula before it is read: which there are, and their shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property, lru_cache
from typing import Any

from bpx.graph.graph import OPS, Graph
from bpx.graph.named.values import as_array
from bpx.graph.numbers import CONSTANTS
from bpx.spec.notations.translation.parts import Part
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Expression
from bpx.words.diagnostic import Diagnostic, Source

Shape = tuple[int, ...]
NAMES_IN_LOW = str.maketrans("₀₁₂₃₄₅₆₇₈₉ᵢⱼ", "0123456789ij")


class Known:
    """The names that have a meaning, with the shape of each where that is known; `ops` are a spec's own."""

    def __init__(self, shapes: Mapping[str, Shape | None] = {}, ops: Collection[str] = ()) -> None:
        self.shapes = shapes
        self.ops = frozenset(ops)

    @cached_property
    def alike(self) -> Mapping[str, list[str]]:
        """The names there are, by what they have in common with those that are spelled otherwise."""
        alike: dict[str, list[str]] = {}
        for name in self.shapes:
            alike.setdefault(plain_name(name), []).append(name)
        return alike

    def __contains__(self, name: object) -> bool:
        return name in self.shapes

    def is_op(self, name: str) -> bool:
        """Can it be called?"""
        return name in OPS or name in self.ops

    def is_block(self, name: str) -> bool:
        """May it have parts, `h.z`? What has a value has none."""
        return name in self.shapes and self.shapes[name] is None

    def shape(self, part: Part) -> Shape | None:
        """The shape of the value of a part, where that is known."""
        expression = None if self.ops else _parsed(part.text)
        if expression is None:
            return None
        shapes = {
            name: self.shapes.get(name)
            for name in expression.names()
            if name not in CONSTANTS or name in self.shapes
        }
        return _built_shape(part.text, tuple(shapes.items()))

    def may_be_other(self, what: str, *parts: Part) -> bool:
        """Do textbooks mean something else by this of arrays, where bpx goes element by element?

        `cross`: u × v; `power`: A²; `norm`: ‖A‖₁, of a matrix; `abs`: |v| and |A|.
        """
        shapes = [self.shape(part) or () for part in parts]
        if what == "cross":
            return all(shape[-1:] == (3,) for shape in shapes)
        if what == "power":
            return len(shapes[0]) == 2 and shapes[0][0] == shapes[0][1]
        return len(shapes[0]) > (what == "norm")


def plain_name(name: str) -> str:
    """`x1`, of `x₁` and `x_1` too."""
    return name.translate(NAMES_IN_LOW).replace("_", "")


def known_of(values: Mapping[str, Any]) -> Known:
    """What the values of inputs say, whatever may be wrong with them."""
    return Known({name: _shape(value) for name, value in values.items()})


def _shape(value: Any) -> Shape | None:
    try:
        array = as_array("", value, [])
    except Exception:  # somebody's own class; what is wrong with it is said where values are read
        return None
    return None if array is None else tuple(array.shape)


# A part is asked for again and again: by each part around it, and for other shapes of names elsewhere.
@lru_cache(maxsize=1024)
def _parsed(text: str) -> Expression | None:
    expression, problems = parse(SourceText(Source("", text), text))
    return None if problems else expression


@lru_cache(maxsize=1024)
def _built_shape(text: str, shapes: tuple[tuple[str, Shape | None], ...]) -> Shape | None:
    """The shape of a formula whose names have these; None where one has none, or it cannot be built."""
    graph, found = Graph(), list[Diagnostic]()
    inputs = {name: graph.input(shape) for name, shape in shapes if shape is not None}
    expression = _parsed(text)
    if expression is None or len(inputs) < len(shapes):
        return None
    expr = build(expression, graph, inputs, found.append)
    return tuple(graph.shapes[expr.id]) if expr is not None else None
