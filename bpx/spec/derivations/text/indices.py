r"""Index notation, `y_i = \sum_j W_{ij} x_j`: a name with indices becomes an array with an axis for each.

The axes are the letters i, j, k, l that a sheet uses, in this order. All arrays are spread over all of them,
with length 1 where a letter is not theirs, so that every product goes element by element. A sum over j is one
along an axis that stays, and `\delta_{ij}` is the identity matrix. Names with indices become letters of a
script that nobody writes formulas in, as derivatives do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Shape
from bpx.graph.graph import OPS, Expr
from bpx.spec.derivations.text.atoms import FIRST_LETTER, Atoms, canonical
from bpx.spec.derivations.text.written import Written
from bpx.spec.text.syntax_tree import Call, Expression, Name, Node, Setting, fold, ungrouped, with_args

_FIRST_INDEXED = FIRST_LETTER + 0x240  # letters before it are derivatives
_LETTERS = "ijkl"
_INDEX = (
    rf"_\s*(?:\{{\s*(?P<braced>[{_LETTERS}]{{1,3}}|\d{{1,2}})\s*\}}|(?P<bare>[{_LETTERS}]{{1,3}}|\d)(?!\w))"
)
# From the first letter on, not from each: a long name would take quadratic time.
_LATIN = r"(?:\\|(?<![A-Za-z]))[A-Za-z]+"
_NAME = re.compile(rf"(?P<name>{_LATIN}|[^\W\d_])\s*{_INDEX}")
_TWO = re.compile(
    rf"(?:{_LATIN}|[^\W\d_])\s*_\s*(?:\{{\s*[{_LETTERS}]{{2,3}}\s*\}}|[{_LETTERS}]{{2,3}}(?!\w))"
)
_SUM = re.compile(
    rf"(?:∑|Σ|\\sum(?![A-Za-z])|(?<![A-Za-z])sum)\s*(?:\\limits)?\s*_\s*"
    rf"(?:\{{\s*(?P<braced>[{_LETTERS}](?:\s*,?\s*[{_LETTERS}])*)\b[^{{}}]*\}}|(?P<bare>[{_LETTERS}]+)(?!\w))"
    r"\s*(?:\^\s*(?:\{[^{}]*\}|\w))?"
)
_CALLED = re.compile(
    r"(?:\\(?:operatorname|mathrm|text|mathsf)\s*\{\s*(?P<braced_op>[a-z]+)\s*\}|(?:\\|(?<![a-z]))(?P<op>[a-z]{3,}))"
    rf"\s*\(\s*(?P<name>\\?[A-Za-z]+|[^\W\d_])\s*\)\s*{_INDEX}"
)
_DELTA, _ALONG = "δ", "Σ"


class Indexed(NamedTuple):
    """A name with letters or numbers below it; of `softmax(z)_j`, `function` is what stands before it."""

    base: str
    below: str
    function: str = ""

    @property
    def text(self) -> str:
        """As bpx writes it."""
        return f"{self.function}({self.base})_{self.below}" if self.function else f"{self.base}_{self.below}"


def uses_indices(texts: Iterable[str]) -> bool:
    """Does a sheet use index notation: a name with two letters below it?"""
    texts = [*texts]
    if any(_TWO.search(text) or _CALLED.search(text) for text in texts):
        return True
    with_letters = {name for text in texts for name, _ in indexed_names(text)}
    with_numbers = {
        canonical(match["name"])
        for text in texts
        for match in _NAME.finditer(text)
        if (match["braced"] or match["bare"]).isdecimal()
    }
    return bool(with_letters & with_numbers)  # an element of an array, x_1 beside x_i


def indexed_names(text: str) -> Iterator[tuple[str, str]]:
    """The names with letters below them, each with its letters; no sums and no Kronecker deltas."""
    for match in _NAME.finditer(text):
        below, name = match["braced"] or match["bare"], canonical(match["name"]) or ""
        if not below.isalpha() or is_delta(name, below) or name in ("", "sum", "prod", "\\sum", "\\prod"):
            continue
        is_derivative = name[0] == "d" and len(name) > 1 and not match["name"].startswith("\\")
        yield (name[1:] if is_derivative else name), below


def is_delta(name: str | None, below: str) -> bool:
    """Is it the Kronecker delta of two letters?"""
    return name in ("delta", "δ") and len(below) == 2 and below.isalpha()


class Indices:
    """The names with indices of one sheet, each with a letter, and the axes."""

    def __init__(self, statements: Sequence[Sequence[str]], atoms: Atoms) -> None:
        texts = [text for one in statements for text in one]
        self.own = {canonical(one[0]) for one in statements}  # names that have an equation, x_1 among them
        self.own = {name for name in self.own if name and name[-1].isdigit()}
        self.atoms = atoms
        self.ranks = {name: len(below) for text in texts for name, below in indexed_names(text)}
        for match in (match for text in texts for match in _CALLED.finditer(text)):
            self.ranks.setdefault(canonical(match["name"]) or "", 1)
        used = {letter for text in texts for _, below in indexed_names(text) for letter in below}
        used |= {
            letter for text in texts for match in _TWO.finditer(text) for letter in match[0].split("_")[1]
        }
        self.axes = [letter for letter in _LETTERS if letter in used]
        self.letters: dict[Indexed, str] = {}

    def letter(self, indexed: Indexed) -> str:
        """The letter of a name with indices."""
        return self.letters.setdefault(indexed, chr(_FIRST_INDEXED + len(self.letters)))

    def of_letter(self, letter: str) -> Indexed | None:
        """What a letter stands for."""
        return next((indexed for indexed, one in self.letters.items() if one == letter), None)

    def below(self, left: str) -> str:
        """The letters below the name that a left side is."""
        match = _NAME.fullmatch(left.strip().strip("$").strip())
        below = (match["braced"] or match["bare"]) if match else ""
        return below if below.isalpha() and match and canonical(match["name"]) in self.ranks else ""

    # --- in formulas ---

    def put_in(self, text: Written) -> Written:
        """The formula with a letter for each name with indices, and sums along axes."""
        return self._with_sums(text.sub(_CALLED, self._of_call).sub(_NAME, self._of_name))

    def _of_call(self, match: re.Match[str]) -> str | None:
        below, name = match["braced"] or match["bare"], canonical(match["name"])
        function = match["braced_op"] or match["op"]
        if name not in self.ranks or len(below) != self.ranks[name] or function not in OPS:
            return None
        return f" {self.letter(Indexed(name, below, function))} "

    def _of_name(self, match: re.Match[str]) -> str | None:
        below, name = match["braced"] or match["bare"], canonical(match["name"])
        if is_delta(name, below):
            return f" {self.letter(Indexed(_DELTA, below))} "
        if name not in self.ranks or len(below) != self.ranks[name] or f"{name}_{below}" in self.own:
            return None
        return f" {self.letter(Indexed(name, below))} "

    def _with_sums(self, text: Written) -> Written:
        is_latex = "\\" in text.content or bool(re.search(r"[\^_]\{", text.content))
        match = _SUM.search(text.content)
        while match:
            letters = re.findall(rf"[{_LETTERS}]", match["braced"] or match["bare"])
            end = end_of_term(text.content, match.end())
            marks = (" \\cdot " if is_latex else " * ").join(
                self.letter(Indexed(_ALONG, letter)) for letter in letters
            )
            opening = (
                ("\\operatorname{sum}(" if is_latex else "sum(")
                + marks
                + (" \\cdot (" if is_latex else " * (")
            )
            text = replaced(replaced(text, end, end, "))"), match.start(), match.end(), opening)
            match = _SUM.search(text.content)
        return text

    # --- in trees and graphs ---

    def along_axes(self, expression: Expression) -> Expression:
        """The tree with an axis for each sum over letters."""
        along = {letter: indexed.below for indexed, letter in self.letters.items() if indexed.base == _ALONG}

        def changed(node: Node, args: list[Node]) -> Node:
            new = with_args(node, args) if args else node
            if not (isinstance(new, Call) and new.op == "sum" and len(new.args) == 1):
                return new
            letters: list[str] = []
            inside = ungrouped(new.args[0])
            while isinstance(inside, Call) and inside.op == "mul":
                first = ungrouped(inside.args[0])
                if isinstance(first, Name) and first.name in along:
                    letters.append(along[first.name])
                    inside = ungrouped(inside.args[1])
                elif isinstance(first, Call) and first.op == "mul":  # Σ_j · Σ_k · (…), the left ones first
                    inner = ungrouped(first.args[0])
                    if not (isinstance(inner, Name) and inner.name in along):
                        break
                    letters.append(along[inner.name])
                    inside = inside._replace(args=(ungrouped(first.args[1]), inside.args[1]))
                else:
                    break
            if not letters or any(letter not in self.axes for letter in letters):
                return new
            for letter in letters:
                settings = (
                    Setting("axis", float(self.axes.index(letter)), new.start, new.end),
                    Setting("keepdims", True, new.start, new.end),
                )
                inside = Call("sum", (inside,), settings, new.start, new.end)
            return inside

        return expression._replace(root=fold(expression.root, changed))

    def spread(self, expr: Expr, below: str) -> Expr | None:
        """An array over all axes, where its own axes are the letters, or elements, `below`."""
        if len(expr.shape) != len(below):
            return expr if not expr.shape else None
        if below.isdecimal():
            at = tuple(int(digit) - 1 for digit in below)
            if any(not 0 <= one < length for one, length in zip(at, expr.shape, strict=True)):
                return None
            return expr.graph.add(OPS["index"], expr, at=at)
        if len(set(below)) < len(below) or any(letter not in self.axes for letter in below):
            return None
        order = sorted(range(len(below)), key=lambda at: self.axes.index(below[at]))
        if len(order) > 1 and order != sorted(order):
            expr = expr.graph.add(OPS["transpose"], expr, axes=tuple(order))
        lengths = dict(zip((below[at] for at in order), expr.shape, strict=True))
        shape = tuple(lengths.get(letter, 1) for letter in self.axes)
        return expr if shape == expr.shape else expr.graph.add(OPS["reshape"], expr, shape=shape)

    def gathered(self, expr: Expr, below: str, shape: Shape) -> Expr | None:
        """The array of `shape` with the axes `below`, of one over all axes; None where others are left."""
        if not expr.shape:
            return expr if not shape else expr + expr.graph.constant(np.zeros(shape))
        if len(expr.shape) != len(self.axes):
            return None
        others = [length for letter, length in zip(self.axes, expr.shape, strict=True) if letter not in below]
        if any(length != 1 for length in others):
            return None
        lengths = dict(zip(self.axes, expr.shape, strict=True))
        kept = [letter for letter in self.axes if letter in below]
        narrow = expr.graph.add(OPS["reshape"], expr, shape=tuple(lengths[letter] for letter in kept))
        order = tuple(kept.index(letter) for letter in below)
        if order != tuple(sorted(order)):
            narrow = expr.graph.add(OPS["transpose"], narrow, axes=order)
        return narrow if narrow.shape == shape else narrow + expr.graph.constant(np.zeros(shape))

    def node(self, indexed: Indexed, exprs: Mapping[str, Expr], lengths: Mapping[str, int]) -> Expr | None:
        """The array over all axes that a letter stands for."""
        graph = next(iter(exprs.values())).graph
        if indexed.base == _ALONG:
            return graph.constant(1.0)
        if indexed.base == _DELTA:
            one, two = (lengths.get(letter, 0) for letter in indexed.below)
            return self.spread(graph.constant(np.eye(one)), indexed.below) if one == two else None
        base = exprs.get(indexed.base)
        if base is not None and indexed.function:
            base = graph.add(OPS[indexed.function], base)
        return self.spread(base, indexed.below) if base is not None else None


def lengths_of(
    statements: Sequence[Sequence[str]], axes: Sequence[str], *, alike: bool = False
) -> tuple[dict[tuple[str, int], int], dict[str, int]]:
    """How long each axis of each name is, and each letter: what shares an index is equally long.

    `statements` are the formulas of each statement; a letter means the same axis in all of them, so that all
    arrays fit together. With `alike` all are equally long, as where n counts the elements.
    """
    parent: dict[object, object] = {}

    def root(one: object) -> object:
        while parent.setdefault(one, one) != one:
            one = parent[one]
        return one

    for texts in statements:
        for text in texts:
            for name, below in indexed_names(text):
                for at, letter in enumerate(below):
                    parent[root((name, at))] = root(letter)
            for match in _NAME.finditer(text):
                below = match["braced"] or match["bare"]
                if is_delta(canonical(match["name"]), below):
                    parent[root(below[0])] = root(below[1])
    lengths: dict[object, int] = {}
    for letter in axes:
        lengths.setdefault(root(letter), 3 if alike else (3, 2, 4, 5)[len(lengths) % 4])
    names = {one: lengths.get(root(one), 3) for one in [*parent] if isinstance(one, tuple)}
    return names, {letter: lengths[root(letter)] for letter in axes}


def replaced(text: Written, start: int, end: int, new: str) -> Written:
    """The formula with `new` in place of the characters `start … end`."""
    return text._replace(
        content=text.content[:start] + new + text.content[end:],
        offsets=[*text.offsets[:start], *[text.offsets[start]] * len(new), *text.offsets[end:]],
    )


def end_of_term(content: str, start: int) -> int:
    """Where the term ends that begins at `start`: before a sign between terms, or a closing bracket."""
    depth = 0
    for at in range(start, len(content)):
        char = content[at]
        if char in ")]}" and not depth:
            return at
        depth += (char in "([{") - (char in ")]}")
        if char in "+-−" and not depth and content[start:at].strip():
            return at
    return len(content)
