"""Expressions of somebody's code as people read them: terms, factors, transposes, masks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeGuard

# What people write in place of one another.
TWINS = {
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
OPERATORS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("/",),
    ast.Div: ("*",),
}
COMPARISONS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Gt: ("<", "<="),
    ast.Lt: (">", ">="),
    ast.GtE: ("<", "<="),
    ast.LtE: (">", ">="),
}
_PRODUCTS = ("dot", "matmul", "outer")


def parsed(text: str) -> ast.stmt | None:
    """The statement, or the head of a loop, that a text is; None where it is none."""
    try:
        return ast.parse(f"{text} pass" if text.endswith(":") else text).body[0]
    except (SyntaxError, IndexError):
        return None


class Product(NamedTuple):
    """A term of a sum: its sign, and the expressions that are multiplied and divided by."""

    sign: int
    factors: tuple[ast.expr, ...]
    divisors: tuple[ast.expr, ...]

    @property
    def text(self) -> str:
        """As it is written, without its sign."""
        above = " * ".join(tight_text(one) for one in self.factors) or "1"
        return " / ".join([above, *(tight_text(one) for one in self.divisors)])


def assigned(statement: ast.stmt) -> tuple[ast.expr | None, int]:
    """The value of a statement, and whether it is added (1) to its target, subtracted (-1), or neither."""
    value: ast.expr | None = getattr(statement, "value", None)
    if isinstance(statement, ast.AugAssign):
        adds = 1 if isinstance(statement.op, ast.Add) else -1 if isinstance(statement.op, ast.Sub) else 2
        return value, adds
    target = target_of(statement)
    if target is not None and isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        sign = 1 if isinstance(value.op, ast.Add) else -1
        if text_of(value.left) == text_of(target):
            return value.right, sign
    return value, 0


def target_of(statement: ast.stmt) -> ast.expr | None:
    """What an assignment sets."""
    if isinstance(statement, ast.Assign):
        return statement.targets[0]
    return statement.target if isinstance(statement, ast.AugAssign) else None


def terms_of(node: ast.expr, sign: int = 1) -> list[Product]:
    """The terms of a sum; of anything else, itself."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        other = sign if isinstance(node.op, ast.Add) else -sign
        return [*terms_of(node.left, sign), *terms_of(node.right, other)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and is_sum(node.operand):
        return terms_of(node.operand, -sign)
    return [product_of(node, sign)]


def product_of(node: ast.expr, sign: int) -> Product:
    """A term as a product."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return product_of(node.operand, -sign)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        left, right = product_of(node.left, sign), product_of(node.right, 1)
        above, below = (right.factors, right.divisors)
        if isinstance(node.op, ast.Div):
            above, below = below, above
        return Product(left.sign * right.sign, (*left.factors, *above), (*left.divisors, *below))
    return Product(sign, (node,), ())


def without(
    wrong: Sequence[Any], right: Sequence[Any], same: Callable[[Any, Any], bool]
) -> tuple[list[Any], list[Any]]:
    """What is in one and not in the other, each item as often as it is."""
    extra: list[Any] = []
    missing = list(right)
    for item in wrong:
        match = next((number for number, other in enumerate(missing) if same(item, other)), None)
        if match is None:
            extra.append(item)
        else:
            del missing[match]
    return extra, missing


def is_equal_product(one: Product, other: Product) -> bool:
    """Whether two terms have the same sign, factors and divisors, in any order."""
    if one.sign != other.sign or len(one.factors) != len(other.factors):
        return False
    left = (*without(one.factors, other.factors, is_same), *without(one.divisors, other.divisors, is_same))
    return not any(left)


def text_of(node: ast.AST | None) -> str:
    """An expression in the standard spelling; nothing for none."""
    return "" if node is None else ast.unparse(node)


def is_same(one: ast.AST | None, other: ast.AST | None) -> bool:
    """Whether two expressions are written alike."""
    return text_of(one) == text_of(other)


def tight_text(node: ast.expr) -> str:
    """The text as a factor."""
    return (
        f"({text_of(node)})"
        if isinstance(node, ast.BinOp | ast.Compare) and not is_power(node)
        else text_of(node)
    )


def product_text(factors: Sequence[ast.expr]) -> str:
    """The text of factors as a product."""
    return text_of(factors[0]) if len(factors) == 1 else " * ".join(map(tight_text, factors))


def called(node: ast.expr) -> str:
    """The bare name of the function that is called: `sum` of `np.sum(x)` and of `x.sum()`."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def arguments_of(call: ast.Call) -> dict[Any, ast.expr]:
    """The arguments, by position or name."""
    return {**dict(enumerate(call.args)), **{one.arg: one.value for one in call.keywords}}


def is_axis(call: ast.Call, keys: Sequence[Any]) -> bool:
    """`x.sum(1)`, `np.sum(x, 1)`: the axis without its name."""
    on_array = isinstance(call.func, ast.Attribute) and text_of(call.func.value) not in ("np", "numpy")
    return called(call) in ("sum", "mean", "max", "min") and list(keys) == [0 if on_array else 1]


def untransposed(node: ast.expr) -> ast.expr:
    """`x` of `x.T`, `x.transpose()` and `np.transpose(x)`."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "transpose":
        return node.args[0] if text_of(node.func.value) in ("np", "numpy") and node.args else node.func.value
    return node


def matrix_operands(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """The operands of a matrix product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.Call) and called(node) in _PRODUCTS:
        if len(node.args) == 2:
            return node.args[0], node.args[1]
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            return node.func.value, node.args[0]
    return None


