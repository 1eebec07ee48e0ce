"""Formulas as the readers of bpx take them: with names for what only derivations have, as derivatives."""

from __future__ import annotations

import re

from bpx.graph.graph import OPS
from bpx.graph.numbers import CONSTANTS
from bpx.graph.printer import GREEK
from bpx.spec.derivations.text.atoms import FIRST_LETTER, Atom, Atoms, canonical
from bpx.spec.derivations.text.brackets import with_round_brackets
from bpx.spec.derivations.text.dots import DOT, with_dots
from bpx.spec.derivations.text.indices import Indices, end_of_term
from bpx.spec.derivations.text.readings import tree_of
from bpx.spec.derivations.text.written import Written
from bpx.spec.notations.translation.known import Known

# A name is looked for from its first letter on, not from each: long ones would take quadratic time.
PRIMED = re.compile(
    r"(?P<name>(?:\\|(?<![^\W\d]))[^\W\d]\w*+)\s*(?P<primes>['′’]{1,2}|\^\{?\\prime\}?)\s*(?:\(\s*(?P<arg>[^()]*)\s*\))?"
)
SUMMED = re.compile(
    r"(?:∑|Σ|\\sum|∏|\\prod)\s*(?:\\limits)?\s*_\s*(?:\{\s*([a-z])\b[^{}]*\}|([a-z]))|∑([ᵢⱼ])"
)
_D = r"(?:d|∂|\\partial|\\mathrm\s*\{?d\}?)"
_INSIDE = r"[^{}\[\]()]*"
_INDICATOR = re.compile(
    r"(?:\\mathbb\s*\{?[1I]\}?|\\mathbf\s*\{?1\}?|𝟙|𝟏|(?<![\w.])[1I])\s*_?\s*(?:\\?\{|\[|\\left\[|\()"
    rf"(?P<inside>{_INSIDE}(?:[<>≥≤]|\\(?:geq?|leq?|gt|lt)\b){_INSIDE})(?:\\?\}}|\]|\\right\]|\))"
)
_OPERATOR = re.compile(
    rf"\\[dt]?frac\s*\{{\s*{_D}\s*\}}\s*\{{\s*{_D}\s*(?P<by>[^{{}}]+)\}}"
    r"(?!\s*[^\W\d_](?:_\w|_\{[^{}]*\})?\s*$)\s*"
    r"|(?<![\w\\])(?:d|∂)\s*/\s*(?:d|∂)(?P<below>[^\W\d_]\d?)\s*(?=[\[(]|\s[^\W\d]\w+\s*\(|\s\\)"
)
_PLAIN_SUM = re.compile(
    r"\\sum(?![A-Za-z])\s*(?:\\limits)?\s*"
    r"(?:_\s*(?:\{\s*(?P<braced>[a-z]?)[^{}]*\}|(?P<index>[a-z])))?\s*(?:\^\s*(?:\{[^{}]*\}|\w))?"
)
_OPERATOR_NAMES = frozenset(OPS)


