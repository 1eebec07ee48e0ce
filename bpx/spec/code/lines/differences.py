"""What kind of mistake a statement has: how it differs from the one that would be right.

Both are read as sums of products of factors and divisors, as people read them: what is equal in both is set
aside, and what is left is one row of a table: a sign, a term, a factor, a divisor, or one name for another.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from typing import Any

from bpx.check.report.blame import Mistake
from bpx.spec.code.lines.expressions import (
    Product,
    arguments_of,
    assigned,
    called,
    is_axis,
    is_equal_product,
    is_mask,
    is_name,
    is_number,
    is_one,
    is_power,
    is_same,
    is_same_array,
    is_single_name,
    is_slope,
    is_sum_or_product,
    matrix_operands,
    parsed,
    parts_that_differ,
    product_text,
    target_of,
    terms_of,
    text_of,
    untransposed,
    without,
)
from bpx.spec.code.lines.line_blame import Culprit

_INVERSE = ((ast.Gt, ast.LtE), (ast.Lt, ast.GtE), (ast.Gt, ast.Lt), (ast.GtE, ast.LtE), (ast.Eq, ast.NotEq))
# What numbers tell of a wrong line besides what differs in it: the reason why, and not the same once more.
_REASONS = (
    *("own-value", "value-of", "other-op", "at-input", "at-output", "value-at-output", "updated"),
    *("exponent-kept", "exponent-lost", "not-squared", "inner-forgotten", "drawn-again", "diagonal-only"),
    *("other-gradient", "stride-forgotten", "kernel-turned", "kernel-transposed", "order-of-elements"),
)
_MEANS = {("mean", "sum"): "averaged-not-summed", ("sum", "mean"): "summed-not-averaged"}


def mistake_between(wrong: str, right: str, lengths: Collection[str] = ()) -> Mistake | None:
    """The kind of mistake, if the two statements differ in one way that has a name.

    `lengths` are names of whole numbers: to divide by one of them is to take a mean.
    """
    trees = parsed(wrong), parsed(right)
    if trees[0] is None or trees[1] is None:
        return None
    return _Differences(frozenset(lengths)).of_statements(trees[0], trees[1])


def mistakes_of(culprit: Culprit, known: Sequence[Mistake]) -> tuple[Mistake, ...]:
    """How the statement differs from the right one, and what the numbers alone tell."""
    statement = culprit.setting.statement
    if statement is None:
        return tuple(known)
    if culprit.right is None:
        return (Mistake.of("drawn-again"), *known) if draws(statement.value) else tuple(known)
    mistake = mistake_between(statement.text, culprit.right, culprit.lengths)
    if mistake is None:
        return tuple(known) or _other_part(statement.text, culprit.right)
    return (mistake, *(one for one in known[:1] if one.code in _REASONS and one.text != mistake.text))


def _other_part(wrong: str, right: str) -> tuple[Mistake, ...]:
    """The smallest part in which two statements differ, where that is not all of them."""
    trees = parsed(wrong), parsed(right)
    values = [assigned(tree)[0] for tree in trees if tree is not None]
    if len(values) < 2 or values[0] is None or values[1] is None:
        return ()
    pairs = [*parts_that_differ(values[0], values[1])][1:]
    return tuple(Mistake.of("other-part", wrong=text_of(a), right=text_of(b)) for a, b in pairs[-1:])


def draws(value: str) -> bool:
    """Whether an expression draws random numbers."""
    tree = ast.parse(value or "0", mode="eval")
    names = {one.attr if isinstance(one, ast.Attribute) else text_of(one) for one in ast.walk(tree)}
    return "random" in names or "default_rng" in names


class _Differences:
    """The table: what is left of two expressions when what they share is set aside."""

    def __init__(self, lengths: frozenset[str]) -> None:
        self._lengths = lengths

    # --- statements ---

    def of_statements(self, wrong: ast.stmt, right: ast.stmt) -> Mistake | None:
        """An assignment for an addition, the wrong way round a loop, or what differs in the values."""
        if isinstance(wrong, ast.For) and isinstance(right, ast.For):
            return self._of_loops(wrong.iter, right.iter)
        if isinstance(wrong, ast.AugAssign) and text_of(right).startswith("np.add.at("):
            return Mistake.of("repeated-index", index=text_of(getattr(wrong.target, "slice", None)))
        wrong_value, wrong_adds = assigned(wrong)
        right_value, right_adds = assigned(right)
        if wrong_value is None or right_value is None:
            return None
        if wrong_adds == right_adds:
            targets = target_of(wrong), target_of(right)
            if targets[0] and targets[1] and text_of(targets[0]) != text_of(targets[1]):
                same = is_same(wrong_value, right_value)
                return self.of_values(targets[0], targets[1]) if same else None
            return self.of_values(wrong_value, right_value)
        if not is_same(wrong_value, right_value):
            return None
        if wrong_adds and right_adds:
            return Mistake.of("sign")
        code = "overwritten" if right_adds else "added-up"
        return Mistake.of(code, target=text_of(target_of(wrong)))

    def _of_loops(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        for one, other in ((wrong, right), (right, wrong)):
            if called(one) == "reversed" and isinstance(one, ast.Call) and is_same(one.args[0], other):
                return Mistake.of("loop-order")
        return self.of_values(wrong, right)

    # --- values ---

    def of_values(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        """The row of the table for two expressions."""
        everywhere = self._everywhere(wrong, right)
        if everywhere is not None:
            return everywhere
        terms = terms_of(wrong), terms_of(right)
        if max(map(len, terms)) > 1:
            # `a - b` for `(a - b) * c`: a sum as it stands is a factor too.
            whole = [Product(1, (one,), ()) for one in (wrong, right)]
            as_factors = [
                sides[0] if len(sides) == 1 else product for sides, product in zip(terms, whole, strict=True)
            ]
            mistake = self._of_sums(*terms)
            if mistake is None and min(map(len, terms)) == 1:
                mistake = self._of_products(*as_factors)
                return mistake if mistake and mistake.code != "other-factors" else None
            return mistake
        return self._of_products(terms[0][0], terms[1][0])

    def _everywhere(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        """One part for another wherever it stands, if it stands in several places."""
        texts = text_of(wrong), text_of(right)
        for one, other in parts_that_differ(wrong, right):
            part = text_of(one)
            if texts[0].count(part) > 1 and texts[0].replace(part, text_of(other)) == texts[1]:
                return self._of_parts(one, other)
        return None

    def _of_sums(self, wrong: Sequence[Product], right: Sequence[Product]) -> Mistake | None:
        left, missing = without(wrong, right, is_equal_product)
        if left and len(left) == len(missing):
            _, others = without(left, [one._replace(sign=-one.sign) for one in missing], is_equal_product)
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

    def _of_products(self, wrong: Product, right: Product) -> Mistake | None:
        # `1 / n * x`: the 1 is no factor of its own.
        above = [[one for one in product.factors if not is_one(one)] for product in (wrong, right)]
        extra, missing = without(above[0], above[1], is_same)
        extra_below, missing_below = without(wrong.divisors, right.divisors, is_same)
        left = (len(extra), len(missing), len(extra_below), len(missing_below))
        if wrong.sign != right.sign:
            return Mistake.of("sign") if not any(left) else None
        rows: dict[tuple[int, ...], Callable[[], Mistake | None]] = {
            (0, 0, 0, 1): lambda: self._not_divided(missing_below[0]),
            (0, 0, 1, 0): lambda: Mistake.of("divided-too-often", divisor=text_of(extra_below[0])),
            (0, 0, 1, 1): lambda: self._other_divisor(extra_below[0], missing_below[0]),
            (0, 1, 1, 0): lambda: Mistake.of("divided-not-multiplied", factor=text_of(missing[0])),
            (1, 0, 0, 1): lambda: Mistake.of("multiplied-not-divided", factor=text_of(extra[0])),
            (1, 1, 0, 0): lambda: self._of_factors(extra[0], missing[0]),
        }
        if left in rows:
            return rows[left]()
        if any(left[2:]) or not any(left):
            return None
        if missing and not extra:
            return self._not_multiplied(missing)
        if extra and not missing:
            return self._multiplied_too_often(extra, right.factors)
        if is_single_name(extra) and len(missing) == 2 and is_slope(missing):
            return Mistake.of("value-for-slope", wrong=product_text(extra), right=product_text(missing))
        return Mistake.of("other-factors", wrong=product_text(extra), right=product_text(missing))

    def _not_divided(self, divisor: ast.expr) -> Mistake:
        code = "mean-missing" if self._is_length(divisor) else "not-divided"
        return Mistake.of(code, divisor=text_of(divisor))

    def _other_divisor(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        if self._is_length(wrong) or self._is_length(right):
            return Mistake.of("other-length", wrong=text_of(wrong), right=text_of(right))
        return self._of_parts(wrong, right)

    def _is_length(self, node: ast.expr) -> bool:
        if called(node) == "len" or text_of(node) in self._lengths:
            return True
        names = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
        return bool(names & {"size", "shape"})

    def _not_multiplied(self, missing: Sequence[ast.expr]) -> Mistake:
        factor = product_text(missing)
        if all(is_number(one) for one in missing):
            return Mistake.of("constant-missing", factor=factor)
        if is_mask(missing[0]):
            return Mistake.of("mask-missing", mask=factor)
        if is_slope(missing):
            return Mistake.of("slope-missing", slope=factor)
        return Mistake.of("factor-missing", factor=factor)

    def _multiplied_too_often(self, extra: Sequence[ast.expr], others: Sequence[ast.expr]) -> Mistake:
        code = "slope-twice" if is_slope(extra) else "factor-doubled"
        return Mistake.of(code, factor=product_text(extra))

    def _of_factors(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        mistake = self._of_parts(wrong, right)
        if mistake is None and (is_name(wrong) or is_name(right)):
            return Mistake.of("other-factors", wrong=text_of(wrong), right=text_of(right))
        return mistake

    # --- single parts ---

    def _of_parts(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        bare = untransposed(wrong), untransposed(right)
        if not is_same(bare[0], wrong) and not is_same(bare[1], right):
            return self._of_parts(*bare)
        for row in (_transposes, _matrix_orders, _masks, _powers, _slopes_and_values):
            mistake = row(wrong, right)
            if mistake is not None:
                return mistake
        if is_number(wrong) and is_number(right):
            return Mistake.of("other-constant", wrong=text_of(wrong), right=text_of(right))
        if is_name(wrong) and is_name(right) and not is_same_array(wrong, right):
            return Mistake.of("name-for-name", wrong=text_of(wrong), right=text_of(right))
        return self._inside(wrong, right) or self._around(wrong, right)

    def _inside(self, wrong: ast.expr, right: ast.expr) -> Mistake | None:
        """What differs within two parts of the same kind."""
        if isinstance(wrong, ast.Call) and isinstance(right, ast.Call):
            return self._of_calls(wrong, right)
        if isinstance(wrong, ast.Subscript) and isinstance(right, ast.Subscript):
            mask = _masks(wrong.slice, right.slice)
            if mask is not None or not is_same(wrong.value, right.value):
                return mask
            return Mistake.of("other-index", wrong=text_of(wrong.slice), right=text_of(right.slice))
        if type(wrong) is not type(right):
            return None
        if isinstance(wrong, ast.Tuple | ast.List) and isinstance(right, ast.Tuple | ast.List):
            return self._of_items(wrong.elts, right.elts)
        if is_sum_or_product(wrong) and is_sum_or_product(right):
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
            if isinstance(one, ast.Call) and any(is_same(argument, other) for argument in one.args):
                return Mistake.of(code, function=text_of(one.func))
        return None

    def _of_calls(self, wrong: ast.Call, right: ast.Call) -> Mistake | None:
        arguments = arguments_of(wrong), arguments_of(right)
        if is_same(wrong.func, right.func):
            return self._of_arguments(wrong, *arguments)
        if list(map(ast.dump, arguments[0].values())) != list(map(ast.dump, arguments[1].values())):
            return self._around(wrong, right)
        functions = wrong.func, right.func
        names = called(wrong), called(right)
        if names in _MEANS:
            return Mistake.of(_MEANS[names])
        if names[0] == names[1] and all(isinstance(function, ast.Attribute) for function in functions):
            return self.of_values(functions[0].value, functions[1].value)  # type: ignore[attr-defined]
        return Mistake.of("other-function", wrong=text_of(functions[0]), right=text_of(functions[1]))

    def _of_arguments(
        self, call: ast.Call, wrong: dict[Any, ast.expr], right: dict[Any, ast.expr]
    ) -> Mistake | None:
        keys = [key for key in {**wrong, **right} if not is_same(wrong.get(key), right.get(key))]
        if (set(keys) <= {"axis", "keepdims"} and "axis" in keys) or is_axis(call, keys):
            axes = [text_of(one[keys[0]]) if keys[0] in one else "None" for one in (wrong, right)]
            return Mistake.of("other-axis", function=called(call), wrong=axes[0], right=axes[1])
        if len(keys) == 1 and keys[0] in wrong and keys[0] in right:
            return self.of_values(wrong[keys[0]], right[keys[0]])
        return self._of_items([*wrong.values()], [*right.values()])

    def _of_items(self, wrong: Sequence[ast.expr], right: Sequence[ast.expr]) -> Mistake | None:
        if len(wrong) != len(right):
            return None
        if sorted(map(ast.dump, wrong)) == sorted(map(ast.dump, right)):
            return Mistake.of("order-of-items")
        pairs = [(one, other) for one, other in zip(wrong, right, strict=True) if not is_same(one, other)]
        mistakes = {self.of_values(one, other) for one, other in pairs}
        return mistakes.pop() if len(mistakes) == 1 else None


# --- rows for single parts ----------------------------------------------------------------------


def _transposes(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    bare = untransposed(wrong), untransposed(right)
    if not is_same(*bare) or is_same(wrong, right):
        return None
    code = "transpose-missing" if is_same(bare[0], wrong) else "transpose-extra"
    return Mistake.of(code, name=text_of(bare[0]))


def _matrix_orders(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    pairs = matrix_operands(wrong), matrix_operands(right)
    if pairs[0] is None or pairs[1] is None:
        return None
    bare = [tuple(map(untransposed, pair)) for pair in pairs if pair]
    if is_same(bare[0][0], bare[1][1]) and is_same(bare[0][1], bare[1][0]):
        return Mistake.of("order-swapped")
    if is_same(bare[0][0], bare[1][0]) and is_same(bare[0][1], bare[1][1]):
        turned = [one for one, other in zip(pairs[0], pairs[1], strict=True) if not is_same(one, other)]
        code = (
            "transpose-missing"
            if any(is_same(untransposed(one), one) for one in turned)
            else "transpose-extra"
        )
        return Mistake.of(code, name=text_of(untransposed(turned[0]))) if turned else None
    return None


def _masks(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    for one, other in ((wrong, right), (right, wrong)):
        if (
            isinstance(one, ast.UnaryOp)
            and isinstance(one.op, ast.Invert | ast.Not)
            and is_same(one.operand, other)
        ):
            return Mistake.of("mask-flipped")
    if not isinstance(right, ast.Compare):
        return None
    if not isinstance(wrong, ast.Compare):
        return Mistake.of("mask-other", wrong=text_of(wrong), right=text_of(right))
    inverse = any({type(wrong.ops[0]), type(right.ops[0])} == set(pair) for pair in _INVERSE)
    if inverse and is_same(wrong.left, right.left) and is_same(wrong.comparators[0], right.comparators[0]):
        return Mistake.of("mask-flipped")
    return Mistake.of("mask-other", wrong=text_of(wrong), right=text_of(right))


def _powers(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    bases = [one.left if is_power(one) else one for one in (wrong, right)]  # type: ignore[attr-defined]
    if not (is_power(wrong) or is_power(right)) or not is_same(*bases):
        return None
    exponents = [text_of(one.right) if is_power(one) else "1" for one in (wrong, right)]  # type: ignore[attr-defined]
    return Mistake.of("other-exponent", base=text_of(bases[0]), wrong=exponents[0], right=exponents[1])


def _slopes_and_values(wrong: ast.expr, right: ast.expr) -> Mistake | None:
    if is_name(wrong) and is_slope([right]):
        return Mistake.of("value-for-slope", wrong=text_of(wrong), right=text_of(right))
    return None
