"""The factor `a (1 - a)` of a product: a slip in one half of it is a slip in the whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from bpx.spec.text.syntax_tree import Call, Name, Node, Number, postorder, ungrouped

_PRODUCTS = ("mul", "matmul")


def whole_factor(root: Node, at: Node) -> tuple[int, int]:
    """Where the slip is: the characters of `at`, or of the `a (1 - a)` that it is half of."""
    for product in postorder(root):
        if isinstance(product, Call) and product.op in _PRODUCTS:
            factors = [*_factors(product)]
            for one, two in pairwise(factors):
                name = _name(one) or _name(two)
                is_inside = any(node is at for half in (one, two) for node in postorder(half))
                if is_inside and name and name in (_name_of_rest(one), _name_of_rest(two)):
                    return one.start, two.end
    return at.start, at.end


def _factors(node: Node) -> Iterator[Node]:
    if isinstance(node, Call) and node.op in _PRODUCTS:
        yield from _factors(node.args[0])
        yield node.args[1]
    else:
        yield node


def _name(node: Node) -> str:
    inner = ungrouped(node)
    return inner.name if isinstance(inner, Name) else ""


def _name_of_rest(node: Node) -> str:
    """The `a` of `1 - a`."""
    inner = ungrouped(node)
    if not isinstance(inner, Call) or inner.op != "sub":
        return ""
    first, second = map(ungrouped, inner.args)
    return _name(second) if isinstance(first, Number) and first.value == 1 else ""
