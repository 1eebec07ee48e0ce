"""What each statement is: an equation of the graph, a value, or a chain about something that these give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import OPS
from bpx.graph.numbers import CONSTANTS
from bpx.spec.derivations.graph.points import Sheet
from bpx.spec.derivations.text.atoms import Atom, Atoms, canonical
from bpx.spec.derivations.text.formulas import PRIMED, SUMMED, Formulas
from bpx.spec.derivations.text.indices import Indices
from bpx.spec.derivations.text.readings import tree_of
from bpx.spec.derivations.text.statements import Link, Statement
from bpx.spec.derivations.text.written import Written
from bpx.spec.reading.assemble import constant_value
from bpx.spec.text.printed import printed_array

_CALLED = re.compile(r"(?P<name>.+?)\s*(?:\\left)?\(\s*(?P<args>[^()=]*?)\s*(?:\\right)?\)")
_LIMIT = re.compile(r"(?:∑|Σ|\\sum)\s*(?:\\limits)?_\{[^{}]*\}\s*\^\s*\{?\s*([A-Za-z])\s*\}?")
_OPERATOR_NAMES = frozenset(OPS)


class Kind(StrEnum):
    """What a statement is about."""

    EQUATION = "equation"
    VALUE = "value"
    DERIVATIVE = "derivative"
    RESULT = "result"  # of a name that has an equation already
    FORMULA = "formula"
    UNREAD = "unread"


class Chain(NamedTuple):
    """A statement and what it is; of an equation, the first link is what defines it."""

    statement: Statement
    kind: Kind
    name: str = ""
    atom: Atom | None = None
    reason: str = ""  # why it is not read: a key of the catalogue
    value: Array | None = None  # that an input has from here on


class Reader(Formulas):
    """Reads the statements of one derivation."""

    def __init__(
        self,
        every: Sequence[Statement],
        values: dict[str, Array] | None = None,
        *,
        index_notation: bool = False,
    ) -> None:
        super().__init__()
        self.every = every
        self.contents = [
            [statement.left.content, *(link.text.content for link in statement.links)] for statement in every
        ]
        if index_notation:
            self.axes = Indices(self.contents, self.atoms)
        self.given = frozenset(values or {})  # names whose values stand, whatever the text says
        self.replaced: dict[str, Array] = {}  # values of the text in place of which others are given
        self.sheet = Sheet(
            self.atoms,
            self.equations,
            dict(values or {}),
            functions=self.functions,
            derived_at=self.derived_at,
        )
        self.sheet.prepared, self.sheet.contents = self.prepared, self.all_prepared
        self.sheet.axes = self.axes
        self.indices = {
            match[1] or match[2] or {"ᵢ": "i", "ⱼ": "j"}[match[3]]
            for statement in every
            for text in (statement.left, *(link.text for link in statement.links))
            for match in SUMMED.finditer(text.content)
        }
        self.chains: list[Chain] = []
        self.read()

    # --- the statements ---

    def read(self) -> None:
        """Find the names first, then what each statement is."""
        self._declare()
        for statement in self.every:
            self.chains.append(self._chain(statement))
        self._choose_equations()
        self._find_inputs()
        self._find_functions()

    def _find_functions(self) -> None:
        """What has one input alone may be called: f′(2)."""
        used = {name: self.names(text) for name, text in self.equations.items()}
        every = _reached(self.sheet.inputs, used)
        without_value = _reached([name for name in self.sheet.inputs if name not in self.sheet.values], used)
        for name in self.equations:
            inputs = without_value[name] or every[name]
            if len(inputs) == 1 and name not in self.functions:
                self.derived_at[name] = (inputs[0],)

    def _choose_equations(self) -> None:
        """Of several equations for a name, the one by which it depends on what it is derived by."""
        others: dict[str, list[Written]] = {}
        for chain in self.chains:
            if chain.kind in (Kind.EQUATION, Kind.RESULT):
                others.setdefault(chain.name, []).extend(link.text for link in chain.statement.links)
        for atom in [*(chain.atom for chain in self.chains), *self._inner_atoms()]:
            if atom is None or atom.formula or atom.of not in self.sheet.equations:
                continue
            if self._depends(atom.of, atom.by[0]):
                continue
            before = self.sheet.equations[atom.of]
            for text in others.get(atom.of, ()):
                if atom.of in self.names(text):
                    continue
                self.sheet.equations[atom.of] = text
                if self._depends(atom.of, atom.by[0]):
                    break
                self.sheet.equations[atom.of] = before

    def _inner_atoms(self) -> list[Atom]:
        for _ in self.texts:  # which gives each derivative its letter
            pass
        return [*self.atoms.letters]

    def _depends(self, name: str, by: str) -> bool:
        seen, waiting = set[str](), [name]
        while waiting:
            used = self.names(self.sheet.equations[waiting.pop()])
            if by in used:
                return True
            waiting += [one for one in used if one in self.sheet.equations and one not in seen]
            seen |= set(used)
        return False

    def _declare(self) -> None:
        """Names on left sides, below derivatives, and in the equations of those."""
        if self.axes is not None:
            self.known |= set(self.axes.ranks)
        lefts = [(statement, *self._left_name(statement)) for statement in self.every]
        for statement, name, args in lefts:
            if name and not self._looks_derived(name, statement):
                self.known.add(name)
                if args:
                    self.functions[name] = args
        for statement in self.every:
            for text in (statement.left, *(link.text for link in statement.links)):
                self._declare_indexed(text)
        self.atoms.nodes = self.known
        for statement in self.every:
            self._declare_below(statement)
        for statement, name, _ in lefts:
            if name in self.known:
                for used in self.names(statement.links[0].text):
                    self.known.add(used)
        for statement, name, _ in lefts:
            if name and name not in self.known and self.atoms.read(self._bare(statement.left)) is None:
                self.known.add(name)
                for used in self.names(statement.links[0].text):
                    self.known.add(used)

    def _bare(self, left: Written) -> str:
        return self.without_arguments(left).content.strip()

    def _declare_indexed(self, text: Written) -> None:
        """Names with an index over which something is summed, or that their equation has on its left."""
        for match in re.finditer(
            r"((?:\\|(?<![A-Za-z]))[A-Za-z]+|[^\W\d_])_(?:([ijk])(?!\w)|\{([ijk])\})", text.content
        ):
            if (match[2] or match[3]) in self.indices or "∑" in text.content or "Σ" in text.content:
                name = canonical(match[1])
                if name and match[1] not in ("\\sum", "\\prod", "\\delta"):
                    self.indexed.add(name)
                    self.known.add(name)
                    self.known.discard(f"{name}_{match[2] or match[3]}")

    def _declare_below(self, statement: Statement) -> None:
        """The names by which derivatives are taken are names of the graph."""
        for text in (statement.left, *(link.text for link in statement.links)):
            probe = Atoms()
            probe.nodes = self.known
            probe.put_in(self.without_arguments(text))
            for atom in probe.letters:
                self.known |= {name for name in (*atom.by, atom.of) if name}

    def _left_name(self, statement: Statement) -> tuple[str | None, tuple[str, ...]]:
        """The name that a left side is, and its arguments."""
        left = statement.left.content.strip()
        name = canonical(left)
        if name:
            base, _, index = name.rpartition("_")
            if self.axes is not None and self.axes.ranks.get(base) == len(index) and index.isalpha():
                return base, ()
            if base and index in self.indices:
                self.indexed.add(base)
                name = base
            return (name if name not in CONSTANTS or name == "e" else None), ()
        match = _CALLED.fullmatch(left)
        if not match:
            return None, ()
        name, args = (
            canonical(match["name"]),
            tuple(canonical(arg) or "" for arg in re.split(r"[,;]", match["args"])),
        )
        if not name or name in _OPERATOR_NAMES or name in ("sigma", "σ") or not all(args):
            return None, ()
        return name, args

    def _looks_derived(self, name: str, statement: Statement) -> bool:
        """Might it be a derivative, as `dz` and δ?"""
        base, _, rest = name.partition("_")
        if base in ("delta", "δ") or rest == "bar" or self._is_partial(base, rest):
            return True
        return bool(re.match(r"d[^\W\d]|grad_|∂", name)) or bool(re.search(r"['′]", name))

    def _is_partial(self, base: str, rest: str) -> bool:
        """Is it f_x, where f has an equation with x in it?"""
        return (
            len(rest) == 1
            and rest.isalpha()
            and any(
                self._left_name(other)[0] == base
                and re.search(rf"(?<![A-Za-z]){rest}(?![A-Za-z])", other.links[0].text.content)
                for other in self.every
                if other.left.content.strip()[:1] == base[:1] and "_" not in other.left.content
            )
        )

    def _chain(self, statement: Statement) -> Chain:
        name, _ = self._left_name(statement)
        bare = self._bare(statement.left)
        first = statement.links[0]
        primed = PRIMED.fullmatch(statement.left.content.strip())
        atom = (self.primed(primed) if primed else None) or self.atoms.read(bare)
        if name and name not in self.known and atom is None:
            self.known.add(name)
        if atom is None and name and self._is_alias(name, first):
            atom = self.atoms.read(self._bare(first.text))
            assert atom
            self.atoms.names[name] = atom
        if atom is not None and name not in self.known:
            return Chain(statement, Kind.DERIVATIVE, atom=atom)
        if name is None:
            return Chain(statement, Kind.FORMULA)
        if name in self.names(first.text) and name not in self.functions:
            return Chain(statement, Kind.UNREAD, name, reason="update")
        if name in self.sheet.equations:
            return Chain(statement, Kind.RESULT, name)
        value = self._value(name, first)
        if value is not None:
            self.sheet.values.setdefault(name, value)
            if not np.array_equal(self.sheet.values[name], value) and name in self.given:
                self.replaced.setdefault(name, value)
            return Chain(statement, Kind.VALUE, name, value=None if name in self.given else value)
        self.sheet.equations[name] = first.text
        self.sheet.below[name] = self.below(statement)
        return Chain(statement, Kind.EQUATION, name)

    def below(self, statement: Statement) -> str:
        """In index notation, the letters below the name on the left."""
        return self.axes.below(self._bare(statement.left)) if self.axes is not None else ""

    def _is_alias(self, name: str, link: Link) -> bool:
        """Is a name that nothing defines set equal to a derivative?"""
        return self.atoms.read(self._bare(link.text)) is not None and name not in self.sheet.equations

    def _value(self, name: str, link: Link) -> Array | None:
        """The value that a link gives to a name, where it is one of numbers."""
        printed = printed_array(re.sub(r"\s*\^\s*\{?\s*(?:T|\\top)\s*\}?$", "", link.text.content.strip()))
        if printed is not None:
            return np.asarray(printed, dtype=np.float64)
        tree = tree_of(self.prepared(link.text), self.known_names())
        if tree is None or tree.names():
            return None
        value = constant_value(name, tree, [])
        if value is not None and value.ndim == 2 and 1 in value.shape and "matrix" in link.text.content:
            return value.ravel()  # a vector, which LaTeX writes as a column
        return value

    def _find_inputs(self) -> None:
        """The names that equations use and nothing defines."""
        for name in [*self.sheet.equations]:  # a value of what has an equation is a claim on it
            self.sheet.values.pop(name, None)
        texts = [*self.sheet.equations.values()]
        for chain in self.chains:
            if chain.kind is Kind.FORMULA:
                texts += [chain.statement.left, *(link.text for link in chain.statement.links)]
        used = [name for text in texts for name in self.names(text)]
        inputs = [name for name in dict.fromkeys(used) if name not in self.sheet.equations]
        with_values = {chain.name for chain in self.chains if chain.kind is Kind.VALUE}
        self.unused = [name for name in self.given if name not in inputs and name not in with_values]
        inputs += [name for name in self.sheet.values if name not in inputs]
        self.sheet.inputs = [name for name in inputs if name not in CONSTANTS or name in self.known]
        limits = {
            match[1]
            for statement in self.every
            for link in statement.links
            for match in _LIMIT.finditer(link.text.content)
        }
        sums = any(self._sums(text) for text in self.sheet.equations.values())
        self.sheet.lengths = [
            name
            for name in self.sheet.inputs
            if name not in self.sheet.values
            and (name in limits or (sums and name in ("n", "N", "m", "M", "B") and self._divides(name)))
        ]

    def _divides(self, name: str) -> bool:
        """Does an equation divide by it, as by the n of a mean?"""
        below = re.compile(
            rf"/\s*\(?\s*2?\s*{name}(?![A-Za-z_])|\\[dt]?frac\s*(?:\{{[^{{}}]*\}}|\w)\s*(?:\{{\s*2?\s*{name}\s*\}}|{name}\b)"
        )
        return any(below.search(text.content) for text in self.sheet.equations.values())

    @staticmethod
    def _sums(text: Written) -> bool:
        return bool(re.search(r"∑|Σ|\\sum|sum\(|\\\||‖|\|\|", text.content))

    @property
    def sources(self) -> set[str]:
        """The whole texts that the statements are from."""
        return {statement.left.source.text for statement in self.every}

    @property
    def derived_by(self) -> set[str]:
        """The names by which derivatives are taken on left sides."""
        return {name for chain in self.chains if chain.atom for name in chain.atom.by}

    @property
    def texts(self) -> Iterable[str]:
        """All formulas, as they are read."""
        for statement in self.every:
            for link in statement.links:
                yield self.prepared(link.text).content


def _reached(inputs: Iterable[str], used: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Of each name that has an equation, two at most of the inputs that it depends on."""
    users: dict[str, list[str]] = {}
    for name, needed in used.items():
        for other in needed:
            users.setdefault(other, []).append(name)
    reached: dict[str, list[str]] = {name: [] for name in used}
    for first in inputs:
        waiting = [*users.get(first, ())]
        while waiting:  # what depends on two inputs has passed both on: no name is met a fourth time
            name = waiting.pop()
            if len(reached[name]) < 2 and first not in reached[name]:
                reached[name].append(first)
                waiting += users.get(name, ())
    return reached
