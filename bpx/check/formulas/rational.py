"""Rational functions over exact fractions, factored as their parts were: numbers, atoms, sums of these.

A product keeps its factors, so that what stands above and below cancels. A sum takes out what its terms
share, is multiplied out, and is divided by the factors that were there before: (1 - y) / (1 - a) - y / a
times a * (1 - a) becomes a - y. Two of them are equal if and only if their difference is 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from bpx.check.formulas.tree import Tree, readable
from bpx.check.numeric.tolerances import LARGEST_COEFFICIENT, LARGEST_POWER, MOST_TERMS

Monomial = tuple[tuple[int, int], ...]  # atoms with exponents, sorted
Polynomial = dict[Monomial, Fraction]
# A polynomial of whole numbers without a common factor, its items sorted; where one is large, all are divided
# by the largest. The number without atoms is positive, or else that of the last monomial: `1 - a`, and
# `y - t` where y is computed after t.
Base = tuple[tuple[Monomial, Fraction], ...]


class Rational(NamedTuple):
    """A number times bases, with exponents of either sign, sorted. 0 has no bases."""

    number: Fraction
    factors: tuple[tuple[Base, int], ...] = ()

    @classmethod
    def atom(cls, atom: int) -> Rational:
        """What is not looked into."""
        return cls(Fraction(1), ((((((atom, 1),), Fraction(1)),), 1),))

    def times(self, other: Rational, power: int = 1) -> Rational:
        """The product with the other one, raised to `power`. Raises `ZeroDivisionError`."""
        factors = dict(self.factors)
        for base, exponent in other.factors:
            factors[base] = factors.get(base, 0) + power * exponent
        return _rational(self.number * other.number**power, factors)

    def plus(self, other: Rational, sign: int = 1) -> Rational:
        """The sum, or with `sign` -1 the difference. Raises `OverflowError` where it has too many terms."""
        left, right = dict(self.factors), dict(other.factors)
        if not self.number or not other.number:
            return self if self.number else other.times(Rational(Fraction(sign)))
        shared = {base: min(left.get(base, 0), right.get(base, 0)) for base in (*left, *right)}
        total = _expanded(self.number, left, shared)
        for monomial, number in _expanded(sign * other.number, right, shared).items():
            _add(total, monomial, number)
        return _factored(total, [base for base in shared if len(base) > 1], shared)

    @property
    def tree(self) -> Tree:
        """As a formula that reads well; its leaves are the atoms."""
        number, bases = self.number, list(self.factors)
        for i, (base, exponent) in enumerate(bases):  # a minus goes into a difference, if there is one
            if number < 0 and exponent % 2 and _is_difference(base):
                number, bases[i] = -number, (tuple((one, -factor) for one, factor in base), exponent)
        product: Tree = float(number.numerator)
        if number.denominator > 1:
            product = ("div", product, float(number.denominator))
        for base, exponent in bases:
            product = ("mul", product, ("pow", _sum(base), float(exponent)))
        return readable(product)


ZERO = Rational(Fraction(0))


def _rational(number: Fraction, factors: Mapping[Base, int]) -> Rational:
    if not number:
        return ZERO
    if any(abs(exponent) > LARGEST_POWER for exponent in factors.values()):
        raise OverflowError
    return Rational(number, tuple(sorted(item for item in factors.items() if item[1])))


# --- polynomials --------------------------------------------------------------------------------


def _add(total: Polynomial, monomial: Monomial, number: Fraction) -> None:
    total[monomial] = total.get(monomial, Fraction(0)) + number
    if not total[monomial]:
        del total[monomial]


def _multiplied(a: Mapping[Monomial, Fraction], b: Iterable[tuple[Monomial, Fraction]]) -> Polynomial:
    product: Polynomial = {}
    for right, factor in b:
        for left, number in a.items():
            _add(product, _joined(left, right), number * factor)
    if len(product) > MOST_TERMS:
        raise OverflowError
    return product


def _joined(a: Monomial, b: Monomial, sign: int = 1) -> Monomial:
    exponents = dict(a)
    for atom, exponent in b:
        exponents[atom] = exponents.get(atom, 0) + sign * exponent
    return tuple(sorted(item for item in exponents.items() if item[1]))


def _expanded(number: Fraction, factors: Mapping[Base, int], shared: Mapping[Base, int]) -> Polynomial:
    """What is left of a product beside what is shared, multiplied out."""
    product: Polynomial = {(): number}
    for base, least in shared.items():
        for _ in range(factors.get(base, 0) - least):
            product = _multiplied(product, base)
    return product


def _factored(total: Polynomial, divisors: Iterable[Base], shared: Mapping[Base, int]) -> Rational:
    """A polynomial divided by its atoms and by all divisors as often as they go in, times what is shared."""
    if not total:
        return ZERO
    factors = dict(shared)
    for base in divisors:
        quotient = _quotient(total, base)
        while quotient is not None:
            total, factors[base] = quotient, factors.get(base, 0) + 1
            quotient = _quotient(total, base)
    for atom in sorted({atom for monomial in total for atom, _ in monomial}):
        common = min(dict(monomial).get(atom, 0) for monomial in total)
        if common:
            (base, _), *_ = Rational.atom(atom).factors
            factors[base] = factors.get(base, 0) + common
            total = {_joined(monomial, ((atom, common),), -1): number for monomial, number in total.items()}
    number = Fraction(
        math.gcd(*(one.numerator for one in total.values())),
        math.lcm(*(one.denominator for one in total.values())),
    )
    leading = () if () in total else max(total)
    if max(abs(one / number) for one in total.values()) > LARGEST_COEFFICIENT:
        # x + 0.01 * y, and not (100 * x + y) / 100
        number = max((abs(one), monomial) for monomial, one in total.items())[0]
    number = abs(number) if total[leading] > 0 else -abs(number)
    base = tuple(sorted((monomial, one / number) for monomial, one in total.items()))
    if base != (((), Fraction(1)),):
        factors[base] = factors.get(base, 0) + 1
    return _rational(number, factors)


def _quotient(total: Polynomial, base: Base) -> Polynomial | None:
    """The quotient, if nothing is left over; by long division, the lexically largest terms first."""
    atoms = sorted({atom for monomial in (*total, *(one for one, _ in base)) for atom, _ in monomial})

    def rank(monomial: Monomial) -> list[int]:
        exponents = dict(monomial)
        return [exponents.get(atom, 0) for atom in atoms]

    lead, divisor = max(base, key=lambda term: rank(term[0]))
    quotient: Polynomial = {}
    rest = dict(total)
    while rest:
        top = max(rest, key=rank)
        over = _joined(top, lead, -1)
        if any(exponent < 0 for _, exponent in over):
            return None
        quotient[over] = rest[top] / divisor
        for monomial, number in base:
            _add(rest, _joined(monomial, over), -number * quotient[over])
    return quotient


# --- as people read them ------------------------------------------------------------------------


def _is_difference(base: Base) -> bool:
    """Can its sign be turned, so that it does not begin with a minus then? `1 - a` stays."""
    return base[0][0] != () and any(number < 0 for _, number in base)


def _sum(base: Base) -> Tree:
    """A sum, what is added before what is taken away."""
    terms = sorted(base, key=lambda term: (term[1] < 0, term[0]))
    (monomial, number), *others = terms
    total = _term(monomial, number)
    for monomial, number in others:
        total = ("sub" if number < 0 else "add", total, _term(monomial, abs(number)))
    return total


def _term(monomial: Monomial, number: Fraction) -> Tree:
    factors: list[Tree] = [
        ("pow", atom, float(exponent)) if exponent > 1 else atom for atom, exponent in monomial
    ]
    if number != 1 or not factors:
        factors.insert(0, float(number))
    return reduce(lambda a, b: ("mul", a, b), factors)
