"""An exercise in code: the module of a graph, and statements of its backward pass with a slip in each."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bpx.check.report.blame import Mistake
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.practice.cells.rounding import ANSWER_DIGITS, same
from bpx.spec.practice.code.code_slips import code_slips
from bpx.spec.practice.code.statements import Statement, statements_of
from bpx.spec.writing.code.module import write_module
from bpx.words.diagnostic import BpxError, Diagnostic

_TRIES = 60  # choices of statements before it is said that there is no room

Names = dict[str, Any]


class Plant(NamedTuple):
    """A slip in the statement `at` a place of the backward pass, and that statement with it."""

    at: int
    mistake: Mistake
    text: str


@dataclass(frozen=True, eq=False)
class CodeExercise:
    """The module of a graph in NumPy, `plant` of whose backward statements are wrong."""

    spec: NamedGraph
    plant: int
    seed: int = 0
    digits: int = ANSWER_DIGITS
    topic: str = ""

    @property
    def title(self) -> str | None:
        """That of the graph."""
        return self.spec.title

    @cached_property
    def module(self) -> str:
        """The module as it should be, without the check that would show which gradients are wrong."""
        return write_module(self.spec, "numpy", with_check=False)

    @cached_property
    def scope(self) -> Names:
        """What the module defines. Its text is made by bpx alone."""
        scope: Names = {"__name__": "sheet"}
        exec(compile(self.module, "<sheet>", "exec"), scope)
        return scope

    @cached_property
    def arguments(self) -> list[str]:
        """Those of backward: the upstream gradient and the cache."""
        return statements_of(self.module)[0]

    @cached_property
    def statements(self) -> list[Statement]:
        """The backward pass as it should be."""
        return statements_of(self.module)[1]

    def passed(self, inputs: Mapping[str, Any], upstream: Any = None) -> Names:
        """The arguments of backward by name, after a forward pass; the upstream gradient is 1 without one."""
        output, cache = self.scope["forward"](**inputs)
        ones = np.ones(np.shape(output)) if upstream is None else upstream(np.shape(output))
        return dict(zip(self.arguments, (ones, cache), strict=True))

    @cached_property
    def inputs(self) -> Names:
        """The values of the inputs, by their names in the module."""
        return dict(self.scope["inputs"]())

    @cached_property
    def planted(self) -> tuple[Plant, ...]:
        """The slips, by their places. Raises `BpxError` where so many find no room."""
        rng = np.random.default_rng([self.seed, self.plant])
        places = range(len(self.statements))
        for _ in range(_TRIES if self.plant <= len(places) else 0):
            chosen = sorted(rng.choice(places, self.plant, replace=False).tolist())
            found: list[Plant] = []
            for at in chosen:
                plant = self._slip_at(at, rng, {other.mistake.code for other in found})
                found += [plant] if plant else []
            if len(found) == self.plant and self._shows(found):
                return tuple(found)
        raise BpxError([Diagnostic("no-room-for-plants", None, {"count": self.plant})])

    @cached_property
    def text(self) -> str:
        """The module with the slips in it."""
        return self.with_statements({plant.at: plant.text for plant in self.planted})

    def with_statements(self, texts: Mapping[int, str]) -> str:
        """The module with other texts for some statements of its backward pass."""
        lines = self.module.split("\n")
        for at, text in texts.items():
            place = self.statements[at].line - 1
            lines[place] = lines[place].replace(self.statements[at].text, text, 1)
        return "\n".join(lines)

    # --- which slips show ---

    def _slip_at(self, at: int, rng: np.random.Generator, used: Collection[str]) -> Plant | None:
        """A slip in a statement that changes a gradient: a kind not yet used, then one of that kind."""
        by_kind: dict[str, list[Plant]] = {}
        for plant in (plant for plant in self.slips[at] if plant.mistake.code not in used):
            by_kind.setdefault(plant.mistake.code, []).append(plant)
        while by_kind:
            plants = by_kind.pop(sorted(by_kind)[int(rng.integers(len(by_kind)))])
            visible = [plant for plant in plants if self._shows([plant])]
            if visible:
                return visible[int(rng.integers(len(visible)))]
        return None

    @cached_property
    def values(self) -> list[Any]:
        """What each statement of the right backward pass sets, at the given values."""
        names = self.passed(self.inputs)
        return [statement.run(self.scope, names) for statement in self.statements]

    @cached_property
    def slips(self) -> list[list[Plant]]:
        """All slips of each statement, visible or not."""
        names = self.passed(self.inputs)
        for statement in self.statements:
            statement.run(self.scope, names)
        set_before = self._names_before()
        gradients = frozenset([self.arguments[0], *(one.sets for one in self.statements if one.sets_a_name)])
        return [
            [
                Plant(at, mistake, text)
                for mistake, text in code_slips(
                    statement.text, {name: names[name] for name in before}, gradients
                )
            ]
            for at, (statement, before) in enumerate(zip(self.statements, set_before, strict=True))
        ]

    def _names_before(self) -> Iterator[list[str]]:
        """The arrays and numbers that each statement may use."""
        known = self.arguments[:1]
        for statement in self.statements:
            yield list(known)
            names = statement.sets.rstrip(",").split(", ")
            known = [*known, *(name for name in names if name and name not in known)]

    def _shows(self, plants: Sequence[Plant]) -> bool:
        """Does each of the slips change a gradient in the digits that are asked for, with the others too?"""
        with np.errstate(all="ignore"):
            wrong = self._gradients(plants)
            return wrong is not None and all(
                self._differs(wrong, self._gradients([other for other in plants if other is not plant]))
                and self._differs(self._gradients([plant]), self._gradients([]))
                for plant in plants
            )

    def _differs(self, wrong: Names | None, right: Names | None) -> bool:
        return (
            wrong is not None
            and right is not None
            and any(not same(wrong[name], right[name], self.digits - 1 or 1) for name in right)
        )

    def _gradients(self, plants: Sequence[Plant]) -> Names | None:
        """What backward gives with these slips; None where it fails, or an array has another shape."""
        trees = list(self.statements)
        for plant in plants:
            tree = ast.parse(plant.text).body[0]
            trees[plant.at] = trees[plant.at]._replace(text=plant.text, tree=tree)
        names = self.passed(self.inputs)
        try:
            for statement in trees:
                statement.run(self.scope, names)
        except (ValueError, TypeError, IndexError):
            return None
        gradients = names["return"]
        fits = all(
            np.shape(value) == np.shape(self.inputs[name]) and np.isfinite(value).all()
            for name, value in gradients.items()
        )
        return dict(gradients) if fits else None
