r"""Formulas for LaTeX's math mode: fractions, roots, subscripts; needs amsmath and nothing else.

Whatever users named is spelled by letters, digits and commands of the tables below, so that no text of
theirs is ever obeyed. No part ends in a sub- or superscript unless its precedence says so: `x_{1}_{0}`
would not compile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from unicodedata import normalize

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
from bpx.words.say import spoken
from bpx.words.widths import has_wide

# How tightly things bind in LaTeX alone; a power is 30 in the op table.
_OF_TRANSPOSE, _IN_POWER = 29, 31
_BRACKETS = r"\left(", r"\right)"
WITH_FONTS = frozenset({"zh"})  # languages whose documents load fonts for their characters

_INFIX = {"*": r"\cdot ", "@": r"\, ", "<=": r"\le ", ">=": r"\ge ", "==": "== ", "!=": r"\ne "}
_INFIX |= {"·": r"\cdot "}
_OF_ARRAYS = {"*": r"\odot "}
_OPS_OF_ONE_ARG: dict[str, tuple[int, tuple[str | int, ...]]] = {
    "sqrt": (TIGHTEST, (r"\sqrt{", LOOSEST, "}")),
    "cbrt": (TIGHTEST, (r"\sqrt[3]{", LOOSEST, "}")),
    "floor": (TIGHTEST, (r"\left\lfloor ", LOOSEST, r"\right\rfloor")),
    "ceil": (TIGHTEST, (r"\left\lceil ", LOOSEST, r"\right\rceil")),
    "abs": (TIGHTEST, (r"\left|", LOOSEST, r"\right|")),
    "norm": (TIGHTEST, (r"\left\|", LOOSEST, r"\right\|")),
    "exp": (PRECEDENCE_OF_POWER, ("e^{", LOOSEST, "}")),
    # Braces that do not show keep these apart from the powers and quotients that look like them.
    "exp2": (PRECEDENCE_OF_POWER, ("{2}^{", LOOSEST, "}")),
    "inv": (PRECEDENCE_OF_POWER, (_IN_POWER, "^{-1}")),
    "square": (PRECEDENCE_OF_POWER, ("{", _IN_POWER, "}^{2}")),
    "reciprocal": (PRECEDENCE_OF_FRACTION, (r"{\frac{1}{", LOOSEST, "}}")),
}
_FUNCTIONS = {
    **{name: rf"\{name}" for name in ("log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: rf"\{name}" for name in ("max", "min", "det")},
    "log2": r"\log_{2}",
    "log10": r"\log_{10}",
    "asin": r"\arcsin",
    "acos": r"\arccos",
    "atan": r"\arctan",
    **{f"a{name}": rf"\operatorname{{ar{name}}}" for name in ("sinh", "cosh", "tanh")},
    "trace": r"\operatorname{tr}",
    "sigmoid": r"\sigma",
}

_GREEK_NAMES = frozenset(GREEK.values())
_NAME = re.compile(r"([^\W\d_]+)_?(\w*)")

# --- text outside of formulas -------------------------------------------------------------------

_SPECIAL = {
    **{char: f"\\{char}" for char in "{}$&#%_"},
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedblright{}",  # the straight one is missing in the usual encoding
    "`": r"\textasciigrave{}",
    "'": r"\textquoteright{}",
    # Behind the end of a row these would be taken for its options.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "-": "{-}",  # so that two are no dash
    **dict.fromkeys("\t\r\n", " "),
    "ß": r"\ss{}",
    "…": r"\ldots{}",
    "—": r"\textemdash{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
}
_IN_MATH = {
    "∂": r"\partial",
    "→": r"\rightarrow",
    "×": r"\times",
    "·": r"\cdot",
    "±": r"\pm",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "∞": r"\infty",
    "√": r"\surd",
    "−": "-",
    "²": "^{2}",
    "³": "^{3}",
    "ᵀ": r"^{\top}",
    **{char: rf"\{name}" for char, name in GREEK.items()},
}
_SPECIAL |= {char: f"${text}$" for char, text in _IN_MATH.items()}
_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r"}
_ACCENTS |= {"\u030c": "v", "\u0327": "c"}


@lru_cache(MOST_KEPT)
def escaped(text: str) -> str:
    """Text that LaTeX prints as it is, in paragraphs; characters that it lacks by their code points."""
    return "".join(map(_escaped_char, text))


def as_text(text: str) -> str:
    """Text that LaTeX prints as it is; wide characters stand as they are where their fonts are loaded."""
    if spoken().language not in WITH_FONTS:
        return escaped(text)
    return "".join(char if has_wide(char) else escaped(char) for char in text)


def unescaped(text: str) -> str:
    """The text that `escaped` made this of, as far as it prints the same."""
    for char, written in sorted(_SPECIAL.items(), key=lambda item: -len(item[1])):
        if char not in "\t\r\n":
            text = text.replace(written, char)
    return text


def _escaped_char(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char.isascii() and char.isprintable():
        return char
    apart = normalize("NFD", char)
    letter, mark = apart[0], apart[1:]
    if letter.isascii() and letter.isalpha() and mark in _ACCENTS:
        return f"\\{_ACCENTS[mark]}{{{letter}}}"
    return rf"\texttt{{U+{ord(char):04X}}}"


# --- names and numbers --------------------------------------------------------------------------


@lru_cache(MOST_KEPT)
def _named(name: str) -> Atom:
    """`w1` with a subscript, `h.z` as the z of h, Greek letters by name, words upright."""
    head, *members = normalize("NFKC", name).split(".")
    parts = _NAME.fullmatch(head)
    if parts is None or (head.endswith("_")):
        return Atom(_upright(name))
    below = ", ".join([_index(text) for text in (parts[2], ".".join(members)) if text])
    letters = _letters(parts[1])
    return Atom(f"{letters}_{{{below}}}", PRECEDENCE_OF_SCRIPT) if below else Atom(letters)


def _letters(word: str) -> str:
    if word in _GREEK_NAMES or word in GREEK:
        return f"\\{GREEK.get(word, word)}"
    return word if len(word) == 1 and word.isascii() else _upright(word)


def _index(text: str) -> str:
    return text if text.isascii() and text.isdecimal() else _upright(text)


def _upright(text: str) -> str:
    return rf"\mathrm{{{text}}}" if text.isascii() and text.isalnum() else rf"\text{{{escaped(text)}}}"


def number_latex(value: float, digits: int | None) -> str:
    """A number, with a power of ten where it is written with one."""
    mantissa, exponent = mantissa_and_exponent(value, digits)
    mantissa = mantissa.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return mantissa if exponent is None else rf"{mantissa} \cdot 10^{{{exponent}}}"


def _number(part: Number) -> Atom:
    text, negative = number_latex(part.value, part.digits), part.is_negative
    tightness = PRECEDENCE_OF_TIMES_TEN if "10^" in text else TIGHTEST
    return Atom(text, PRECEDENCE_OF_MINUS if negative else tightness, negative)


def _array(part: NumberArray) -> str:
    """A matrix as one; anything else in brackets, nested for more axes than two."""
    texts = [number_latex(value, part.digits) for value in part.value.ravel().tolist()]
    shape = part.shape
    if 0 in shape:
        return r"\left[\,\right]"
    if len(shape) > 1:
        rows = [" & ".join(row) for row in _groups(texts, shape[-1])]
        matrices = [r" \\ ".join(block) for block in _groups(rows, shape[-2])]
        # Not a bmatrix, which takes ten columns unless a counter is set.
        columns = "r" * shape[-1]
        texts = [rf"\left[\begin{{array}}{{{columns}}} {matrix} \end{{array}}\right]" for matrix in matrices]
        shape = shape[:-2]
    for length in reversed(shape):
        texts = [r"\left[" + ", ".join(group) + r"\right]" for group in _groups(texts, length)]
    return texts[0]


def _groups(texts: Sequence[str], length: int) -> list[Sequence[str]]:
    return [texts[start : start + length] for start in range(0, len(texts), length)]


# --- ops ----------------------------------------------------------------------------------------


def _atom(part: Number | NumberArray | Words) -> Atom:
    """Numbers and arrays; words in the font of the text."""
    if isinstance(part, Number):
        return _number(part)
    if isinstance(part, NumberArray):
        return Atom(_array(part))
    return Atom(rf"\text{{{as_text(part.text)}}}")


@lru_cache(MOST_KEPT)
def _layout(part: Branch) -> Layout:
    """The layout of an op by the tables; of one that is not in them, its name upright."""
    match part:
        case Operation("infix"):
            return _infix(part)
        case Operation("prefix"):
            own = part.precedence
            return laid_out(_BRACKETS, own, part.symbol, own, signed=True, brackets_literals=True)
        case Operation():  # the transpose is the only one behind its arg
            return laid_out(_BRACKETS, _OF_TRANSPOSE, PRECEDENCE_OF_SCRIPT, r"^{\top}")
        case Index():
            return _indexed(part)
        case Derivative():
            return _fraction(r"\partial ", PRECEDENCE_OF_POWER + 1)
        case Repeated():
            sign = f" {_INFIX.get(part.symbol, part.symbol + ' ')}"
            _, *others = between(sign, part.others, part.arg_count)
            return laid_out(_BRACKETS, part.precedence, part.first, *others)
        case Equation():
            return laid_out(_BRACKETS, PRECEDENCE_OF_EQUATION, PRECEDENCE_OF_EQUATION + 1, " = ", LOOSEST)
        case Noted():
            return laid_out(_BRACKETS, PRECEDENCE_OF_NOTE, LOOSEST, rf";\ \text{{{as_text(part.text)}}}")
        case Call():
            return _call(part)


def _infix(part: Operation) -> Layout:
    left, right = part.around
    if part.symbol == "/":
        return _fraction()
    if part.symbol == "^":
        raised = r"^{\circ " if part.arrays else "^{"  # Hadamard's power
        return laid_out(_BRACKETS, PRECEDENCE_OF_POWER, left, raised, LOOSEST, "}")
    sign = (_OF_ARRAYS if part.arrays else _INFIX).get(part.symbol)
    sign = sign or _INFIX.get(part.symbol) or f"{part.symbol} "
    return laid_out(_BRACKETS, part.precedence, left, f" {sign}", right)


def _fraction(sign: str = "", inside: int = LOOSEST) -> Layout:
    return laid_out(_BRACKETS, PRECEDENCE_OF_FRACTION, rf"\frac{{{sign}", inside, f"}}{{{sign}", inside, "}")


def _indexed(part: Index) -> Layout:
    text = ", ".join(part.places).replace(":", "{:}") or r"\ldots"
    return laid_out(_BRACKETS, PRECEDENCE_OF_SCRIPT, PRECEDENCE_OF_SCRIPT + 1, f"_{{[{text}]}}")


def _call(part: Call) -> Layout:
    if part.name in _OPS_OF_ONE_ARG and not part.settings and part.arg_count == 1:
        own, items = _OPS_OF_ONE_ARG[part.name]
        return laid_out(_BRACKETS, own, *items)
    name = _FUNCTIONS.get(part.name, rf"\operatorname{{{_operator(part.name)}}}")
    before = "".join(rf"\text{{{escaped(text)}}}, " for text in part.before)
    args = between(", ", LOOSEST, part.arg_count)
    behind = "".join(rf", \text{{{escaped(f'{key}={text}')}}}" for key, text in part.settings)
    return laid_out(_BRACKETS, TIGHTEST, rf"{name}\left({before}", *args, rf"{behind}\right)")


def _operator(name: str) -> str:
    if name.replace("_", "").isalnum() and name.isascii():
        return name.replace("_", r"\_")
    return rf"\text{{{escaped(name)}}}"


LATEX = Dialect(_BRACKETS, _named, _atom, _layout)
