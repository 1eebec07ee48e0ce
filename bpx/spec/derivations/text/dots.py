"""`·` in plain text: of arrays it may be their dot product, or a product element by element."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bpx.graph.arrays import Shape
from bpx.graph.graph import Graph
from bpx.spec.derivations.text.written import Written
from bpx.spec.text.build import build
from bpx.spec.text.syntax_tree import Call, Expression, Node, fold, with_args

DOT = re.compile(r"[·•⋅∙]|\\cdot(?![A-Za-z])(?!\s*10\s*\^)")
DOT_SIGN = "@"  # what `·` becomes where it is a dot product


def with_dots(text: Written, dots: bool, is_latex: bool) -> Written:
    """The formula with a sign of one meaning for each `·`; the reader of LaTeX takes it for a dot product."""
    if is_latex:
        return text if dots else text.sub(DOT, r"\\odot ")
    return text.sub(DOT, DOT_SIGN) if dots else text


def with_numbers_times(shapes: Mapping[str, Shape], expression: Expression) -> Expression:
    """The formula with `*` for each `@` beside a number: a dot product is of arrays."""
    graph = Graph()
    places = {name: graph.input(shape) for name, shape in shapes.items()}

    def is_number(node: Node) -> bool:
        expr = build(expression._replace(root=node), graph, places, lambda problem: None)
        return expr is not None and not expr.shape

    def changed(node: Node, args: list[Node]) -> Node:
        new = with_args(node, args) if args else node
        if isinstance(new, Call) and new.op == "matmul" and any(map(is_number, args)):
            return new._replace(op="mul")
        return new

    return expression._replace(root=fold(expression.root, changed))
