"""A formula is a value: a tree of numbers, symbols and ops, built from nodes and printed in several ways.

The tree is kept as the list of its parts in order from the root down, each followed by its args. So
formulas are compared, hashed, copied and put together as flat tuples, and nothing here recurses however
deep they are. `str` of a formula reads back as the same nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from bpx.graph.arrays import Array
from bpx.graph.formula_parts import (
    DERIVATIVE,
    EQUATION,
    Noted,
    Number,
    NumberArray,
    Part,
    Repeated,
    Symbol,
    Words,
    count_of_args,
    numbers_part,
    written_as,
)
from bpx.graph.graph import CONSTANT, INPUT, Graph
from bpx.graph.notation_text import TEXT
from bpx.graph.numbers import CONSTANTS, SHOWN_DIGITS
from bpx.graph.printer import PRECEDENCE_OF_MINUS, PartSpan, part_spans, printed

MOST_IN_A_RULE = 24  # ops in the formula of a rule; a longer one is not for reading

_NAME_OF_CONSTANT = {value: name for name, value in CONSTANTS.items()}


class Formula:
    """A formula by its parts, which never change; see `bpx.graph.formula_parts` for their kinds."""

    # Not a frozen dataclass: explaining 10,000 nodes makes 50,000 formulas, and that makes each at half the
    # speed.
    __slots__ = ("_text", "parts")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self._text: str | None = None  # printed when it is first asked for

    def __str__(self) -> str:
        if self._text is None:
            self._text = printed(self.parts, TEXT)
        return self._text

    def __repr__(self) -> str:
        return f"<bpx.Formula {self}>"

    def __eq__(self, other: object) -> bool:
        return self.parts == other.parts if isinstance(other, Formula) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.parts)

    def latex(self) -> str:
        """The formula for LaTeX's math mode, with amsmath."""
        from bpx.graph.notation_latex import LATEX  # loaded when it is needed, as below

        return printed(self.parts, LATEX)

    def mathml(self) -> str:
        """The formula as presentation MathML, a `<math>` element."""
        from bpx.graph.notation_mathml import MATHML, in_math

        return in_math(printed(self.parts, MATHML))

    def spans(self) -> list[PartSpan]:
        """Where each part stands in the text."""
        return part_spans(self.parts, TEXT)

    @property
    def root(self) -> Part:
        """The outermost part."""
        return self.parts[0]

    @property
    def args(self) -> tuple[Formula, ...]:
        """The args of the outermost part."""
        parts, ends = self.parts, [1]
        for _ in range(count_of_args(parts[0])):
            end, waiting = ends[-1], 1
            while waiting:
                waiting += count_of_args(parts[end]) - 1
                end += 1
            ends.append(end)
        return tuple(Formula(parts[start:end]) for start, end in pairwise(ends))

    @property
    def symbols(self) -> list[Symbol]:
        """The names in it, in order, each as often as it is written."""
        return [part for part in self.parts if isinstance(part, Symbol)]

    @property
    def is_number(self) -> bool:
        """Is it nothing but a number?"""
        return isinstance(self.root, Number)

    @property
    def depth(self) -> int:
        """How many parts stand inside each other at most."""
        deepest, waiting = 0, list[int]()  # for each part around: how many of its args are still to come
        for part in self.parts:
            waiting.append(count_of_args(part))
            deepest = max(deepest, len(waiting))
            while waiting and not waiting[-1]:
                waiting.pop()
                if waiting:
                    waiting[-1] -= 1
        return deepest

    def rounded(self, digits: int) -> Formula:
        """The formula with its rounded numbers to so many digits; those that need more keep them."""
        if digits == SHOWN_DIGITS:
            return self
        return Formula(tuple(_rounded(part, digits) for part in self.parts))

    @property
    def has_matrix(self) -> bool:
        """Is an array of more than one axis written out in it?"""
        return any(isinstance(part, NumberArray) and len(part.shape) > 1 for part in self.parts)


