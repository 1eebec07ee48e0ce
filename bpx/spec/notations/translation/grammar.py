"""The grammar that textbooks and LaTeX share, by recursive descent: products without a sign, bare functions.

It is given marks, the tokens of either notation, and makes a part in bpx's own notation of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bpx.spec.notations.translation.functions import INVERSES, applied, check_sign, derivative
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.limits import check_limit
from bpx.spec.notations.translation.mark import Mark
from bpx.spec.notations.translation.parts import (
    ATOM,
    Part,
    at_place,
    atom,
    call,
    indexed,
    infix,
    negated,
    number,
    transposed,
)
from bpx.spec.notations.translation.stopping import Asking, Refusing, Unreadable

COMPARISONS = frozenset(("<", "<=", ">", ">=", "==", "!="))
_SUMS, _PRODUCTS = frozenset("+-"), frozenset(("*", "/", "@", "dot", "elementwise"))
MOST_NESTED = 60
LONGEST_TRIED = 2_000  # marks; what is longer was not typed


def read_marks(marks: Sequence[Mark], known: Known, typed: str, *, exact_scripts: bool) -> tuple[Part, bool]:
    """The part of all marks, and whether it is the only reading. Raises `Unreadable`, `Asking`, `Refusing`.

    With `exact_scripts` exponents end where they seem to, as in LaTeX.
    """
    grammar = _Grammar(marks, known, typed, exact_scripts=exact_scripts)
    return grammar.whole(), grammar.certain


class _Grammar:
    """Reads marks; `certain` becomes false where a reading is the usual one, but not the only one."""

    def __init__(self, marks: Sequence[Mark], known: Known, typed: str, *, exact_scripts: bool) -> None:
        if len(marks) > LONGEST_TRIED:
            raise Unreadable
        end = Mark("end", "", len(typed), len(typed))
        self.marks, self.known, self.typed = [*marks, end, end], known, typed
        self.at = 0
        self.exact_scripts = exact_scripts  # do exponents end where they seem to?
        self.certain = True
        self.depth = 0
        self.bound: list[str] = []  # the letters that sums around here count with
        self.counted = 0  # names that these letters stand below

    @property
    def mark(self) -> Mark:
        return self.marks[self.at]

    def whole(self) -> Part:
        """The part of all marks. Raises `Unreadable`, `Asking`, `Refusing`."""
        part = self.comparison()
        if self.mark.kind != "end":
            raise Unreadable
        return part

    def take(self) -> Mark:
        self.at += 1
        return self.marks[self.at - 1]

    def is_infix(self, signs: frozenset[str]) -> bool:
        return self.mark.kind == "infix" and self.mark.text in signs

    # --- sums ---

    def comparison(self) -> Part:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise Unreadable
        left = self.sum()
        holds: Part | None = None
        while self.is_infix(COMPARISONS):
            sign = self.take()
            right = self.sum()
            both = infix(left, sign.text, right)
            self.certain &= holds is None
            holds, left = infix(holds, "*", both) if holds else both, right  # `a < b < c` where both hold
        self.depth -= 1
        return holds or left

    def sum(self) -> Part:
        left = self.product()
        while self.is_infix(_SUMS):
            left = infix(left, self.take().text, self.product())
        return left

    # --- products ---

    def product(self) -> Part:
        left = self.signed(self.factor)
        previous: Part | None = None  # what stands left of the `/` that `left` ends with
        divisor = left
        while True:
            if self.is_infix(_PRODUCTS):
                sign = self.take()
                right = self.signed(self.factor)
                previous, divisor = (left, right) if sign.text == "/" else (None, right)
                left = self.joined(left, sign, right)
            elif self.begins_factor():
                self.check_words()
                if previous is not None:
                    self.ask_of_denominator(previous, divisor)
                apart = self.mark.apart
                left = self.juxtaposed(left, self.factor(), apart=apart)
            else:
                return left

    def check_words(self) -> None:
        """Words that nobody gave a value to, one behind the other, are no product: `learning rate`."""
        one, two = self.marks[self.at - 1], self.mark
        if one.kind == "name" and two.kind == "open" and two.text == "(":
            self.certain &= one.text in self.known  # `f(x)` may be meant as a call
        if one.kind == two.kind == "number":
            raise Unreadable
        words = [mark.kind == "name" and mark.base.isalpha() and len(mark.base) > 1 for mark in (one, two)]
        unknown = [mark.text not in self.known and word for mark, word in zip((one, two), words, strict=True)]
        if not self.exact_scripts and any(unknown) and {one.kind, two.kind} <= {"name", "open"}:
            raise Unreadable

    def ask_of_denominator(self, numerator: Part, divisor: Part) -> None:
        """`x/2y`: is y below the stroke?"""
        if divisor.binding == ATOM and self.marks[self.at - 1].kind == "close" and self.exact_scripts:
            return
        following = self.factor()
        below = infix(numerator, "/", self.juxtaposed(divisor, following))
        beside = self.juxtaposed(infix(numerator, "/", divisor), following)
        raise Asking(numerator.start, following.end, f"{beside.text}", below.text)

    def joined(self, left: Part, sign: Mark, right: Part) -> Part:
        if sign.text == "elementwise":
            return infix(left, "*", right)
        if sign.text != "dot":
            self.certain &= sign.text != "*" or not self.known.may_be_other("cross", left, right)
            turned = right.turned and sign.text == "*" and self.known.shape(left) == ()
            return infix(left, sign.text, right)._replace(turned=turned)
        one, two = self.known.shape(left), self.known.shape(right)
        if one and two:  # · between arrays is the dot product
            self.certain = False
            return infix(left, "@", right)
        return infix(left, "*", right)._replace(turned=left.turned or right.turned)

    def juxtaposed(self, left: Part, right: Part, *, apart: bool = False) -> Part:
        """Side by side: a product, of matrices where one of them is one."""
        turned = left.turned or left.text.endswith(".T") or right.text.endswith(".T")
        one, two = self.known.shape(left), self.known.shape(right)
        turned |= apart
        if self.bound:
            return infix(left, "*", right)
        if right.turned and one and two and len(one) == len(two) == 1:
            return call("outer", (left, right), left.start, right.end)
        if one is None or two is None:
            return infix(left, "@" if turned and not apart else "*", right)
        if not one or not two:  # a number times a row is a row
            return infix(left, "*", right)._replace(turned=left.turned or right.turned)
        if len(one) == len(two) == 1 and not turned:
            start, end = left.start, right.end
            raise Asking(start, end, infix(left, "*", right).text, infix(left, "@", right).text)
        self.certain = False
        return infix(left, "@", right)._replace(turned=left.turned)

    def begins_factor(self) -> bool:
        mark = self.mark
        return mark.kind in ("number", "name", "function", "open", "literal", "root", "sum")

    def signed(self, operand: Callable[[], Part]) -> Part:
        """An operand behind any number of signs."""
        if self.is_infix(_SUMS):
            sign = self.take()
            part = self.signed(operand)
            return part if sign.text == "+" else negated(part, sign.start)
        return operand()

    # --- powers ---

    def factor(self) -> Part:
        if self.mark.kind == "function":
            return self.behind(self.function())
        return self.behind(self.operand())

    def behind(self, base: Part) -> Part:
        """What stands behind an operand: powers, indices, transposes."""
        while True:
            mark = self.mark
            if mark.kind == "transpose":
                base = self.transpose(base, self.take())
            elif mark.kind == "index":
                base = indexed(base, self.take().text, mark.end)
            elif mark.kind == "infix" and mark.text == "^":
                base = self.power(base)
            else:
                return base

    def transpose(self, base: Part, mark: Mark) -> Part:
        shape = self.known.shape(base)
        if shape is not None and len(shape) < 2:
            self.certain = False
            return base._replace(end=mark.end, turned=True)  # a vector, which has no rows and columns
        return transposed(base, mark.end)

    def power(self, base: Part) -> Part:
        sign, first = self.take(), self.mark
        exponent = self.exponent()
        ambiguous = first.kind == "number" and self.begins_factor() and self.mark.touches
        if ambiguous and not self.exact_scripts and first.end == self.marks[self.at - 1].end:
            more = self.operand()
            less, all = infix(base, "^", exponent), infix(base, "^", infix(exponent, "*", more))
            raise Asking(base.start, more.end, self.juxtaposed(less, more).text, all.text)
        shape = self.known.shape(base) or ()
        is_of_matrix = len(shape) == 2 or shape[-1:] == shape[-2:-1] != ()
        if exponent.text == "-1" and is_of_matrix and not sign.elementwise:
            inverse = call("inv", (base,), base.start, exponent.end)
            if not self.exact_scripts:  # in bpx's own notation it is the reciprocal of each element
                raise Asking(base.start, exponent.end, inverse.text, infix(base, "^", exponent).text)
            self.certain = False
            return inverse
        if base.text == "e" and self.exact_scripts and "e" not in self.known:
            return call("exp", (exponent,), base.start, exponent.end)
        self.certain &= not self.known.may_be_other("power", base)
        return infix(base, "^", exponent)

    def exponent(self) -> Part:
        """What stands raised: `-x`, `x^2`."""
        if self.is_infix(_SUMS):
            sign = self.take()
            part = self.exponent()
            if sign.text == "-":
                plain = part.text.replace(".", "", 1).isdecimal()
                return number(f"-{part.text}", sign.start, part.end) if plain else negated(part, sign.start)
            return part
        part = self.factor() if self.mark.kind == "function" else self.operand()
        while self.mark.kind == "infix" and self.mark.text == "^":
            part = self.power(part)
        return part

    # --- operands ---

    def operand(self) -> Part:
        mark = self.take()
        if mark.kind == "number":
            return number(mark.text, mark.start, mark.end)
        if mark.kind == "name":
            return self.named(mark)
        if mark.kind == "literal":
            return atom(mark.text, mark.start, mark.end)
        if mark.kind == "open":
            return self.group(mark)
        if mark.kind == "root":
            return self.root(mark)
        if mark.kind == "sum":
            return self.big(mark)
        raise Unreadable

    def named(self, mark: Mark) -> Part:
        letters = mark.index
        if letters and self.bound and mark.text not in self.known:
            counting = [letter for letter in self.bound if letter in letters]
            if (counting and sorted(counting) != sorted(letters)) or (counting and counting != self.bound):
                raise Refusing("index-notation", mark.start, mark.end, "index-notation")
            if counting:
                self.counted += 1
                return atom(mark.base, mark.start, mark.end)
        if mark.text in self.bound:
            raise Refusing("index-notation", mark.start, mark.end, "index-notation")
        return atom(mark.text, mark.start, mark.end)

    def group(self, opening: Mark) -> Part:
        inside = self.comparison()
        if self.mark.kind != "close" or self.mark.text != opening.text:
            raise Unreadable
        closing = self.take()
        if opening.text in ("(", "{"):
            raised = opening.text == "{" and self.is_infix(frozenset("^")) and inside.binding < ATOM
            self.certain &= not raised  # `{x + y}^2` looks like `x + y^2`
            return at_place(inside, opening.start, closing.end)
        settings = [closing.limit] if closing.limit else []
        if settings and self.known.may_be_other("norm", inside):  # what bpx computes is no operator norm
            raise Refusing("norm-order", opening.start, closing.end, "norm-of-matrix", order=settings[0][4:])
        settings = [setting for setting in settings if setting != "ord=2"]  # the usual one
        self.certain &= opening.text != "abs" or not self.known.may_be_other("abs", inside)
        return call(opening.text, (inside,), opening.start, closing.end, settings)

    def root(self, mark: Mark) -> Part:
        inside = self.operand()
        if mark.text in ("2", "3"):
            return call("sqrt" if mark.text == "2" else "cbrt", (inside,), mark.start, inside.end)
        order = atom(mark.text, mark.start, mark.end)
        return at_place(
            infix(inside, "^", infix(atom("1", mark.start, mark.end), "/", order)), mark.start, inside.end
        )

    def big(self, mark: Mark) -> Part:
        """`∑_i x_i`: the elements of what is counted by the index, all of them."""
        letters = [letter for letter in mark.index if letter.isalpha()]
        counted = self.counted
        self.bound += letters
        inside = self.product()
        del self.bound[len(self.bound) - len(letters) :]
        if letters and self.counted == counted:
            raise Refusing("index-notation", mark.start, inside.end, "index-notation")
        if not letters and not self.known.shape(inside) and self.known.shape(inside) is not None:
            raise Unreadable
        check_limit(mark, self.known.shape(inside))
        self.certain = False
        return call(mark.text, (inside,), mark.start, inside.end)

    # --- functions ---

    def function(self) -> Part:
        name = self.take()
        op, primes, power, inverse = name.text, 0, None, False
        while self.mark.kind in ("prime", "infix") and self.mark.text in ("'", "^"):
            if self.take().text == "'":
                primes += 1
                continue
            power = self.exponent()
            inverse = power.text == "-1"
        if inverse:
            op, power = INVERSES.get(op, ""), None
            self.certain = False
            if not op:
                raise Unreadable
        value = self.application(name, op, primes)
        if power is None:
            return value
        self.certain = False
        return at_place(infix(value, "^", power), name.start, value.end)

    def application(self, name: Mark, op: str, primes: int) -> Part:
        settings: list[str] = []
        if self.mark.kind == "open" and self.mark.text in ("(", "{"):
            args, settings, end = self.args()
        else:
            args = [self.bare_arg(name, op)]
            end = args[-1].end
        if not primes:
            return applied(op, args, name.start, end, settings)
        slope = derivative(op, args[0], name.start, end) if primes == 1 and len(args) == 1 else None
        if slope is None:
            raise Unreadable
        self.certain = False
        return at_place(slope, name.start, end)

    def args(self) -> tuple[list[Part], list[str], int]:
        opening = self.take()
        args: list[Part] = []
        settings: list[str] = []
        while True:
            if self.mark.kind == "setting":
                settings.append(self.take().text)
            else:
                args.append(self.comparison())
            closing = self.take()
            if closing.kind == "close" and closing.text == opening.text:
                return args, settings, closing.end
            if closing.kind != "comma":
                raise Unreadable

    def bare_arg(self, name: Mark, op: str) -> Part:
        """`sin x`, `sin 2x`, `log x^2`; of `sin 2(x + y)`, both are asked about."""
        if not self.begins_factor() and not self.is_infix(_SUMS):
            raise Unreadable
        if self.is_infix(_SUMS):
            check_sign(name, op, self.mark, self.marks[self.at + 1])
        is_number = self.mark.kind == "number"
        negative = self.is_infix(_SUMS)
        arg = self.signed(self.factor)
        self.certain &= self.exact_scripts and arg.binding == ATOM
        in_parentheses = self.mark.kind == "open" and self.mark.text == "("  # `exp 2 (x + y)`
        if is_number and self.begins_factor() and self.mark.kind != "function" and not in_parentheses:
            arg = self.juxtaposed(arg, self.factor())
        if self.is_infix(frozenset("/")) or (self.begins_factor() and self.mark.kind != "function"):
            divides = self.mark.kind == "infix"
            sign = self.take() if divides else None
            following = self.signed(self.factor)

            def with_following(left: Part) -> Part:
                return infix(left, "/", following) if sign else self.juxtaposed(left, following)

            outside = with_following(applied(op, [arg], name.start, arg.end))
            inside = applied(op, [with_following(arg)], name.start, following.end)
            raise Asking(name.start, following.end, outside.text, inside.text)
        if negative:
            self.certain = False
        return arg
