"""Formulas compared with what is right, and with what follows from the lines above."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import Expr
from bpx.spec.derivations.graph.model import Built, Model
from bpx.spec.derivations.graph.points import Point
from bpx.spec.derivations.graph.sheet import Chain, Reader
from bpx.spec.derivations.text.atoms import Atom
from bpx.spec.derivations.text.written import Written
from bpx.spec.derivations.verdicts import Step
from bpx.spec.text.syntax_tree import Expression, Name, Node, Number, NumberList, fold, postorder, with_args

# Relative to the largest of the values compared, at each point: where float64 calls two formulas equal, and
# where it leaves that to many digits, since what cancels may lose as many of its own.
CLOSE, _PERHAPS = 1e-8, 1e-4
_POINTS_IN_DIGITS = 3  # of points at which they are equal in float64
_NEAR, _POINTS_NEAR = 1e-3, 6  # relative distance of points near the given one, and how many there are
_MOST_MIXED = 4  # derivatives in one formula, each of which may be meant in two ways
_MOST_NAMINGS = 128  # ways to take the numbers of a formula for values above
_TARGETS = ("y", "t", "Y", "T", "p", "q")  # first letters of the names of targets
# Words by which a text says that an input is one of two numbers, or that its entries add up to 1.
_BINARY = re.compile(r"\{\s*0\s*,\s*1\s*\}|\b0 (?:or|and|/) 1\b|\b0/1\b|binary|one[- ]hot", re.I)
_SHARES = re.compile(
    r"one[- ]hot|(?:sum|add)s? (?:up )?to (?:1|one)|(?:∑|\\sum|sum)[^=\n]{1,20}=\s*1\b|distribution", re.I
)
_PRODUCT = re.compile(r"(?:\\cdot|\\times|\\odot|[·•⋅∙@*×⊙()\s]|\\left|\\right|\\,)+")


class Comparisons:
    """What a step is compared with; `claimed` are the wrong derivatives above, as claimed."""

    def __init__(self, reader: Reader, model: Model) -> None:
        self.reader, self.model = reader, model
        self.claimed: dict[Atom, tuple[Expr, int]] = {}
        self.printed: dict[int, Array] = {}  # values of nodes as they were printed, rounded
        self.slipped: dict[int, tuple[Array, int]] = {}  # wrong values of nodes as printed, and their lines
        self.rounded: dict[Atom, Expr] = {}  # derivatives as they were printed
        self.sought: dict[int, list[Expr]] = {}  # what each wrong step should have been
        self.derivatives: dict[str, Expr] = {}  # those of the chains above, by their text
        self.rooms: dict[int, float] = {}  # how far the numbers of a wrong step may be off

    def is_with_values(self, every: Sequence[Built], target: Expr) -> bool:
        """Is it right near the values given, with names for the numbers that are their values there?

        Near them a gate is open or shut: 1 and 0 may stand for its slope.
        """
        given = self.model.given
        if given is None:
            return False
        values = self.reader.replaced
        own = {self.model.exprs[name].id: values[name] for name in values if self.is_like_own(name)}
        points = [given, {**given, **own}] if own else [given]
        return any(self.is_with_values_at(point, every, target) for point in points)

    def is_like_own(self, name: str) -> bool:
        """Is the value given of the shape that the one in the text has?"""
        expr = self.model.exprs.get(name)
        return expr is not None and expr.shape == self.reader.replaced[name].shape

    def is_with_values_at(self, given: Point, every: Sequence[Built], target: Expr) -> bool:
        """Is it with the values of this point?"""
        rng = np.random.default_rng(2)
        near = [
            {at: value * (1 + _NEAR * rng.normal(size=value.shape)) for at, value in given.items()}
            for _ in range(_POINTS_NEAR)
        ]
        above = {**self.model.exprs, **self.derivatives, **self.inner_nodes(target)}
        known = {name: self.model.values([expr], given)[0] for name, expr in above.items()}
        for built in every:
            if built.expression is None:
                continue
            names = {**above, **self.model.names_in_letters()}
            for tree in islice(with_names(built.expression, known), _MOST_NAMINGS):
                expr = self.model.of_tree(tree, names).expr
                if expr is not None and self.same(expr, target, near):
                    return True
        return False

    def inner_nodes(self, target: Expr) -> dict[str, Expr]:
        """The nodes behind a target, which have no names, as the `a - y` of `2 (a - y)`; each with a key."""
        graph, named = self.model.graph, {expr.id for expr in self.model.exprs.values()}
        inner = [at for at in graph.needs(of=[target.id]) if at not in named and at not in graph.constants]
        return {f"#{at}": graph[at] for at in inner}

    def note(self, step: Step, target: Expr, before: Before | None, room: float = 0.0) -> None:
        """Keep what a wrong step should have been: the truth, or what follows from what stands before it."""
        carried = [expr for expr, _ in self.expected(step.chain)]
        earlier = (
            [before.expr] if before is not None and before.wrong_line and before.expr is not None else []
        )
        self.sought[id(step)] = [*earlier, target, *carried]
        self.rooms[id(step)] = room

    def targets(self, step: Step) -> list[Expr]:
        """What a wrong step should have been, the likeliest first."""
        return self.sought.get(id(step), [])

    def readings(self, text: Written, atoms: Callable[[Atom], Expr | None] | None = None) -> list[Built]:
        """The formula in all ways it may be meant, but those that cannot be built."""
        every = [built for built in self.model.every_reading(text, atoms) if built.expr is not None]
        path = self.path(text, atoms)
        return [*every, *([Built(None, path, [])] if path is not None else [])]

    def path(self, text: Written, atoms: Callable[[Atom], Expr | None] | None = None) -> Expr | None:
        """A product `∂L/∂u · ∂u/∂v · …`, by reverse passes: its factors may be Jacobians."""
        if self.reader.axes is not None:
            return None
        content = self.reader.prepared(text).content
        total: Expr | None = None
        for term in content.split("+"):
            letters = [self.reader.atoms.of_letter(piece) for piece in _PRODUCT.split(term) if piece]
            links = [atom for atom in letters if atom is not None]
            if len(links) != len(letters) or len(links) < 2:
                return None
            first = (atoms or self.model.gradient)(links[0])
            value = self.model.through(first, links[1:]) if first is not None else None
            if value is None:
                return None
            total = value if total is None else total + value
        return total

    def right(self, every: Sequence[Built], target: Expr) -> Expr | None:
        """The first reading that is the target; derivatives in it may be meant as direct ones."""
        for built in every:
            if built.expr is not None and self.same(built.expr, target):
                return built.expr
        return None

    def is_direct(self, chain: Chain, text: Written, every: Sequence[Built], target: Expr) -> bool:
        """Is it right where derivatives, inside or on the left, are by the direct argument alone?"""
        atom = chain.atom
        if atom and atom.sign == "∂" and atom.of not in (None, self.model.output) and len(atom.by) == 1:
            direct = self.model.direct(atom)
            if direct is not None and self.right(every, direct) is not None:
                return True
        return self.right_as_direct(text, target)

    def right_as_direct(self, text: Written, target: Expr) -> bool:
        """Is it right where derivatives inside are by the direct argument alone?"""
        content = self.reader.prepared(text).content
        inside = [atom for atom, letter in self.reader.atoms.letters.items() if letter in content]
        if not 0 < len(inside) <= _MOST_MIXED:
            return False
        for choice in product((self.model.gradient, self.model.direct), repeat=len(inside)):
            meant = dict(zip(inside, choice, strict=True))
            for built in self.readings(text, lambda atom, meant=meant: meant[atom](atom)):  # type: ignore[misc]
                if built.expr is not None and self.same(built.expr, target):
                    return True
        return False

    def as_printed(self, atom: Atom) -> Expr | None:
        """The derivative as it was printed, rounded, where that was right; or else the true one."""
        printed = (expr for other, expr in self.rounded.items() if self.alike(other, atom))
        return next(printed, self.model.gradient(atom))

    def as_rounded(self, atom: Atom) -> Expr | None:
        """The derivative as it was printed, rounded."""
        for other, expr in self.rounded.items():
            if self.alike(other, atom):
                return expr
        return self.as_claimed(atom)

    def as_claimed(self, atom: Atom) -> Expr | None:
        """The derivative as the lines above claim it, where they are wrong."""
        for other, (expr, _) in self.claimed.items():
            if self.alike(other, atom):
                return expr
        return self.model.gradient(atom)

    def alike(self, one: Atom, other: Atom) -> bool:
        """Are two derivatives the same, however they are written?"""
        ends, others = self.model.ends(one), self.model.ends(other)
        if ends is None or others is None:
            return False
        return ends[0].id == others[0].id and [expr.id for expr in ends[1]] == [expr.id for expr in others[1]]

    def follows_from(self, chain: Chain, text: Written, target: Expr, before: Before | None) -> int | None:
        """The line of the slip that a wrong formula follows from."""
        true = [built.expr for built in self.readings(text) if built.expr is not None]
        claimed = [built.expr for built in self.readings(text, self.as_claimed) if built.expr is not None]
        both = (*true, *claimed)
        if before is not None and before.wrong_line and any(self.same(expr, before.expr) for expr in both):
            return before.wrong_line
        if not self.claimed:
            return None
        last = max(line for _, line in self.claimed.values())
        if before is not None and any(self.same(expr, before.claimed) for expr in both):
            return last
        for expected, line in self.expected(chain):
            if any(self.same(expr, expected) for expr in (*true, *claimed)):
                return line
        return None

    def expected(self, chain: Chain) -> Iterator[tuple[Expr, int]]:
        """What the chain should give if the claims above were right."""
        if chain.atom is None:
            return
        ends = self.model.ends(chain.atom)
        if ends is None:
            return
        of, by = ends
        upstream = {}
        for atom, (expr, line) in self.claimed.items():
            claimed = self.model.ends(atom)
            if claimed and len(claimed[1]) == 1 and claimed[0].id == of.id:
                upstream[claimed[1][0].id] = expr, line
        for chosen in ([*upstream], *([one] for one in upstream)):
            carried = self.model.carried(chain.atom, {at: upstream[at][0] for at in chosen})
            if carried is not None:
                yield carried, max(upstream[at][1] for at in chosen)
        local = {
            atom: expr
            for atom, (expr, _) in self.claimed.items()
            if len(atom.by) == 1
            and atom.of in self.model.exprs
            and atom.of != chain.atom.of
            and not atom.formula
        }
        carried = self.model.with_local_claims(chain.atom, local) if local else None
        if carried is not None:
            yield carried, max(line for atom, (_, line) in self.claimed.items() if atom in local)
        yield from self.through_claims(chain.atom, by[0] if len(by) == 1 else None)

    def through_claims(self, atom: Atom, node: Expr | None) -> Iterator[tuple[Expr, int]]:
        """∂L/∂u · ∂u/∂v with one of them, or both, as claimed above."""
        for name in self.reader.sheet.equations:
            outer, inner = Atom(atom.of, (name,), "∂"), Atom(name, atom.by, "∂")
            lines = [
                line
                for other, (_, line) in self.claimed.items()
                if self.alike(other, outer) or self.alike(other, inner)
            ]
            if not lines or node is None:
                continue
            one, two = self.as_claimed(outer), self.as_claimed(inner)
            if one is not None and two is not None and one.shape in ((), two.shape):
                yield one * two, max(lines)

    def same(self, one: Expr | None, other: Expr | None, points: Sequence[Point] | None = None) -> bool:
        """Have two formulas the same values at all points?"""
        if one is None or other is None:
            return False
        everywhere = points is None  # and not where something holds, such as shares, but for rounding
        points = self.model.points if points is None else points
        if not points or not self.fits(one.shape, other.shape):
            return False
        useful, is_close = list[Point](), True
        for point in points:
            left, right = self.model.values([one, other], point)
            if not (np.isfinite(left).all() and np.isfinite(right).all()):
                continue
            if not close(left, right, _PERHAPS):
                return False
            is_close &= close(left, right)
            useful.append(point)
        if len(useful) * 2 < len(points):
            return False
        if not everywhere:
            return is_close
        in_digits = self.model.equal_in_digits(one, other, useful[:_POINTS_IN_DIGITS])
        return is_close if in_digits is None else in_digits

    def fits(self, one: Shape, other: Shape) -> bool:
        """May a value of shape `one` be compared with one of shape `other`: is it like it, or a number?"""
        if self.reader.axes is not None and len(one) == len(other):
            return all(length in (1, wanted) for length, wanted in zip(one, other, strict=True))
        return one == other or not one

    def special_points(self) -> Iterator[tuple[str, str, list[Point]]]:
        """Points at which an input is what targets are: shares of 1, or 0 and 1."""
        rng = np.random.default_rng(1)
        says_binary = any(_BINARY.search(text) for text in self.reader.sources)
        says_shares = any(_SHARES.search(text) for text in self.reader.sources)
        for name in self.model.sheet.inputs:
            node = self.model.exprs[name]
            is_target = name.startswith(_TARGETS)
            if name in self.reader.derived_by:
                continue
            if node.shape and (is_target or says_shares):
                shares = [
                    np.asarray(rng.dirichlet(np.ones(node.shape[-1]), node.shape[:-1]))
                    for _ in self.model.points
                ]
                yield (
                    name,
                    "if-shares",
                    [
                        {**point, node.id: value}
                        for point, value in zip(self.model.points, shares, strict=True)
                    ],
                )
            values = [np.asarray(rng.integers(0, 2, node.shape), dtype=np.float64) for _ in self.model.points]
            points: list[Point] = [
                {**point, node.id: value} for point, value in zip(self.model.points, values, strict=True)
            ]
            if is_target and says_binary:
                yield name, "if-binary", points


class Before:
    """The link before: its formula, and the line of the slip that makes it wrong, 0 for none.

    `claimed` is the formula with the derivatives in it as the lines above claim them, `text` the last link
    that was a formula; `room` is how far the numbers in it may be off.
    """

    def __init__(
        self,
        expr: Expr | None,
        wrong_line: int,
        claimed: Expr | None = None,
        room: float = 0.0,
        text: Written | None = None,
    ) -> None:
        self.expr, self.wrong_line, self.claimed, self.room, self.text = expr, wrong_line, claimed, room, text


def close(left: Array, right: Array, within: float = CLOSE) -> bool:
    """Are two values the same, but for rounding?"""
    scale = float(max(np.max(np.abs(left), initial=0.0), np.max(np.abs(right), initial=0.0)))
    return bool(np.all(np.abs(left - right) <= within * max(scale, 1e-300)))


def with_names(expression: Expression, values: Mapping[str, Array]) -> Iterator[Expression]:
    """The formula, and again with names in place of numbers, and of lists, that are their values."""
    places = [node for node in postorder(expression.root) if isinstance(node, Number | NumberList)]
    choices = [
        [None, *(name for name, value in values.items() if np.array_equal(value, node.value))]
        for node in places[:_MOST_MIXED]
    ]
    for names in product(*choices):
        chosen = {id(node): name for node, name in zip(places, names, strict=False) if name}

        def changed(node: Node, args: list[Node], chosen: Mapping[int, str] = chosen) -> Node:
            if id(node) in chosen:
                return Name(chosen[id(node)], node.start, node.end)
            return with_args(node, args) if args else node

        yield expression._replace(root=fold(expression.root, changed))
