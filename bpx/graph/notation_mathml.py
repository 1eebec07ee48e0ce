"""Formulas as presentation MathML, which browsers show: fractions, roots, sub- and superscripts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bpx.graph.formula_parts import (
    Branch,
    Call,
    Derivative,
    Equation,
    Index,
    Noted,
    Number,
    NumberArray,
    Operation,
    Repeated,
    Words,
)
from bpx.graph.numbers import mantissa_and_exponent
from bpx.graph.printer import (
    GREEK,
    LOOSEST,
    MOST_KEPT,
    PRECEDENCE_OF_EQUATION,
    PRECEDENCE_OF_FRACTION,
    PRECEDENCE_OF_MINUS,
    PRECEDENCE_OF_NOTE,
    PRECEDENCE_OF_POWER,
    PRECEDENCE_OF_SCRIPT,
    PRECEDENCE_OF_TIMES_TEN,
    TIGHTEST,
    Atom,
    Dialect,
    Layout,
    between,
    laid_out,
)

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SIGNS = {"*": "·", "@": "\u2062", "<=": "≤", ">=": "≥", "==": "=", "!=": "≠", "-": "−"}
_SIGNS_OF_ARRAYS = {"*": "⊙"}
_NAMES = {"sigmoid": "σ", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "trace": "tr"}
_NAMES |= {"asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh"}
_APPLIED = "\u2061"  # the invisible sign between a function and its args
_LETTERS = {name: char for char, name in GREEK.items()}


def in_math(content: str) -> str:
    """The element that stands in a page."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>{content}</mrow></math>'


def _mi(text: str) -> str:
    return f"<mi>{_visible(text)}</mi>"


def _mo(sign: str) -> str:
    return f"<mo>{sign.translate(_ENTITIES)}</mo>"


def _mtext(text: str) -> str:
    return f"<mtext>{_visible(text)}</mtext>"


