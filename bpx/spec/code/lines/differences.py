"""What kind of mistake a statement has: how it differs from the one that would be right.

Both are read as sums of products of factors and divisors, as people read them: what is equal in both is set
aside, and what is left is one row of a table: a sign, a term, a factor, a divisor, or one name for another.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from bpx.check.report.blame import Mistake

_PRODUCTS = ("dot", "matmul", "outer")
_INVERSE = ((ast.Gt, ast.LtE), (ast.Lt, ast.GtE), (ast.Gt, ast.Lt), (ast.GtE, ast.LtE), (ast.Eq, ast.NotEq))
_MEANS = {("mean", "sum"): "averaged-not-summed", ("sum", "mean"): "summed-not-averaged"}


def mistake_between(wrong: str, right: str, lengths: Collection[str] = ()) -> Mistake | None:
    """The kind of mistake, if the two statements differ in one way that has a name.

    `lengths` are names of whole numbers: to divide by one of them is to take a mean.
    """
    trees = _parsed(wrong), _parsed(right)
    if trees[0] is None or trees[1] is None:
        return None
    return _Differences(frozenset(lengths)).of_statements(trees[0], trees[1])


def draws(value: str) -> bool:
    """Whether an expression draws random numbers."""
    tree = ast.parse(value or "0", mode="eval")
    names = {one.attr if isinstance(one, ast.Attribute) else _text(one) for one in ast.walk(tree)}
    return "random" in names or "default_rng" in names


def _parsed(text: str) -> ast.stmt | None:
    try:
        return ast.parse(f"{text} pass" if text.endswith(":") else text).body[0]
    except (SyntaxError, IndexError):
        return None


class _Product(NamedTuple):
    """A term of a sum: its sign, and the expressions that are multiplied and divided by."""

    sign: int
    factors: tuple[ast.expr, ...]
    divisors: tuple[ast.expr, ...]

    @property
    def text(self) -> str:
        above = " * ".join(_tight(one) for one in self.factors) or "1"
        return " / ".join([above, *(_tight(one) for one in self.divisors)])


class _Differences:
    """The table: what is left of two expressions when what they share is set aside."""

    def __init__(self, lengths: frozenset[str]) -> None:
        self._lengths = lengths

    # --- statements ---

    def of_statements(self, wrong: ast.stmt, right: ast.stmt) -> Mistake | None:
        """An assignment for an addition, the wrong way round a loop, or what differs in the values."""
        if isinstance(wrong, ast.For) and isinstance(right, ast.For):
            return self._of_loops(wrong.iter, right.iter)
        wrong_value, wrong_adds = _assigned(wrong)
        right_value, right_adds = _assigned(right)
        if wrong_value is None or right_value is None:
            return None
        if wrong_adds == right_adds:
            targets = _targets(wrong), _targets(right)
            if targets[0] and targets[1] and _text(targets[0]) != _text(targets[1]):
                same = _same(wrong_value, right_value)
                return self.of_values(targets[0], targets[1]) if same else None
            return self.of_values(wrong_value, right_value)
        if not _same(wrong_value, right_value):
            return None
        if wrong_adds and right_adds:
            return Mistake.of("sign")
        code = "overwritten" if right_adds else "added-up"
        return Mistake.of(code, target=_text(_targets(wrong)))

    def _of_loops(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        for one, other in ((wrong, right), (right, wrong)):
            if _called(one) == "reversed" and isinstance(one, ast.Call) and _same(one.args[0], other):
                return Mistake.of("loop-order")
        return self.of_values(wrong, right)

    # --- values ---

    def of_values(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        """The row of the table for two expressions."""
        terms = _terms(wrong), _terms(right)
        if max(map(len, terms)) > 1:
            return self._of_sums(*terms)
        return self._of_products(terms[0][0], terms[1][0])

    def _of_sums(self, wrong: Sequence[_Product], right: Sequence[_Product]) -> Mistake | None:
        left, missing = _without(wrong, right, _equal)
        if left and len(left) == len(missing):
            _, others = _without(left, [one._replace(sign=-one.sign) for one in missing], _equal)
            if not others:
                whole = len(left) == len(wrong)
                return Mistake.of("sign") if whole else Mistake.of("term-sign", term=left[0].text)
        if len(left) == 1 and not missing:
            return Mistake.of("term-extra", term=left[0].text)
        if len(missing) == 1 and not left:
            return Mistake.of("term-missing", term=missing[0].text)
        if len(left) == len(missing) == 1:
            return self._of_products(left[0], missing[0])
        return None

    def _of_products(self, wrong: _Product, right: _Product) -> Mistake | None:
        extra, missing = _without(wrong.factors, right.factors, _same)
        extra_below, missing_below = _without(wrong.divisors, right.divisors, _same)
        left = (len(extra), len(missing), len(extra_below), len(missing_below))
        if wrong.sign != right.sign:
            return Mistake.of("sign") if not any(left) else None
        rows: dict[tuple[int, ...], Callable[[], Mistake | None]] = {
            (0, 0, 0, 1): lambda: self._not_divided(missing_below[0]),
            (0, 0, 1, 0): lambda: Mistake.of("divided-too-often", divisor=_text(extra_below[0])),
            (0, 0, 1, 1): lambda: self._other_divisor(extra_below[0], missing_below[0]),
            (0, 1, 1, 0): lambda: Mistake.of("divided-not-multiplied", factor=_text(missing[0])),
            (1, 0, 0, 1): lambda: Mistake.of("multiplied-not-divided", factor=_text(extra[0])),
            (1, 1, 0, 0): lambda: self._of_parts(extra[0], missing[0]),
        }
        if left in rows:
            return rows[left]()
        if any(left[2:]):
            return self._one_over(wrong, right)
        if missing and not extra:
            return self._not_multiplied(missing)
        if extra and not missing:
            return self._multiplied_too_often(extra, right.factors)
        if _names(extra) and len(missing) == 2 and _is_slope(missing):
            return Mistake.of("value-for-slope", wrong=_joined(extra), right=_joined(missing))
        return Mistake.of("other-factors", wrong=_joined(extra), right=_joined(missing))

    def _one_over(self, wrong: _Product, right: _Product) -> Mistake | None:
        """`1 / n * x` for `x`: the 1 is no factor of its own."""
        pairs = [
            product._replace(factors=tuple(one for one in product.factors if not _is_one(one)))
            for product in (wrong, right)
        ]
        return self._of_products(*pairs) if pairs != [wrong, right] else None

    def _not_divided(self, divisor: ast.expr) -> Mistake:
        code = "mean-missing" if self._is_length(divisor) else "not-divided"
        return Mistake.of(code, divisor=_text(divisor))

    def _other_divisor(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        if self._is_length(wrong) or self._is_length(right):
            return Mistake.of("other-length", wrong=_text(wrong), right=_text(right))
        return self._of_parts(wrong, right)

    def _is_length(self, node: ast.expr) -> bool:
        if _called(node) == "len" or _text(node) in self._lengths:
            return True
        names = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
        return bool(names & {"size", "shape"})

    def _not_multiplied(self, missing: Sequence[ast.expr]) -> Mistake:
        factor = _joined(missing)
        if all(_is_number(one) for one in missing):
            return Mistake.of("constant-missing", factor=factor)
        if _is_mask(missing[0]):
            return Mistake.of("mask-missing", mask=factor)
        if _is_slope(missing):
            return Mistake.of("slope-missing", slope=factor)
        return Mistake.of("factor-missing", factor=factor)

    def _multiplied_too_often(self, extra: Sequence[ast.expr], others: Sequence[ast.expr]) -> Mistake:
        code = "slope-twice" if _is_slope(extra) else "factor-doubled"
        return Mistake.of(code, factor=_joined(extra))

    # --- single parts ---

    def _of_parts(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        for row in (_transposes, _matrix_orders, _masks, _powers, _slopes_and_values):
            mistake = row(wrong, right)
            if mistake is not None:
                return mistake
        if _is_number(wrong) and _is_number(right):
            return Mistake.of("other-constant", wrong=_text(wrong), right=_text(right))
        if _is_name(wrong) and _is_name(right) and not _same_array(wrong, right):
            return Mistake.of("name-for-name", wrong=_text(wrong), right=_text(right))
        return self._inside(wrong, right) or self._around(wrong, right)

    def _inside(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        """What differs within two parts of the same kind."""
        if isinstance(wrong, ast.Call) and isinstance(right, ast.Call):
            return self._of_calls(wrong, right)
        if isinstance(wrong, ast.Subscript) and isinstance(right, ast.Subscript):
            return Mistake.of("other-index", wrong=_text(wrong.slice), right=_text(right.slice))
        if type(wrong) is not type(right):
            return None
        if isinstance(wrong, ast.Tuple | ast.List) and isinstance(right, ast.Tuple | ast.List):
            return self._of_items(wrong.elts, right.elts)
        if _is_sum_or_product(wrong) and _is_sum_or_product(right):
            return self.of_values(wrong, right)
        pairs = [
            (one, other)
            for one, other in zip(ast.iter_child_nodes(wrong), ast.iter_child_nodes(right), strict=False)
            if ast.dump(one) != ast.dump(other)
        ]
        if len(pairs) != 1:
            return None
        one, other = pairs[0]
        if isinstance(one, ast.expr) and isinstance(other, ast.expr):
            return self.of_values(one, other)
        return None

    def _around(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        """A call around a part that is missing, or too much."""
        for one, other, code in ((right, wrong, "call-missing"), (wrong, right, "call-extra")):
            if isinstance(one, ast.Call) and any(_same(argument, other) for argument in one.args):
                return Mistake.of(code, function=_text(one.func))
        return None

    def _of_calls(self, wrong: ast.Call, right: ast.Call) -> Mistake | None:
        arguments = _arguments(wrong), _arguments(right)
        if _same(wrong.func, right.func):
            return self._of_arguments(wrong, *arguments)
        if list(map(ast.dump, arguments[0].values())) != list(map(ast.dump, arguments[1].values())):
            return self._around(wrong, right)
        functions = wrong.func, right.func
        names = _called(wrong), _called(right)
        if names in _MEANS:
            return Mistake.of(_MEANS[names])
        if names[0] == names[1] and all(isinstance(function, ast.Attribute) for function in functions):
            return self.of_values(functions[0].value, functions[1].value)  # type: ignore[attr-defined]
        return Mistake.of("other-function", wrong=_text(functions[0]), right=_text(functions[1]))

    def _of_arguments(
        self, call: ast.Call, wrong: dict[Any, ast.expr], right: dict[Any, ast.expr]
    ) -> Mistake | None:
        keys = [key for key in {**wrong, **right} if not _same(wrong.get(key), right.get(key))]
        if set(keys) <= {"axis", "keepdims"} and "axis" in keys or _is_axis(call, keys):
            axes = [_text(one[keys[0]]) if keys[0] in one else "None" for one in (wrong, right)]
            return Mistake.of("other-axis", function=_called(call), wrong=axes[0], right=axes[1])
        if len(keys) == 1 and keys[0] in wrong and keys[0] in right:
            return self.of_values(wrong[keys[0]], right[keys[0]])
        return self._of_items([*wrong.values()], [*right.values()])

    def _of_items(self, wrong: Sequence[ast.expr], right: Sequence[ast.expr]) -> Mistake | None:
        if len(wrong) != len(right):
            return None
        if sorted(map(ast.dump, wrong)) == sorted(map(ast.dump, right)):
            return Mistake.of("order-of-items")
        pairs = [(one, other) for one, other in zip(wrong, right, strict=True) if not _same(one, other)]
        return self.of_values(*pairs[0]) if len(pairs) == 1 else None


# --- rows for single parts ----------------------------------------------------------------------


def _transposes(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    bare = _untransposed(wrong), _untransposed(right)
    if not _same(*bare) or _same(wrong, right):
        return None
    code = "transpose-missing" if _same(bare[0], wrong) else "transpose-extra"
    return Mistake.of(code, name=_text(bare[0]))


def _matrix_orders(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    pairs = _operands(wrong), _operands(right)
    if pairs[0] is None or pairs[1] is None:
        return None
    bare = [tuple(map(_untransposed, pair)) for pair in pairs if pair]
    if _same(bare[0][0], bare[1][1]) and _same(bare[0][1], bare[1][0]):
        return Mistake.of("order-swapped")
    if _same(bare[0][0], bare[1][0]) and _same(bare[0][1], bare[1][1]):
        turned = [one for one, other in zip(*pairs, strict=True) if not _same(one, other)]
        code = "transpose-missing" if any(_same(_untransposed(one), one) for one in turned) else "transpose-extra"
        return Mistake.of(code, name=_text(_untransposed(turned[0]))) if turned else None
    return None


def _masks(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    for one, other in ((wrong, right), (right, wrong)):
        if isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.Invert | ast.Not) and _same(one.operand, other):
            return Mistake.of("mask-flipped")
    if not isinstance(right, ast.Compare):
        return None
    if not isinstance(wrong, ast.Compare):
        return Mistake.of("mask-other", wrong=_text(wrong), right=_text(right))
    inverse = any({type(wrong.ops[0]), type(right.ops[0])} == set(pair) for pair in _INVERSE)
    if inverse and _same(wrong.left, right.left) and _same(wrong.comparators[0], right.comparators[0]):
        return Mistake.of("mask-flipped")
    return Mistake.of("mask-other", wrong=_text(wrong), right=_text(right))


def _powers(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    bases = [one.left if _is_power(one) else one for one in (wrong, right)]  # type: ignore[attr-defined]
    if not (_is_power(wrong) or _is_power(right)) or not _same(*bases):
        return None
    exponents = [_text(one.right) if _is_power(one) else "1" for one in (wrong, right)]  # type: ignore[attr-defined]
    return Mistake.of("other-exponent", base=_text(bases[0]), wrong=exponents[0], right=exponents[1])


def _slopes_and_values(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    if _is_name(wrong) and _is_slope([right]):
        return Mistake.of("value-for-slope", wrong=_text(wrong), right=_text(right))
    return None


# --- expressions --------------------------------------------------------------------------------


def _assigned(statement: ast.stmt) -> tuple[ast.expr | None, int]:
    """The value of a statement, and whether it is added (1) to its target, subtracted (-1), or neither."""
    value: ast.expr | None = getattr(statement, "value", None)
    if isinstance(statement, ast.AugAssign):
        adds = 1 if isinstance(statement.op, ast.Add) else -1 if isinstance(statement.op, ast.Sub) else 2
        return value, adds
    target = _targets(statement)
    if target is not None and isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        sign = 1 if isinstance(value.op, ast.Add) else -1
        if _text(value.left) == _text(target):
            return value.right, sign
    return value, 0


def _targets(statement: ast.stmt) -> ast.expr | None:
    if isinstance(statement, ast.Assign):
        return statement.targets[0]
    return statement.target if isinstance(statement, ast.AugAssign) else None


def _terms(node: ast.expr, sign: int = 1) -> list[_Product]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        other = sign if isinstance(node.op, ast.Add) else -sign
        return [*_terms(node.left, sign), *_terms(node.right, other)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_sum(node.operand):
        return _terms(node.operand, -sign)
    return [_product(node, sign)]


def _product(node: ast.expr, sign: int) -> _Product:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _product(node.operand, -sign)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        left, right = _product(node.left, sign), _product(node.right, 1)
        above, below = (right.factors, right.divisors)
        if isinstance(node.op, ast.Div):
            above, below = below, above
        return _Product(left.sign * right.sign, (*left.factors, *above), (*left.divisors, *below))
    return _Product(sign, (node,), ())


def _without(wrong: Sequence[Any], right: Sequence[Any], same: Callable[[Any, Any], bool]) -> tuple[list[Any], list[Any]]:
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


def _equal(one: _Product, other: _Product) -> bool:
    if one.sign != other.sign or len(one.factors) != len(other.factors):
        return False
    left = (*_without(one.factors, other.factors, _same), *_without(one.divisors, other.divisors, _same))
    return not any(left)


def _text(node: ast.AST | None) -> str:
    return "" if node is None else ast.unparse(node)


def _same(one: ast.AST | None, other: ast.AST | None) -> bool:
    return _text(one) == _text(other)


def _tight(node: ast.expr) -> str:
    return f"({_text(node)})" if isinstance(node, ast.BinOp | ast.Compare) and not _is_power(node) else _text(node)


def _joined(factors: Sequence[ast.expr]) -> str:
    return _text(factors[0]) if len(factors) == 1 else " * ".join(map(_tight, factors))


def _called(node: ast.expr) -> str:
    """The bare name of the function that is called: `sum` of `np.sum(x)` and of `x.sum()`."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _arguments(call: ast.Call) -> dict[Any, ast.expr]:
    """The arguments, by position or name."""
    return {**dict(enumerate(call.args)), **{one.arg: one.value for one in call.keywords}}