def _rounded(part: Part, digits: int) -> Part:
    if not isinstance(part, Number | NumberArray) or part.digits is None:
        return part
    return part._replace(digits=digits if part.digits == SHOWN_DIGITS else max(part.digits, digits))


# --- made by hand -------------------------------------------------------------------------------


def symbol(name: str, node: int | None = None) -> Formula:
    """A name, and the node it links to."""
    return Formula((Symbol(name, node),))


def numbers(value: Array | float, digits: int | None = None, node: int | None = None) -> Formula:
    """A number or an array, rounded to `digits`, or in full; `node` is the node it is the value of."""
    return Formula((numbers_part(value, digits, node),))


def words(text: str) -> Formula:
    """Words in a formula's place."""
    return Formula((Words(text),))


def derivative(output: Formula, node: Formula) -> Formula:
    """The name of a derivative, `∂L/∂w`."""
    return Formula((DERIVATIVE, *output.parts, *node.parts))


def equation(left: Formula, right: Formula) -> Formula:
    """`left = right`."""
    return Formula((EQUATION, *left.parts, *right.parts))


def noted(formula: Formula, text: str) -> Formula:
    """The formula with words behind it, `x; sum over axis 0`."""
    return Formula((Noted(text), *formula.parts))


def sum_of(terms: Sequence[Formula]) -> Formula:
    """The terms with plus signs between them; 0 where there are none."""
    return _repeated(Repeated("+", 10, 10, 11, len(terms)), terms) if terms else numbers(0.0)


def product_of(factors: Sequence[Formula]) -> Formula:
    """The factors with dots between them."""
    tightness = PRECEDENCE_OF_MINUS + 1  # with brackets around what has a minus, also in the first place
    return _repeated(Repeated("·", 20, tightness, tightness, len(factors)), factors)


def _repeated(root: Repeated, args: Sequence[Formula]) -> Formula:
    return Formula((root, *(part for arg in args for part in arg.parts)))


def partial(output: str, node: str) -> str:
    """The name of a derivative as text, `∂L/∂w`."""
    return f"∂{output}/∂{node}"


# --- built from nodes ---------------------------------------------------------------------------


def formula(
    graph: Graph, node: int, names: Mapping[int, str | Formula] | None = None, *, open_root: bool = True
) -> Formula:
    """The formula of a node; args that have a name stand by it, or by the formula given in its place.

    A name links to its node. With `open_root` the node itself is written out even if it has a name.
    """
    names = names or {}
    parts: list[Part] = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        known = None if current == node and open_root else names.get(current)
        if known is None and graph.ops[current] in (INPUT, CONSTANT):
            known = names.get(current) or _constant(graph, current, names)
        if known is None:
            part, args = written_as(graph, current)
            parts.append(part)
            waiting += args[::-1]
        elif isinstance(known, str):
            parts.append(_symbol(known, current))
        else:
            parts += known.parts
    return Formula(tuple(parts))


# Names are written often, and close together; the same symbol need not be made again.
_symbol = lru_cache(4096)(Symbol)


def ops_written(graph: Graph, node: int, names: Collection[int]) -> int:
    """How many ops the formula of a node has; what it uses twice is written, and counts, twice."""
    count: dict[int, int] = {}
    for inner in graph.needs(of=[node], known=names):  # no further than to what has a name
        count[inner] = 0 if inner in names else sum(count[arg] for arg in graph.args[inner]) + 1
    return count[node]


def _constant(graph: Graph, node: int, names: Mapping[int, str | Formula]) -> Formula:
    value = graph.constants.get(node)
    if value is None:
        return symbol(f"#{node}", node)
    if value.ndim == 0:
        name = _NAME_OF_CONSTANT.get(float(value))
        if name and name not in map(str, names.values()):
            return symbol(name)
    return numbers(value)