def _visible(text: str) -> str:
    """Escaped, without the control characters that XML has no way to write."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text).translate(_ENTITIES)


def _number(value: float, digits: int | None) -> str:
    mantissa, exponent = mantissa_and_exponent(value, digits)
    sign = _mo("−") if mantissa.startswith("-") else ""
    text = mantissa.removeprefix("-").replace("inf", "∞")
    power = "" if exponent is None else f"{_mo('·')}<msup><mn>10</mn><mn>{exponent}</mn></msup>"
    return f"{sign}<mn>{text}</mn>{power}"


def _atom_of_number(part: Number) -> Atom:
    text, negative = _number(part.value, part.digits), part.is_negative
    tightness = PRECEDENCE_OF_TIMES_TEN if "<msup>" in text else TIGHTEST
    return Atom(text, PRECEDENCE_OF_MINUS if negative else tightness, negative)


def _array(part: NumberArray) -> str:
    """A matrix as a table; anything else in brackets, nested for more axes than two."""
    texts = [_number(value, part.digits) for value in part.value.ravel().tolist()]
    shape = part.shape
    if 0 in shape:
        return _in_brackets("")
    if len(shape) > 1:
        cells = [f"<mtd>{text}</mtd>" for text in texts]
        rows = [f"<mtr>{''.join(row)}</mtr>" for row in _groups(cells, shape[-1])]
        texts = [f"<mtable>{''.join(block)}</mtable>" for block in _groups(rows, shape[-2])]
        texts = [_in_brackets(text) for text in texts]
        shape = shape[:-2]
    for length in reversed(shape):
        texts = [_in_brackets(_mo(",").join(group)) for group in _groups(texts, length)]
    return texts[0]


def _in_brackets(content: str) -> str:
    return f"<mrow>{_mo('[')}{content}{_mo(']')}</mrow>"


def _groups(texts: Sequence[str], length: int) -> list[Sequence[str]]:
    return [texts[start : start + length] for start in range(0, len(texts), length)]


_BRACKETS = f"<mrow>{_mo('(')}", f"{_mo(')')}</mrow>"


@lru_cache(MOST_KEPT)
def _named(name: str) -> Atom:
    return Atom(_mi(_LETTERS.get(name, name)))


def _atom(part: Number | NumberArray | Words) -> Atom:
    """Numbers and arrays; words as text."""
    if isinstance(part, Number):
        return _atom_of_number(part)
    return Atom(_array(part) if isinstance(part, NumberArray) else _mtext(part.text))


@lru_cache(MOST_KEPT)
def _layout(part: Branch) -> Layout:
    """The layout of an op by its notation or name."""
    match part:
        case Operation("infix"):
            return _infix(part)
        case Operation("prefix"):
            own, sign = part.precedence, _mo(_SIGNS.get(part.symbol, part.symbol))
            return laid_out(_BRACKETS, own, sign, own, signed=True, brackets_literals=True)
        case Operation():  # the transpose is the only one behind its arg
            return _script("msup", PRECEDENCE_OF_SCRIPT, PRECEDENCE_OF_SCRIPT + 1, _mi("⊤"))
        case Index():
            return _script(
                "msub", PRECEDENCE_OF_SCRIPT, PRECEDENCE_OF_SCRIPT + 1, _mtext(", ".join(part.places) or "…")
            )
        case Derivative():
            return _fraction(_mo("∂"), PRECEDENCE_OF_POWER + 1)
        case Repeated():
            sign = _mo(part.symbol)
            _, *others = between(sign, part.others, part.arg_count)
            return laid_out(_BRACKETS, part.precedence, part.first, *others)
        case Equation():
            own = PRECEDENCE_OF_EQUATION
            return laid_out(_BRACKETS, own, own + 1, _mo("="), LOOSEST)
        case Noted():
            return laid_out(_BRACKETS, PRECEDENCE_OF_NOTE, LOOSEST, _mtext(f"; {part.text}"))
        case Call():
            return _call(part)


def _infix(part: Operation) -> Layout:
    left, right = part.around
    if part.symbol == "/":
        return _fraction()
    if part.symbol == "^":
        row = f"</mrow><mrow>{_mo('∘') if part.arrays else ''}"  # Hadamard's power
        return laid_out(_BRACKETS, PRECEDENCE_OF_POWER, "<msup><mrow>", left, row, LOOSEST, "</mrow></msup>")
    sign = _SIGNS_OF_ARRAYS.get(part.symbol) if part.arrays else None
    return laid_out(
        _BRACKETS, part.precedence, left, _mo(sign or _SIGNS.get(part.symbol, part.symbol)), right
    )


def _fraction(sign: str = "", inside: int = LOOSEST) -> Layout:
    start, bar = f"<mfrac><mrow>{sign}", f"</mrow><mrow>{sign}"
    return laid_out(_BRACKETS, PRECEDENCE_OF_FRACTION, start, inside, bar, inside, "</mrow></mfrac>")


def _script(element: str, own: int, inside: int, script: str) -> Layout:
    return laid_out(_BRACKETS, own, f"<{element}><mrow>", inside, f"</mrow>{script}</{element}>")


def _call(part: Call) -> Layout:
    if part == Call("sqrt", 1):
        return laid_out(_BRACKETS, TIGHTEST, "<msqrt>", LOOSEST, "</msqrt>")
    if part == Call("cbrt", 1):
        return laid_out(_BRACKETS, TIGHTEST, "<mroot><mrow>", LOOSEST, "</mrow><mn>3</mn></mroot>")
    if part == Call("inv", 1):
        minus_one = f"<mrow>{_mo('−')}<mn>1</mn></mrow>"
        return _script("msup", PRECEDENCE_OF_SCRIPT, PRECEDENCE_OF_SCRIPT + 1, minus_one)
    name = f"<mrow>{_mi(_NAMES.get(part.name, part.name))}{_mo(_APPLIED)}{_mo('(')}"
    before = "".join(f"{_mtext(text)}{_mo(',')}" for text in part.before)
    args = between(_mo(","), LOOSEST, part.arg_count)
    behind = "".join(f"{_mo(',')}{_mtext(f'{key}={text}')}" for key, text in part.settings)
    return laid_out(_BRACKETS, TIGHTEST, name + before, *args, f"{behind}{_mo(')')}</mrow>")


MATHML = Dialect(_BRACKETS, _named, _atom, _layout)