class Formulas:
    """Prepares the formulas of a derivation; what it must know of the names is found out by a subclass."""

    def __init__(self) -> None:
        self.atoms = Atoms()
        self.known: set[str] = set()
        self._known = Known()
        self.equations: dict[str, Written] = {}
        self.functions: dict[str, tuple[str, ...]] = {}
        self.derived_at: dict[str, tuple[str, ...]] = {}  # of what has one input: that, for f′(2)
        self.indexed: set[str] = set()  # names that carry an index: arrays
        self.axes: Indices | None = None  # of index notation
        self.dots = False  # is `·` of arrays their dot product, and not taken element by element?

    # --- preparing a formula ---

    def prepared(self, text: Written) -> Written:
        """The formula as the readers take it: derivatives as letters, calls of functions as their names."""
        text = with_dots(text, self.dots, self._latex(text))
        text = text.sub(r"\\left\s*\.", "").sub(r"\\right\s*\|(?:_\s*\{[^{}]*\})?", "")
        text = text.sub(r"\\(?:left|right|big|Big|bigg|Bigg)[lr]?(?=\s*[()\[\]|])", "")
        text = with_round_brackets(text.sub(_INDICATOR, r"(\g<inside>)"), self._latex(text))
        text = text.sub(r"\^\s*\{\s*(\[\w\]|\(\w\))\s*\\?(?:T|top)\s*\}", r"^{\1}^T")
        text = text.sub(
            r"(?<=\w)\s*\^\s*\{?\s*\[\s*([A-Za-z0-9])\s*\]\s*\}?", r"_{\1}" if self._latex(text) else r"_\1"
        )
        text = text.sub(r"(?<=\w)\s*\^\s*\{\s*\(\s*([A-Za-z0-9])\s*\)\s*\}", r"_{\1}")
        text = text.sub(r"\^\s*\{?\s*\\(?:intercal|mathsf\s*\{?T\}?|mathrm\s*\{?T\}?|rm\s*T)\s*\}?", "^T")
        text = text.sub(r"\\math(?:rm|cal)\s*\{\s*L\s*\}", "L") if "L" in self.known else text
        text = _with_choices(self.without_arguments(text))
        text = self._with_calls(self._with_operators(text))
        text = self.atoms.put_in(text)
        text = self._named_derivatives(text) if self.axes is None else self.axes.put_in(text)
        if self.axes is not None:
            return self._named_derivatives(text)
        return self._without_index(self._with_index_of_sum(text))

    def all_prepared(self, text: Written) -> list[Written]:
        """The formula prepared, and once more with the other meaning of `·`, if that makes a difference."""
        first = self.prepared(text)
        if self.axes is not None or not DOT.search(text.content):
            return [first]
        self.dots = not self.dots
        second = self.prepared(text)
        self.dots = not self.dots
        return [first, second]

    def known_names(self) -> Known:
        """The names that are known by now; the same object for as long as they are the same."""
        if self._known.shapes.keys() != self.known:
            self._known = Known(dict.fromkeys(self.known, ()))
        return self._known

    @staticmethod
    def _latex(text: Written) -> bool:
        return bool(re.search(r"\\[A-Za-z]|[\^_]\{", text.content))

    def without_arguments(self, text: Written) -> Written:
        """`f` for `f(x)`, where it is the function of just these arguments."""
        for name, args in self.functions.items() if "(" in text.content else ():
            if name not in text.content:
                continue
            inside = r"\s*,\s*".join(map(re.escape, args))
            text = text.sub(rf"(?<![\w\\]){re.escape(name)}\s*\(\s*{inside}\s*\)", f"{name} ")
        return text

    def _with_operators(self, text: Written) -> Written:
        """Letters for `d/dx (…)`."""
        match = _OPERATOR.search(text.content)
        while match:
            by = canonical(match["by"] or match["below"])
            start, end = match.end(), end_of_term(text.content, match.end())
            if text.content[start:].lstrip()[:1] in ("(", "["):
                start += len(text.content[start:]) - len(text.content[start:].lstrip())
                end = _closing(text.content, start) + 1
            inner = text.part(start, end).trimmed()
            if by is None or not inner.content:
                return text
            atom = Atom(None, (by,), "d", formula=inner.content)
            self.atoms.formulas[inner.content] = inner
            text = self._with_letter(text, match.start(), end, atom)
            match = _OPERATOR.search(text.content)
        return text

    def _with_calls(self, text: Written) -> Written:
        """Letters for functions that are called with other arguments than their own: f(g(x)), f′(3)."""
        if "(" not in text.content:
            return text
        for name, args in {**self.derived_at, **self.functions}.items():
            if name not in text.content:
                continue
            least = 0 if name in self.functions else 1
            pattern = re.compile(rf"(?<![\w\\]){re.escape(name)}(?P<primes>['′’]{{{least},2}})\s*\(")
            match = pattern.search(text.content)
            while match and len(args) == 1:
                end = _closing(text.content, match.end() - 1)
                inner = text.part(match.end(), end).trimmed()
                if match["primes"] and inner.content in args:
                    match = pattern.search(text.content, match.end())
                    continue
                atom = Atom(name, args * len(match["primes"]), "d", formula=inner.content)
                self.atoms.formulas[inner.content] = inner
                text = self._with_letter(text, match.start(), end + 1, atom)
                match = pattern.search(text.content)
        return text

    def _with_letter(self, text: Written, start: int, end: int, atom: Atom) -> Written:
        letter = f" {self.atoms.letter(atom)} "
        offsets = [*text.offsets[:start], *[text.offsets[start]] * len(letter), *text.offsets[end:]]
        return text._replace(content=text.content[:start] + letter + text.content[end:], offsets=offsets)

    def _named_derivatives(self, text: Written) -> Written:
        """Letters for δ and its kind, and for f′ of functions that are defined here."""

        def of_name(match: re.Match[str]) -> str | None:
            name = canonical(match[0])
            atom = self.atoms.named(name) if name and name not in self.known else None
            return f" {self.atoms.letter(atom)} " if atom else None

        def of_prime(match: re.Match[str]) -> str | None:
            atom = self.primed(match)
            return f" {self.atoms.letter(atom)} " if atom else None

        names = (
            r"(?:\\delta|δ|delta)(?:\^\s*\{?[\[(]\w[\])]\}?|_\{[^{}]*\}|_\w+|[₀-₉])*(?!\w)|\\bar\s*\{?\w+\}?"
        )
        extra = "|".join(rf"(?<![\w\\]){re.escape(name)}(?!\w)" for name in self.atoms.names)
        text = text.sub(PRIMED, of_prime)
        return text.sub(names + ("|" + extra if extra else ""), of_name)

    def primed(self, match: re.Match[str]) -> Atom | None:
        """The derivative that f′(x), f′ or f″ is; None where f is no function of the derivation."""
        name = canonical(match["name"]) or match["name"]
        if name not in self.known or (name in _OPERATOR_NAMES and name not in self.functions):
            return None
        order = 2 if len(match["primes"]) == 2 and "\\" not in match["primes"] else 1
        arg = canonical(match["arg"] or "")
        args = self.functions.get(name, ())
        by = (
            arg
            if arg in self.known or arg in args
            else args[0]
            if len(args) == 1 and not match["arg"]
            else None
        )
        if by is None and not match["arg"]:
            by = self._only_input(name)
        return Atom(name, (by,) * order, "d") if by else None

    def _only_input(self, name: str) -> str | None:
        """The one name that an equation uses."""
        if name not in self.equations:
            return None
        used = [one for one in self.names(self.equations[name]) if one in self.known]
        return used[0] if len(used) == 1 else None

    def _with_index_of_sum(self, text: Written) -> Written:
        """`∑_i` for `∑`, where the names behind it have an index."""
        if not re.search(r"(?:∑|Σ|\\sum)(?!\s*\\?(?:limits)?\s*[_ᵢⱼ\w])|(?:∑|Σ)\s+\w", text.content):
            return text
        text = _with_plain_sums(text)
        letters = [base[-1] for base in re.findall(r"[^\W\d_]_[ijk](?!\w)", text.content)]
        if not letters or SUMMED.search(text.content):
            return text
        return text.sub(r"(?<=[∑Σ])(?=\s)|(?<=\\sum)(?=\s)", f"_{letters[0]}")

    def _without_index(self, text: Written) -> Written:
        """`p` for `p_i`, where the index is no sum's and p is an array."""
        summed = {next(filter(None, match.groups())) for match in SUMMED.finditer(text.content)}

        def bare(match: re.Match[str]) -> str | None:
            name = canonical(match["name"])
            index = match["index"] or match["braced"]
            return match["name"] if name in self.indexed and index not in summed else None

        return text.sub(
            r"(?P<name>(?:\\|(?<![A-Za-z]))[A-Za-z]+|[^\W\d_])_(?:(?P<index>[ijk])(?!\w)|\{(?P<braced>[ijk])\})",
            bare,
        )

    def names(self, text: Written) -> list[str]:
        """The names in a formula; of those run together, `wx`, the known ones."""
        tree = tree_of(self.prepared(text), self.known_names())
        names = tree.names() if tree else []
        every: list[str] = []
        for name in names:
            if self.axes is not None and (indexed := self.axes.of_letter(name)):
                every += [indexed.base] if indexed.base in self.axes.ranks else []
                continue
            if ord(name[0]) >= FIRST_LETTER and (atom := self.atoms.of_letter(name)):
                if atom.formula:
                    inside = self.names(self.atoms.formulas[atom.formula])
                    every += [*([atom.of] if atom.of else atom.by), *inside]
                continue
            if name in self.known or name not in CONSTANTS:
                every += [name] if self._is_whole(name, text) else self._apart(name)
        return every

    def _is_whole(self, name: str, text: Written) -> bool:
        """Is it one name, since products are written out here, as in `wz*x + uz*h`?"""
        alone = re.compile(rf"(?<![\w*])\s*{re.escape(name)}\s*(?![\w*])")
        return "*" in text.content and not self._latex(text) and not alone.search(text.content)

    def _apart(self, name: str) -> list[str]:
        if name in self.known or not name.isalpha() or name in OPS or name in GREEK.values():
            return [name]
        known = [letter in self.known for letter in name]
        return list(name) if all(known) or (len(name) == 2 and any(known)) else [name]


