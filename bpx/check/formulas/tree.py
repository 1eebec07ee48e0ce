"""Small formulas as trees over numbered leaves: as nodes, and put so that they read well."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

from bpx.check.numeric.tolerances import LARGEST_DENOMINATOR, SHORT_DECIMAL
from bpx.graph.graph import OPS, Expr, Graph

# An index into the leaves, a number, or an op's name and the trees of its args.
Tree = int | float | tuple[Any, ...]

SQUARE, COMPLEMENT, COMPLEMENT_OF_SQUARE = "x^2", "1 - x", "1 - x^2"
SIGMOID_SLOPE, TANH_SLOPE = "sigmoid'", "tanh'"  # what they are written as people know by heart
_WITHOUT_NAME_OF_THEIR_OWN: dict[str, Callable[..., Tree]] = {
    SQUARE: lambda x: ("pow", x, 2.0),
    COMPLEMENT: lambda x: ("sub", 1.0, x),
    COMPLEMENT_OF_SQUARE: lambda x: ("sub", 1.0, ("pow", x, 2.0)),
    SIGMOID_SLOPE: lambda x: ("mul", ("sigmoid", x), ("sub", 1.0, ("sigmoid", x))),
    TANH_SLOPE: lambda x: ("sub", 1.0, ("pow", ("tanh", x), 2.0)),
    "rsub": lambda a, b: ("sub", b, a),
    "rdiv": lambda a, b: ("div", b, a),
}


def plain(tree: Tree, numbers: Mapping[int, Tree]) -> Tree:
    """The tree with ops of the op table alone, and with numbers in place of the leaves that are numbers."""
    if not isinstance(tree, tuple):
        return numbers.get(tree, tree) if isinstance(tree, int) else tree
    op, *args = tree
    whole = [plain(arg, numbers) for arg in args]
    make = _WITHOUT_NAME_OF_THEIR_OWN.get(op)
    return plain(make(*whole), {}) if make else (op, *whole)


def built(tree: Tree, graph: Graph, leaves: Sequence[Expr] | Graph) -> Expr:
    """A plain tree as a node of `graph`, literally, with `leaves` in their places."""
    if isinstance(tree, int):
        return leaves[tree]
    if isinstance(tree, float):
        return graph.constant(tree)
    op, *args = tree
    return graph.add(OPS[op], *(built(arg, graph, leaves) for arg in args))


def ugliness(tree: Tree) -> int:
    """How ill a formula reads: sums of formulas, and `a - 1` where `1 - a` would do."""
    if not isinstance(tree, tuple):
        return 0
    turned = tree[0] == "sub" and isinstance(tree[2], float)
    return sums_of_formulas(tree) + turned + sum(map(ugliness, tree[1:]))


def sums_of_formulas(tree: Tree) -> int:
    """How many sums and differences have a formula as a part, as `a - a^2` has: `a * (1 - a)` has none."""
    if not isinstance(tree, tuple):
        return 0
    op, *args = tree
    own = op in ("add", "sub") and any(isinstance(arg, tuple) for arg in args)
    return own + sum(map(sums_of_formulas, args))


def has_fraction_in_sum(tree: Tree) -> bool:
    """Is a term of a sum a fraction, as in `x + 1 / x`?"""
    if not isinstance(tree, tuple):
        return False
    op, *args = tree
    own = op in ("add", "sub") and any(isinstance(arg, tuple) and arg[0] == "div" for arg in args)
    return own or any(map(has_fraction_in_sum, args))


def adds_like_terms(tree: Tree) -> bool:
    """Does a sum have two multiples of one thing, as `y + 4 * y`? That is a number in disguise."""
    terms = [_factors(term).exponents for term in _terms(tree)]
    if any(term in terms[:i] for i, term in enumerate(terms)):
        return True
    return isinstance(tree, tuple) and any(map(adds_like_terms, tree[1:]))


def _terms(tree: Tree) -> list[Tree]:
    """What a sum, of sums perhaps, is made of, without regard to signs."""
    if isinstance(tree, tuple) and tree[0] in ("add", "sub"):
        return [term for arg in tree[1:] for term in _terms(arg)]
    return [tree]


# --- products as people write them --------------------------------------------------------------


class _Product(NamedTuple):
    """A product: a number, and bases with their exponents."""

    number: Fraction
    exponents: dict[Tree, float]

    def times(self, other: _Product, power: float) -> _Product:
        """The product of both, the other one raised to 1 or -1."""
        exponents = dict(self.exponents)
        for base, exponent in other.exponents.items():
            exponents[base] = exponents.get(base, 0.0) + power * exponent
        return _Product(self.number * other.number ** int(power), exponents)


def readable(tree: Tree) -> Tree:
    """The same formula with its products in one row, numbers first, and `1 - a` beside its `a`."""
    if not isinstance(tree, tuple):
        return tree
    if tree[0] not in ("mul", "div", "neg", "pow"):
        op, *args = tree
        whole = [readable(arg) for arg in args]
        if op == "add" and not isinstance(whole[0], float) and isinstance(whole[1], float):
            whole.reverse()  # 1 + y
        return (op, *whole)
    number, exponents = _turned(_factors(tree))
    above = [_power(base, n) for base, n in exponents.items() if n > 0]
    below = [_power(base, -n) for base, n in exponents.items() if n < 0]
    over, under = _fraction(abs(number))
    below = below if under == 1 else [under, *below]
    factors = _in_order(above) if over == 1 and above else [over, *_in_order(above)]
    top = _row(_with_sign(factors, number < 0))
    return ("div", top, _row(_in_order(below))) if below else top


def exact(number: float) -> Fraction:
    """The fraction that is meant by a number: 1/3 by 0.3333333333333333, 1/10 by 0.1."""
    nearest = Fraction(number).limit_denominator(LARGEST_DENOMINATOR)
    close = abs(float(nearest) - number) <= 2 * math.ulp(number)
    return nearest if close and nearest else Fraction(repr(float(number)))


def _fraction(size: Fraction) -> tuple[float, float]:
    """A number above, and one below the line: 1/3 2/5, of a mean of squares, are fractions; 1.25 is none."""
    decimal = float(size)
    is_short = size.numerator > 2 and len(repr(decimal)) <= SHORT_DECIMAL
    if is_short or size.denominator > LARGEST_DENOMINATOR:
        return decimal, 1.0
    return float(size.numerator), float(size.denominator)


def _factors(tree: Tree) -> _Product:
    if isinstance(tree, float) and tree:
        return _Product(exact(tree), {})
    op, *args = tree if isinstance(tree, tuple) else ("",)
    if op == "neg":
        return _Product(Fraction(-1), {}).times(_factors(args[0]), 1.0)
    if op in ("mul", "div"):
        return _factors(args[0]).times(_factors(args[1]), 1.0 if op == "mul" else -1.0)
    if op == "pow" and isinstance(args[1], float):
        return _Product(Fraction(1), {readable(args[0]): args[1]})
    return _Product(Fraction(1), {tree if op == "pow" else readable(tree): 1.0})


def _turned(product: _Product) -> _Product:
    """The product with `1 - a` for every `a - 1`, and the sign before it."""
    number, exponents = product.number, dict[Tree, float]()
    for base, exponent in product.exponents.items():
        is_turned = isinstance(base, tuple) and base[0] == "sub" and isinstance(base[2], float)
        if is_turned and exponent % 2 == 1:
            number, base = -number, ("sub", base[2], base[1])  # type: ignore[index]
        exponents[base] = exponents.get(base, 0.0) + exponent
    return _Product(number, {base: exponent for base, exponent in exponents.items() if exponent})


def _power(base: Tree, exponent: float) -> Tree:
    return base if exponent == 1 else ("pow", base, exponent)


def _in_order(factors: Sequence[Tree]) -> list[Tree]:
    """Numbers, names, and then formulas; what is made of one name alone stands right behind the name."""
    ordered: list[Tree] = sorted(one for one in factors if isinstance(one, float))
    formulas = [one for one in factors if isinstance(one, tuple)]
    formulas.sort(key=lambda one: (_length(one), repr(one)))
    single = {_names(one)[0] for one in factors if len(set(_names(one))) == 1}
    for name in sorted(single):
        ordered += [one for one in factors if isinstance(one, int) and one == name]
        ordered += [one for one in formulas if set(_names(one)) == {name}]
    return ordered + [one for one in formulas if len(set(_names(one))) != 1]


def _with_sign(factors: Sequence[Tree], negative: bool) -> list[Tree]:
    """A minus goes into a difference if there is one, or else before the first factor."""
    if not negative:
        return list(factors)
    for i, one in enumerate(factors):
        if isinstance(one, tuple) and one[0] == "sub" and not isinstance(one[1], float):
            return [*factors[:i], ("sub", one[2], one[1]), *factors[i + 1 :]]
    first, *others = factors
    return [-first if isinstance(first, float) else ("neg", first), *others]


def _row(factors: Sequence[Tree]) -> Tree:
    return reduce(lambda left, right: ("mul", left, right), factors)


def _names(tree: Tree) -> list[int]:
    if isinstance(tree, tuple):
        return [name for arg in tree[1:] for name in _names(arg)]
    return [tree] if isinstance(tree, int) else []


def _length(tree: Tree) -> int:
    return 1 + sum(map(_length, tree[1:])) if isinstance(tree, tuple) else 1
