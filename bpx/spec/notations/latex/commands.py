"""LaTeX's commands, by what they mean in a formula."""

from __future__ import annotations

from bpx.graph.printer import GREEK
from bpx.spec.notations.translation.functions import RECIPROCALS

FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac"))
FUNCTIONS = {
    **{
        name: name for name in ("exp", "log", "ln", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min")
    },
    **{name: name for name in ("arcsin", "arccos", "arctan", "det")},
    **{name: name for name in RECIPROCALS},
    "tr": "trace",
    "lg": "log10",
}
GREEK_LETTERS = {
    **{name: name for name in GREEK.values()},
    "varepsilon": "epsilon",
    "vartheta": "theta",
    "varphi": "phi",
    "varrho": "rho",
    "varsigma": "sigma",
    "ell": "l",
    "hbar": "hbar",
    "imath": "i",
}
INFIX = {
    "cdot": "dot",
    "bullet": "dot",
    "times": "*",
    "ast": "*",
    "odot": "elementwise",
    "circ": "elementwise",
    "div": "/",
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "ne": "!=",
    "neq": "!=",
    "lt": "<",
    "gt": ">",
}
SIGNS = {
    "+": "+",
    "-": "-",
    "−": "-",
    "*": "*",
    "/": "/",
    "<": "<",
    ">": ">",
    "·": "dot",
    "×": "*",
    "⊙": "elementwise",
}
SIGNS |= {"≤": "<=", "≥": ">=", "≠": "!=", "÷": "/"}
SUMS = {"sum": "sum", "prod": "prod"}
OVER_NAMES = {  # with what is written behind the name instead, if anything
    **dict.fromkeys(
        ("mathbf", "boldsymbol", "bm", "mathit", "mathsf", "mathcal", "mathbb", "vec", "mathfrak", "pmb"), ""
    ),
    **dict.fromkeys(("hat", "widehat"), "hat"),
    **dict.fromkeys(("bar", "overline"), "bar"),
    **dict.fromkeys(("tilde", "widetilde"), "tilde"),
    "dot": "dot",
}
WORDS = frozenset(
    ("mathrm", "text", "operatorname", "textrm", "textit", "textbf", "mathtt", "texttt", "mathop")
)
OPENING = {
    "lvert": "abs",
    "lVert": "norm",
    "lfloor": "floor",
    "lceil": "ceil",
    "{": "(",
    "lbrace": "(",
    "lbrack": "[",
}
CLOSING = {
    "rvert": "abs",
    "rVert": "norm",
    "rfloor": "floor",
    "rceil": "ceil",
    "}": "(",
    "rbrace": "(",
    "rbrack": "[",
}
BARS = {"|": "norm", "Vert": "norm", "vert": "abs", "mid": "abs"}
MEANINGLESS = frozenset(
    (*",;:!> ", "quad", "qquad", "displaystyle", "textstyle", "limits", "nolimits", "nonumber", "thinspace")
) | {
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "biggl",
    "biggr",
    "(",
    ")",
    "[",
    "]",
    "space",
}
MATRICES = frozenset(("matrix", "pmatrix", "bmatrix", "array", "smallmatrix", "Bmatrix"))