def is_sum(node: ast.expr) -> bool:
    """A sum or a difference."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def is_sum_or_product(node: ast.expr) -> bool:
    """Whether it can be read as a sum of products."""
    return isinstance(node, ast.UnaryOp) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div)
    )


def is_power(node: ast.expr) -> bool:
    """`x ** n`."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def is_number(node: ast.expr) -> bool:
    """A literal number."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def is_one(node: ast.expr) -> bool:
    """The number 1."""
    return isinstance(node, ast.Constant) and node.value == 1


def is_name(node: ast.expr) -> bool:
    """A variable, an attribute or an item, transposed or not."""
    return isinstance(untransposed(node), ast.Name | ast.Attribute | ast.Subscript)


def is_single_name(nodes: Sequence[ast.expr]) -> bool:
    """Whether it is one variable, attribute or item."""
    return len(nodes) == 1 and is_name(nodes[0])


def is_same_array(one: ast.expr, other: ast.expr) -> bool:
    """Whether both are parts of one array: `h[t]` and `h[t - 1]`."""
    both = isinstance(one, ast.Subscript) and isinstance(other, ast.Subscript)
    return both and is_same(one.value, other.value)  # type: ignore[attr-defined]


def is_mask(node: ast.expr) -> bool:
    """A comparison, or what is called a mask."""
    return isinstance(node, ast.Compare) or "mask" in text_of(node).lower()


def is_slope(factors: Sequence[ast.expr]) -> bool:
    """`1 - a ** 2`, `a * (1 - a)`: derivatives as people write them of tanh and of the sigmoid."""
    return any(is_complement(one) for factor in factors for one in product_of(factor, 1).factors)


def is_complement(node: ast.expr) -> bool:
    """`1 - x`."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and is_one(node.left)


def parts_that_differ(one: ast.AST, other: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The pairs of parts in the same place that differ, the largest first."""
    if is_same(one, other):
        return
    if isinstance(one, ast.expr) and isinstance(other, ast.expr):
        yield one, other
    if type(one) is type(other):
        for part, match in zip(ast.iter_child_nodes(one), ast.iter_child_nodes(other), strict=False):
            yield from parts_that_differ(part, match)


# --- for changes of statements ---


def parts_of(node: ast.expr) -> list[ast.expr]:
    """The expressions that one is made of."""
    return [one for one in ast.walk(node) if isinstance(one, ast.expr)]


def is_set(node: ast.AST) -> bool:
    """Whether a part or an attribute of something is set."""
    return isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)


def is_read(node: ast.expr) -> TypeGuard[ast.Name | ast.Attribute | ast.Subscript]:
    """Whether it is a name, an attribute or an item that is read."""
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Load)


def calls(node: ast.expr, function: str) -> bool:
    """Whether it calls a function of this name."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function


def is_product_of_two(node: ast.expr) -> TypeGuard[ast.BinOp]:
    """`a * b`."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def products(left: str, right: str) -> Iterator[tuple[str, str]]:
    """Both operands, transposed or not, in both orders."""
    for a in (left, turned(left)):
        for b in (right, turned(right)):
            yield a, b
    for a in (right, turned(right)):
        for b in (left, turned(left)):
            yield a, b


def turned(text: str) -> str:
    """The text of the transpose."""
    return text[:-2] if text.endswith(".T") else f"{text}.T"
