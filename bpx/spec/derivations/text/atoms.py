r"""Derivatives inside formulas: `∂L/∂a`, `\frac{dL}{da}`, `dz`, `\nabla_w L`; each becomes a single letter.

The letters are of a script that nobody writes formulas in, so that every reader takes one for a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from bpx.spec.derivations.text.written import Written
from bpx.spec.notations.latex.commands import GREEK_LETTERS
from bpx.words.diagnostic import Diagnostic

FIRST_LETTER = 0xA000  # of the Yi syllables
_D = r"(?:∂|𝜕|\\partial(?![A-Za-z])|\\(?:mathrm|text|operatorname)\s*\{\s*d\s*\}|\\mathrm\s+d|(?<![\w\\])d)"
_INDEX = (
    r"(?:\s*_\s*(?:\{[^{}]*\}|\\?[A-Za-z]+|\d+)|\^\s*\{?\s*[\[(]\s*[A-Za-z0-9]\s*[\])]\s*\}?|\[[-\d\s,:]+\])*"
)
_FONTS = "mathbf|boldsymbol|bm|vec|mathrm|mathcal|mathit|mathsf|mathbb|text|textbf|operatorname|pmb"
_OVER = "hat|widehat|tilde|widetilde|bar|overline"
_BARE = r"[^\W\d_][^\W_²³⁴]*"
_LATEX_NAME = (
    rf"\\(?:{_FONTS}|{_OVER})\s*(?:\{{[^{{}}]*\}}|\\?[A-Za-z]+)"
    r"|\\(?!partial|cdot|times|frac|left|right)[A-Za-z]+"
)
_NAME = rf"(?:{_LATEX_NAME}|{_BARE}){_INDEX}"
_ONE_LETTER_NAME = rf"(?:{_LATEX_NAME}|[^\W\d_](?:\d+|[₀-₉]+)?){_INDEX}"
_POWER = r"(?:\^\s*\{?\s*[2-9]\s*\}?|[²³⁴])"
_BY = rf"{_D}\s*{_NAME}\s*{_POWER}?"
_ONE_BY = re.compile(rf"{_D}\s*(?P<name>{_NAME}|[^∂]+?)\s*(?P<power>{_POWER})?(?=\s*(?P<rest>{_D}|$))")
_ATOM = re.compile(
    rf"\\[dtc]?frac\s*\{{\s*{_D}\s*(?P<frac_power>{_POWER})?\s*(?P<frac_of>{_NAME})?\s*\}}"
    rf"\s*\{{\s*(?P<frac_by>(?:{_BY}\s*)+)\}}(?(frac_of)|(?P<frac_behind>\s*{_ONE_LETTER_NAME}))"
    rf"|\\(?:pdv|dv|pderiv|odv)\s*(?:\[(?P<dv_power>\d)\])?\s*\{{(?P<dv_of>[^{{}}]*)\}}\s*\{{(?P<dv_by>[^{{}}]*)\}}"
    rf"|{_D}\s*(?P<power>{_POWER}|2(?=[A-Za-z]))?\s*(?P<of>{_NAME})\s*/\s*(?P<open>\()?\s*"
    rf"(?P<by>{_BY}(?(power)(?:\s?{_BY})*))(?(open)\s*\))"
    rf"|(?:∇|\\nabla(?![A-Za-z]))\s*_\s*(?P<nabla>\{{(?:[^{{}}]|\{{[^{{}}]*\}})*\}}|\\?[A-Za-z]\w*)(?P<nabla_of>\s*{_ONE_LETTER_NAME})?"
    rf"|(?:∂|\\partial)\s*_\s*(?P<below>\{{[^{{}}]*\}}|\\?[A-Za-z]\d*)\s*(?P<below_of>{_ONE_LETTER_NAME})"
)
_SHORTHAND = re.compile(
    rf"(?<![\w\\.])(?:d(?P<name>(?:{_LATEX_NAME}|{_BARE}){_INDEX})|grad_(?P<grad>\w+)|(?P<dot>[^\W\d]\w*)\.grad"
    rf"|d(?P<of>[^\W\d_]+?)_?d(?P<by>[^\W\d]\w*)|d(?P<under>[^\W\d_]\w*))(?![\w({{])"
)
_IN_BRACKETS = re.compile(r"(∂|(?<![\w\\])d)\s*\(\s*([^\W\d]\w*)\s*\)(?=\s*/|(?<=/d\(.\))|(?<=/∂\(.\)))")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


class Atom(NamedTuple):
    """∂of/∂by, derived by the names `by` one after the other; `of` None is the output.

    `indices` are the letters or numbers below `of` and `by`, as the i and j of ∂p_i/∂z_j. With a `formula`
    it is the derivative of that, d/dx (x^2), or the function `of` called with the formula, f(g(x)), f′(3).
    """

    of: str | None
    by: tuple[str, ...]
    sign: str  # `∂` or `d`
    indices: tuple[str, str] = ("", "")
    formula: str = ""

    @property
    def text(self) -> str:
        """As bpx writes it."""
        of = self.of or "L"
        if self.formula:
            return (
                f"{self.of}{'′' * len(self.by)}({self.formula})"
                if self.of
                else f"d/d{self.by[0]} ({self.formula})"
            )
        if len(self.by) == 1:
            return f"∂{of}/∂{self.by[0]}"
        return f"∂²{of}/" + "".join(f"∂{name}" for name in self.by)


def canonical(text: str) -> str | None:
    r"""A name as it is kept: `y_hat` for `\hat{y}`, `W_1` for `W^{[1]}` and `W₁`; None where it is none."""
    name = text.strip().strip("$").strip()
    if name.startswith("(") and name.endswith(")"):
        name = name[1:-1].strip()
    name = re.sub(rf"\\(?:{_FONTS})\s*(?:\{{([^{{}}]*)\}}|(\\?[A-Za-z]+))", r"\1\2", name)
    name = re.sub(
        rf"\\(?:wide)?(?P<over>{_OVER})\s*(?:\{{([^{{}}]*)\}}|(\\?[A-Za-z]+))",
        lambda match: (
            f"{match[2] or match[3]}_{match['over'].replace('wide', '').replace('overline', 'bar')}"
        ),
        name,
    )
    name = re.sub(r"\^\s*\{?\s*[\[(]\s*([A-Za-z0-9])\s*[\])]\s*\}?", r"_\1", name)
    name = re.sub(r"_\s*\{([^{}]*)\}", r"_\1", name)
    name = re.sub(r"\\([A-Za-z]+)", lambda match: GREEK_LETTERS.get(match[1], "\\" + match[1]), name)
    name = re.sub(r"(?<=\w)([₀-₉]+)", lambda match: "_" + match[1].translate(_SUBSCRIPTS), name)
    name = re.sub(r"\s+", "", name).replace("{", "").replace("}", "")
    return name if re.fullmatch(r"[^\W\d]\w*", name) else None


class Atoms:
    """The derivatives met in a text, each with its letter; `nodes` are the names that `dz` may speak of."""

    def __init__(self) -> None:
        self.letters: dict[Atom, str] = {}
        self._by_letter: dict[str, Atom] = {}
        self.nodes: Collection[str] = ()
        self.formulas: dict[str, Written] = {}  # inside of derivatives and calls, by their text
        self.names: dict[str, Atom] = {}  # names that stand for a derivative, as δ

    def letter(self, atom: Atom) -> str:
        """The letter of a derivative."""
        letter = self.letters.setdefault(atom, chr(FIRST_LETTER + len(self.letters)))
        self._by_letter[letter] = atom
        return letter

    def of_letter(self, letter: str) -> Atom | None:
        """The derivative behind a letter."""
        return self._by_letter.get(letter)

    def shown(self, problem: Diagnostic) -> Diagnostic:
        """What is wrong, with the derivatives in place of their letters."""
        letters = str.maketrans({letter: atom.text for atom, letter in self.letters.items()})
        facts = {
            name: fact.translate(letters) if isinstance(fact, str) else fact
            for name, fact in problem.facts.items()
        }
        return problem._replace(facts=facts)

    def put_in(self, text: Written) -> Written:
        """The formula with a letter, between blanks, for each derivative."""
        return text.sub(_IN_BRACKETS, r"\1\2").sub(_ATOM, self._of_match).sub(_SHORTHAND, self._of_shorthand)

    def _of_match(self, match: re.Match[str]) -> str | None:
        atom = self._read(match)
        return None if atom is None else f" {self.letter(atom)} "

    def _of_shorthand(self, match: re.Match[str]) -> str | None:
        atom = self._shorthand(match)
        return None if atom is None else f" {self.letter(atom)} "

    def read(self, text: str) -> Atom | None:
        """The derivative that a whole text is; None where it is none."""
        bare = text.strip().strip("$").strip()
        if bare.startswith("(") and bare.endswith(")"):
            bare = bare[1:-1].strip()
        bare = re.sub(_IN_BRACKETS, r"\1\2", bare)
        if match := _ATOM.fullmatch(bare):
            return self._read(match)
        if match := _SHORTHAND.fullmatch(bare):
            return self._shorthand(match)
        return self.named(canonical(bare) or "")

    def named(self, name: str) -> Atom | None:
        """The derivative that a name like δ stands for."""
        if name in self.names:
            return self.names[name]
        if name in self.nodes:
            return None
        base, _, rest = name.partition("_")
        if base in ("delta", "δ"):
            return self._delta(rest)
        if rest == "bar" and base in self.nodes:
            return Atom(None, (base,), "d")
        if base in self.nodes and rest in self.nodes and name not in self.nodes and len(rest) == 1:
            return Atom(base, (rest,), "∂")  # f_x
        return None

    def _delta(self, rest: str) -> Atom | None:
        """δ_2 is ∂L/∂z_2, δ is ∂L/∂z, δ_a is ∂L/∂a."""
        for node in (f"z_{rest}", f"z{rest}", f"Z_{rest}", f"Z{rest}", rest) if rest else ("z", "Z"):
            if node in self.nodes:
                return Atom(None, (node,), "d")
        return None

    def _read(self, match: re.Match[str]) -> Atom | None:
        sign = "d" if re.search(r"(?<![\w\\])d|\{\s*d\s*\}", match[0]) and "∂" not in match[0] else "∂"
        sign = "∂" if "\\partial" in match[0] else sign
        if match["frac_by"]:
            of = match["frac_of"] or match["frac_behind"]
            return self._atom(of, match["frac_by"], match["frac_power"], sign) if of else None
        if match["dv_by"]:
            power = match["dv_power"]
            by = f"∂{match['dv_by']}" + (f"^{power}" if power else "")
            return self._atom(match["dv_of"], by, power, "∂")
        if match["by"]:
            return self._atom(match["of"], match["by"], match["power"], sign)
        if match["nabla"]:
            of = match["nabla_of"]
            return self._atom(of, "∂" + _inside(match["nabla"]), None, "∂")
        return self._atom(match["below_of"], "∂" + _inside(match["below"]), None, "∂")

    def _atom(self, of: str | None, by: str, power: str | None, sign: str) -> Atom | None:
        order = _order(power)
        names = [*_denominators(by, order)]
        read = [self._entry(name) for name in names]
        top = self._entry(of) if of else ("", "")
        if len(names) != order or None in read or top is None:
            return None
        bottom = [entry[0] for entry in read if entry]
        return Atom(top[0] or None, tuple(bottom), sign, (top[1], read[-1][1] if read[-1] else ""))

    def _entry(self, text: str) -> tuple[str, str] | None:
        """A name and the index below it, where that is none of its own."""
        name = canonical(re.sub(r"(?<![\^{\s])\[([-\d\s,:]+)\]\s*$", "", text) or "")
        if name is None:
            return None
        index = re.search(r"(?<![\^{\s])\[([-\d\s,:]+)\]", text)
        if index:
            return name, index[1].replace(" ", "")
        base, _, below = name.rpartition("_")
        if name not in self.nodes and base in self.nodes and re.fullmatch(r"[a-z]{1,2}|\d", below):
            return base, below
        plain = name.replace("_", "")
        alike = [node for node in self.nodes if node.replace("_", "") == plain]
        return (alike[0] if name not in self.nodes and len(alike) == 1 else name), ""

    def _shorthand(self, match: re.Match[str]) -> Atom | None:
        whole = canonical(match[0])
        if whole in self.nodes:
            return None
        for group in ("name", "grad", "dot", "under"):
            if match[group]:
                entry = self._entry(match[group])
                if entry and entry[0] in self.nodes:
                    return Atom(None, (entry[0],), "d", ("", entry[1]))
        for text in filter(None, (match["name"], match["under"], match["of"] and match[0][1:])):
            for at in range(1, len(text)):
                of, by = text[:at].rstrip("_"), text[at:]
                if by.startswith("d") and of in self.nodes and by[1:] in self.nodes:
                    return Atom(of, (by[1:],), "d")
        return None


def _inside(braced: str) -> str:
    """What stands between a pair of braces."""
    return braced[1:-1] if braced.startswith("{") and braced.endswith("}") else braced


def _order(power: str | None) -> int:
    if not power:
        return 1
    digit = re.search(r"[2-9²³⁴]", power)
    return int((digit[0] if digit else "2").translate(str.maketrans("²³⁴", "234")))


def _denominators(by: str, order: int) -> Iterator[str]:
    """The names behind each ∂ of a denominator, each as often as it is derived by it."""
    for match in _ONE_BY.finditer(by):
        name, times = match["name"].strip(), _order(match["power"])
        if order > 1 and times == 1 and name.endswith(str(order)) and not match["rest"].strip():
            name, times = name[:-1], order  # d2L/dx2
        yield from [name] * times