def _with_plain_sums(text: Written) -> Written:
    r"""`sum(…)` for a `\sum` of whole arrays, whose names have no index; it reaches as far as its term."""
    match = _PLAIN_SUM.search(text.content)
    while match:
        index = match["braced"] or match["index"] or ""
        end = end_of_term(text.content, match.end())
        inside = text.content[match.end() : end]
        if index and re.search(rf"_\{{?[a-z]*{index}", inside):
            match = _PLAIN_SUM.search(text.content, match.end())
            continue
        blank = text.offsets[match.start()]
        opening = "\\operatorname{sum}("
        text = text._replace(
            content=text.content[: match.start()] + opening + inside + ")" + text.content[end:],
            offsets=[
                *text.offsets[: match.start()],
                *[blank] * len(opening),
                *text.offsets[match.end() : end],
                text.offsets[end],
                *text.offsets[end:],
            ],
        )
        match = _PLAIN_SUM.search(text.content, match.start() + len(opening))
    return text


def _closing(content: str, start: int) -> int:
    """Where the bracket at `start` is closed; the last place where it never is."""
    depth = 0
    for at in range(start, len(content)):
        depth += (content[at] in "([{") - (content[at] in ")]}")
        if not depth:
            return at
    return len(content) - 1


def _with_choices(text: Written) -> Written:
    r"""`where(z > 0, 2h, 0)` for `\begin{cases} 2h & z > 0 \\ 0 & … \end{cases}`."""

    def chosen(match: re.Match[str]) -> str | None:
        rows = [row.split("&") for row in re.split(r"\\\\(?:\[[^\]]*\])?", match[1]) if row.strip()]
        if len(rows) < 2 or any(len(row) != 2 for row in rows):
            return None
        result = rows[-1][0].strip(" ,")
        for value, condition in reversed(rows[:-1]):
            bare = re.sub(
                r"\\(?:text|mathrm|textrm)\s*\{([^{}]*)\}|\b(?:if|falls|when|for)\b", r"\1", condition
            )
            bare = re.sub(r"\b(?:if|when|for)\b", "", bare).strip(" ,.")
            result = f"\\operatorname{{where}}({bare}, {value.strip(' ,')}, {result})"
        return result

    return text.sub(r"(?s)\\begin\{cases\}(.*?)\\end\{cases\}", chosen)
