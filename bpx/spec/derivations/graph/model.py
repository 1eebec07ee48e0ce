"""The graph of a derivation: its equations, with the shapes for which all of them can be evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bpx.check.whole.claims import is_elementwise
from bpx.graph.arrays import Shape
from bpx.graph.graph import OPS, Expr
from bpx.graph.subgraph import with_node
from bpx.passes.reverse import grad, reverse
from bpx.spec.derivations.graph.points import Sheet
from bpx.spec.derivations.graph.values import Values
from bpx.spec.derivations.text.atoms import Atom
from bpx.spec.derivations.text.dots import DOT_SIGN, with_numbers_times
from bpx.spec.derivations.text.readings import readings, tree_of
from bpx.spec.derivations.text.written import Written
from bpx.spec.notations.read import Reading
from bpx.spec.notations.translation.known import Known
from bpx.spec.text.build import build
from bpx.spec.text.syntax_tree import Expression
from bpx.words.diagnostic import Diagnostic

_IDENTITY = re.compile(r"(?<![A-Za-z\\])I(?![A-Za-z_(\[{])")


class Built(NamedTuple):
    """A formula read: its tree, its node in the graph, and what is wrong; one of them is there."""

    expression: Expression | None
    expr: Expr | None
    problems: list[Diagnostic]


class Model(Values):
    """The graph of a sheet for some shapes of its inputs.

    `problems` are those of equations that cannot be built.
    """

    def __init__(self, sheet: Sheet, shapes: Mapping[str, Shape]) -> None:
        super().__init__(sheet, shapes)
        self.problems: dict[str, list[Diagnostic]] = {}
        self._uses: dict[str, list[str]] = {}
        self._by_index: dict[Atom, Expr | None] = {}
        self._gradients: dict[Atom, Expr | None] = {}
        for name in self.order():
            built = self.built(sheet.equations[name])
            expr = self._gathered(name, built.expr)
            if expr is None:
                self.problems[name] = built.problems
            else:
                # A result that only renames another is a node of its own: it has a gradient of its own.
                self.exprs[name] = self._own(expr)
        self.size = len(self.graph)

    def _gathered(self, name: str, expr: Expr | None) -> Expr | None:
        """What an equation gives; in index notation, with the axes that its left side has."""
        axes, below = self.sheet.axes, self.sheet.below.get(name, "")
        if axes is None or expr is None:
            return expr
        return axes.gathered(expr, below, tuple(self.sheet.index_lengths[letter] for letter in below))

    def spread(self, expr: Expr | None, below: str) -> Expr | None:
        """A node as formulas of index notation have it; `below` are the letters below it."""
        return expr if self.sheet.axes is None or expr is None else self.sheet.axes.spread(expr, below)

    def _own(self, expr: Expr) -> Expr:
        taken = {other.id for other in self.exprs.values()}
        return self.graph.add(OPS["identity"], expr) if expr.id in taken else expr

    def order(self) -> list[str]:
        """The results, each behind those that it uses."""
        done: dict[str, None] = {}
        begun: set[str] = set()
        for first in self.sheet.equations:
            waiting = [first]
            while waiting:
                name = waiting[-1]
                more = [] if name in begun else [*reversed(self.sheet_uses(name))]
                begun.add(name)
                more = [used for used in more if used in self.sheet.equations and used not in begun]
                if more:
                    waiting += more
                else:
                    done.setdefault(waiting.pop())
        return [*done]

    def sheet_uses(self, name: str) -> list[str]:
        """The names that an equation uses."""
        if name not in self._uses:
            self._uses[name] = self._used(self.sheet.equations[name])
        return self._uses[name]

    @cached_property
    def _scalars(self) -> Known:
        return Known(dict.fromkeys(self.sheet.names, ()))

    def _used(self, text: Written) -> list[str]:
        # As of scalars, whatever the shapes: read once for all models of a sheet.
        reading = self._read(self.sheet.prepared(text), self._scalars, by=None)[0]
        used: list[str] = []
        for name in reading.expression.names() if reading.expression and not reading.problems else ():
            atom = self.sheet.atoms.of_letter(name)
            indexed = self.sheet.axes.of_letter(name) if self.sheet.axes is not None else None
            if indexed:
                used.append(indexed.base)
            elif atom and atom.formula:
                used += [
                    *([atom.of] if atom.of else []),
                    *self._used(self.sheet.atoms.formulas[atom.formula]),
                ]
            else:
                used.append(name)
        return used

    # --- formulas ---

    def built(self, text: Written, atoms: Callable[[Atom], Expr | None] | None = None) -> Built:
        """The node of a formula, with `atoms` for the derivatives in it, or else the true ones."""
        return self.every_reading(text, atoms)[0]

    def every_reading(self, text: Written, atoms: Callable[[Atom], Expr | None] | None = None) -> list[Built]:
        """The formula in all ways in which it may be meant, those that can be built first."""
        every = [
            self.of_tree(reading.expression, names)
            if reading.expression is not None and not reading.problems
            else Built(None, None, reading.problems)
            for content in self.sheet.contents(text)
            for names in self._meanings(content, self.names_in(content, atoms))
            for reading in self._readings(content, names)
        ]
        shown = self.sheet.atoms.shown
        every = [built._replace(problems=[*map(shown, built.problems)]) for built in every]
        return sorted(every, key=lambda built: built.expr is None)

    def _readings(self, content: Written, names: Mapping[str, Expr]) -> list[Reading]:
        """The readings of a formula by its names' shapes; in index notation, products are of numbers."""
        by_element = self.sheet.axes is not None
        shapes: dict[str, Shape | None] = {
            name: () if by_element else expr.shape
            for name, expr in names.items()
            if name[:1] in content.content or not content.content.isascii()
        }
        return self._read(content, Known(shapes), by=frozenset(shapes.items()))

    def _read(self, content: Written, known: Known, by: frozenset[object] | None) -> list[Reading]:
        key = content.source.name, *content.offsets[:1], content.content, by
        if key not in self.sheet.read:
            self.sheet.read[key] = readings(content, known)
        return self.sheet.read[key]

    def _meanings(self, content: Written, names: dict[str, Expr]) -> Iterator[dict[str, Expr]]:
        """The names; where `I` is no name, it is the identity matrix, of each length there is."""
        if "I" not in names and _IDENTITY.search(content.content):
            lengths = {length for shape in self.input_shapes.values() for length in shape}
            for length in sorted(lengths):
                yield {**names, "I": self.graph.constant(np.eye(length))}
        yield names

    def names_in(
        self, content: Written, atoms: Callable[[Atom], Expr | None] | None = None
    ) -> dict[str, Expr]:
        """The nodes behind the names, and behind the letters of the derivatives in a prepared formula."""
        letters = {
            letter: self.spread(atoms(atom), "".join(atom.indices)) if atoms else self.by_index(atom)
            for atom, letter in self.sheet.atoms.letters.items()
            if letter in content.content
        }
        if (axes := self.sheet.axes) is not None and self.exprs:
            letters |= {
                letter: axes.node(indexed, self.exprs, self.sheet.index_lengths)
                for indexed, letter in axes.letters.items()
                if letter in content.content
            }
        return {**self.exprs, **{letter: expr for letter, expr in letters.items() if expr is not None}}

    def names_in_letters(self) -> dict[str, Expr]:
        """The nodes behind the letters of all derivatives met."""
        every = {letter: self.by_index(atom) for atom, letter in self.sheet.atoms.letters.items()}
        if (axes := self.sheet.axes) is not None:
            every |= {
                letter: axes.node(indexed, self.exprs, self.sheet.index_lengths)
                for indexed, letter in axes.letters.items()
            }
        return {letter: expr for letter, expr in every.items() if expr is not None}

    def of_tree(self, expression: Expression, names: Mapping[str, Expr]) -> Built:
        """The node of a tree."""
        problems: list[Diagnostic] = []
        if self.sheet.axes is not None:
            expression = self.sheet.axes.along_axes(expression)
        elif DOT_SIGN in expression.text.content:
            expression = with_numbers_times({name: expr.shape for name, expr in names.items()}, expression)
        expr = build(expression, self.graph, names, problems.append)
        return Built(expression, None if problems else expr, problems)

    @cached_property
    def output(self) -> str | None:
        """The result that no other uses: the last one of them that is a number, if any is.

        None where an equation could not be read: it may be the one of the output.
        """
        if self.problems:
            return None
        used = {name for one in self.sheet.equations for name in self.sheet_uses(one)}
        ends = [name for name in self.sheet.equations if name not in used and name in self.exprs]
        numbers = [name for name in ends if not self.exprs[name].shape]
        return next(reversed(numbers or ends), None)

    # --- derivatives ---

    def gradient(self, atom: Atom) -> Expr | None:
        """The derivative as a node; None where a name is unknown."""
        if atom not in self._gradients:
            self._gradients[atom] = self._derived(atom)
        return self._gradients[atom]

    def ends(self, atom: Atom) -> tuple[Expr, list[Expr]] | None:
        """What is derived, and by what."""
        if atom.of in self.problems:
            return None
        of = atom.of if atom.of in self.exprs else self.output if self._is_loss(atom.of) else None
        if of is None or any(name not in self.exprs for name in atom.by):
            return None
        return self.exprs[of], [self.exprs[name] for name in atom.by]

    def _is_loss(self, name: str | None) -> bool:
        usual = ("L", "l", "loss", "Loss", "J", "E", "C", "cost", "Cost", "ell", "mathcalL")
        return name is None or (name in usual and name not in self.sheet.inputs)

    def _derived(self, atom: Atom) -> Expr | None:
        if atom.formula:
            return self._of_formula(atom)
        ends = self.ends(atom)
        if ends is None:
            return None
        of, by = ends
        for node in by:
            of = with_node(of, node)
            if of.id == node.id:
                of = self.graph.constant(np.ones(of.shape))
                continue
            if of.shape and not self.is_like(of, node):
                return self.jacobian(atom, of, node) if len(by) == 1 else None
            of = grad(of, [node], self.graph.constant(np.ones(of.shape)))[0]
        return of

    def _of_formula(self, atom: Atom) -> Expr | None:
        """d/dx of a formula; a function, or its derivative, at one."""
        inner = self.built(self.sheet.atoms.formulas[atom.formula]).expr
        if inner is None or (atom.of is None and atom.by[0] not in self.exprs):
            return None
        if atom.of is None:
            node = self.exprs[atom.by[0]]
            return grad(inner, [node], self.graph.constant(np.ones(inner.shape)))[0]
        place = self.graph.add(OPS["identity"], inner)
        result = self._called(atom.of, place)
        for _ in atom.by:
            result = (
                None
                if result is None
                else grad(result, [place], self.graph.constant(np.ones(result.shape)))[0]
            )
        return result

    def _called(self, name: str, place: Expr) -> Expr | None:
        """The function `name` with a node in place of its argument, in all equations that it uses."""
        (arg,) = self.sheet.functions.get(name) or self.sheet.derived_at[name]
        names = self._rebuilt({arg: place}, name)
        return names.get(name)

    def _rebuilt(self, replaced: Mapping[str, Expr], last: str | None = None) -> dict[str, Expr]:
        """All names, with other nodes for some, and for what depends on these, up to the equation `last`."""
        names = {**self.exprs, **replaced}
        for other in self.order():
            if other in replaced:
                continue
            text = self.sheet.prepared(self.sheet.equations[other])
            inside = {**self.names_in(text), **names}
            tree = tree_of(text, Known({one: expr.shape for one, expr in inside.items()}))
            moved = tree and any(
                one in names and names[one] is not self.exprs.get(one) for one in tree.names()
            )
            expr = self.of_tree(tree, inside).expr if tree and moved else None
            if expr is not None:
                names[other] = expr
            if other == last:
                break
        return names

    def with_local_claims(self, atom: Atom, claims: Mapping[Atom, Expr]) -> Expr | None:
        """The derivative if the `claims` on derivatives of single steps, ∂u/∂v, were right.

        Each u is replaced by what has its value and the claimed slope: u₀ + c₀ (v - v₀).
        """
        ends = self.ends(atom)
        if ends is None or len(atom.by) != 1:
            return None
        replaced: dict[str, Expr] = {}
        for claim, slope in claims.items():
            of, (node,) = self.exprs[claim.of or ""], (self.exprs[name] for name in claim.by)
            if slope.shape not in ((), of.shape) or of.shape != node.shape:
                return None
            replaced[claim.of or ""] = self._held(of) + self._held(slope) * (node - self._held(node))
        names = self._rebuilt(replaced)
        top = next((name for name, expr in self.exprs.items() if expr.id == ends[0].id), None)
        if top is None or names[top].shape:
            return None
        return grad(names[top], [names[atom.by[0]]])[0]

    def _held(self, expr: Expr) -> Expr:
        """An input that has the value of a node, and no derivative."""
        place = self.graph.input(expr.shape)
        self.held[place.id] = expr.id
        return place

    def is_like(self, of: Expr, node: Expr) -> bool:
        """Is each element derived by one element alone?"""
        return of.shape == node.shape and is_elementwise(self.graph, of.id, node.id)

    def jacobian(self, atom: Atom, of: Expr, node: Expr) -> Expr | None:
        """A stand-in for ∂of/∂node of arrays, of shape (elements of `of`, elements of `node`), or of `of`."""
        if len(of.shape) > 1 or len(node.shape) > 1:
            return None
        return self.stand_in(self.rows_of(of, node), (*of.shape, *node.shape))

    def by_index(self, atom: Atom) -> Expr | None:
        """∂of/∂by of elements, in index notation: ∂z_i/∂w_ij has a value for each i and j."""
        axes, ends, (top, bottom) = self.sheet.axes, self.ends(atom), atom.indices
        below = top + bottom
        if axes is None or ends is None or atom.formula or not top or len(ends[1]) != 1:
            return self.spread(self.gradient(atom), below)
        of, node = ends[0], ends[1][0]
        lengths = self.sheet.index_lengths
        shape = (*of.shape, *node.shape)
        known = all(letter.isdigit() or letter in lengths for letter in below)
        if (len(top), len(bottom)) != (len(of.shape), len(node.shape)) or not known or not of.shape:
            return None
        if atom not in self._by_index:
            letters = [letter for letter in dict.fromkeys(below) if letter.isalpha()]
            grid = np.indices([lengths[letter] for letter in letters])
            at = [grid[letters.index(one)] if one.isalpha() else np.array(int(one) - 1) for one in below]
            if any(np.min(one) < 0 or np.max(one) >= length for one, length in zip(at, shape, strict=True)):
                return None
            flat = np.ravel_multi_index(at[: len(top)], of.shape)
            array = self.stand_in(self.rows_of(of, node), grid.shape[1:], (flat, *at[len(top) :]))
            self._by_index[atom] = axes.spread(array, "".join(letters))
        return self._by_index[atom]

    def direct(self, atom: Atom) -> Expr | None:
        """The derivative by an argument in the equation itself, with all other names in it held fixed."""
        if len(atom.by) != 1 or atom.of not in self.sheet.equations or self.ends(atom) is None:
            return self.gradient(atom)
        held = {name: self.graph.input(expr.shape) for name, expr in self.exprs.items()}
        node = held[atom.by[0]]
        text = self.sheet.prepared(self.sheet.equations[atom.of])
        tree = tree_of(text, Known({name: expr.shape for name, expr in held.items()}))
        of = self.of_tree(tree, held).expr if tree else None
        if of is None or (of.shape and not self.is_like(of, node)):
            return self.gradient(atom)
        result = grad(of, [node], self.graph.constant(np.ones(of.shape)))[0]
        for name, expr in held.items():
            self.held[expr.id] = self.exprs[name].id
        return result

    def through(self, first: Expr, links: Sequence[Atom]) -> Expr | None:
        """The gradient `first` carried through ∂u/∂v · ∂v/∂w …, by reverse passes."""
        for atom in links:
            ends = self.ends(atom)
            if ends is None or len(ends[1]) != 1 or ends[0].shape != first.shape:
                return None
            first = grad(ends[0], ends[1], first)[0]
        return first

    def carried(self, atom: Atom, claimed: Mapping[int, Expr]) -> Expr | None:
        """What the derivative would be if the `claimed` gradients of the same output were right."""
        ends = self.ends(atom)
        if ends is None or len(ends[1]) != 1 or (ends[0].shape and not self.is_like(ends[0], ends[1][0])):
            return None
        of, (node,) = ends
        known = {
            at: expr for at, expr in claimed.items() if at != node.id and expr.shape == self.graph.shapes[at]
        }
        if not known or of.id == node.id:
            return None
        seed = self.graph.constant(np.ones(of.shape))
        return reverse(of, [node], seed, known=known).gradient(node.id)