def _is_axis(call: ast.Call, keys: Sequence[Any]) -> bool:
    """`x.sum(1)`, `np.sum(x, 1)`: the axis without its name."""
    on_array = isinstance(call.func, ast.Attribute) and _text(call.func.value) not in ("np", "numpy")
    return _called(call) in ("sum", "mean", "max", "min") and list(keys) == [0 if on_array else 1]


def _untransposed(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "transpose":
        return node.args[0] if _text(node.func.value) in ("np", "numpy") and node.args else node.func.value
    return node


def _operands(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """The operands of a matrix product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.Call) and _called(node) in _PRODUCTS:
        if len(node.args) == 2:
            return node.args[0], node.args[1]
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            return node.func.value, node.args[0]
    return None


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def _is_sum_or_product(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div)
    )


def _is_power(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _is_name(node: ast.expr) -> bool:
    return isinstance(_untransposed(node), ast.Name | ast.Attribute | ast.Subscript)


def _names(nodes: Sequence[ast.expr]) -> bool:
    return len(nodes) == 1 and _is_name(nodes[0])


def _same_array(one: ast.expr, other: ast.expr) -> bool:
    """Whether both are parts of one array: `h[t]` and `h[t - 1]`."""
    both = isinstance(one, ast.Subscript) and isinstance(other, ast.Subscript)
    return both and _same(one.value, other.value)  # type: ignore[attr-defined]


def _is_mask(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) or "mask" in _text(node).lower()


def _is_slope(factors: Sequence[ast.expr]) -> bool:
    """`1 - a ** 2`, `a * (1 - a)`: derivatives as people write them of tanh and of the sigmoid."""
    return any(_is_complement(one) for factor in factors for one in _product(factor, 1).factors)


def _is_complement(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _is_one(node.left)
