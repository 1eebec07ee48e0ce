"""A sheet: an exercise as blocks and as plain data, without its answers unless the key is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bpx.graph.formula import symbol
from bpx.graph.numbers import SHOWN_DIGITS, array, shape_text
from bpx.passes.reverse import Edge
from bpx.render.blocks import Block, Cell, Heading, Headline, Lines, Phrase, Value, table, title_line
from bpx.render.plain_data import quantities
from bpx.render.shown import Shown
from bpx.spec.practice.cells.cells import Kind
from bpx.spec.practice.cells.rounding import written
from bpx.spec.practice.cells.spec_text import text_of_spec
from bpx.spec.practice.exercise import Exercise
from bpx.words.say import say

BLANK = "?"
HIDDEN = "·"
_LINE = "_" * 24


@dataclass(frozen=True)
class Sheet(Shown):
    """An exercise to print, or to fill in; `with_key` writes the answers into it.

    A sheet `on_paper` has lines to write on.
    """

    kind: ClassVar[str] = "sheet"

    exercise: Exercise
    with_key: bool = False
    on_paper: bool = False

    @property
    def title(self) -> str:
        """What stands at its top."""
        return title_line(self.exercise.title) or say("practice.sheet")

    @cached_property
    def answers(self) -> dict[str, str]:
        """Key of each cell that may be answered → what stands there: nothing, or the key."""
        key = self.exercise.key() if self.with_key else {}
        return {
            cell: written(key[cell], self.exercise.digits + 1) if cell in key else ""
            for cell in self.exercise.asked
        }

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        exercise = self.exercise
        return {
            "bpx": 1,
            "kind": self.kind,
            "title": exercise.title,
            "topic": exercise.topic or None,
            "seed": exercise.seed,
            "digits": exercise.digits,
            "rate": exercise.workings.rate,
            "finds_mistakes": exercise.finds_mistakes,
            "mistakes": len(exercise.planted) if exercise.finds_mistakes else None,
            "spec": text_of_spec(exercise.workings.spec),
            "cells": [
                {
                    "key": cell.key,
                    "kind": cell.kind.value,
                    "asked": cell.key in exercise.asked,
                    **quantities(value=exercise.shown_value(cell.key)),
                }
                for cell in exercise.workings.cells.values()
            ],
            "answers": self.answers,
            "diagnostics": [],
        }

    # --- what people see ---

    def blocks(self) -> list[Block]:
        """What to do, the two tables, and room for the answers."""
        return [Headline(self.title), Lines((self.task(),)), *self.tables(), *self.answer_blocks()]

    def task(self) -> str:
        """What to do."""
        exercise = self.exercise
        kind = "find" if exercise.finds_mistakes else "gradients" if exercise.ends_alone else "fill"
        count = len(exercise.planted or exercise.asked)
        return say(f"practice.task-{kind}", count=count, digits=exercise.digits)

    def tables(self) -> Iterator[Block]:
        """Both passes, blanks as a question mark, what would give them away as a dot; the new parameters."""
        forward = self._forward_rows()
        yield Heading(say("account.forward"))
        yield table(["node", "formula", "shape", "value"], forward)
        reverse = [] if self.exercise.ends_alone and not self.with_key else self._reverse_rows()
        if reverse:
            workings = self.exercise.workings
            output = workings.query.output
            seed = (
                f"{workings.partial(output, output)} = {array(np.asarray(workings.query.seed), SHOWN_DIGITS)}"
            )
            yield Heading(say("account.reverse", seed=seed))
            yield table(["edge", "upstream", "local", "contribution"], reverse)
        updates = self._update_rows()
        if updates:
            yield Heading(say("account.step", rate=self.exercise.workings.rate))
            yield table(["parameter", "gradient", "new-value"], updates)

    def answer_blocks(self) -> Iterator[Block]:
        """A row for each cell that is asked for, or for each mistake that is to be found."""
        yield Heading(say("practice.answers"))
        workings, line = self.exercise.workings, _LINE if self.on_paper else ""
        if not self.exercise.finds_mistakes:
            rows = [
                [key, workings.described(workings.cells[key]), text or line]
                for key, text in self.answers.items()
            ]
            yield table(["cell", "meaning", "answer"], rows)
            return
        fixes = [[key, text] for key, text in self.answers.items() if text]
        empty = len(self.exercise.planted) - len(fixes)
        yield table(["wrong-cell", "right-value"], [*fixes, *([[line, line]] * empty)])

    def _forward_rows(self) -> list[list[Cell]]:
        workings, rows = self.exercise.workings, []
        roles = {leaf.node: leaf.role for leaf in workings.spec.inputs}
        for node, key in workings.value_keys.items():
            row = workings.query.node_row(node, roles.get(node), "")
            shape = shape_text(row.shape) if row.shape else ""
            name = symbol(row.name, node)
            formula: Cell = say(f"role.{row.role}") if row.role else row.formula
            rows.append([name, formula, shape, self._cell(key)])
        return rows

    def _reverse_rows(self) -> list[list[Cell]]:
        workings = self.exercise.workings
        rows: list[list[Cell]] = []
        for cell in workings.cells.values():
            if cell.kind not in (Kind.CONTRIBUTION, Kind.GRADIENT) or not cell.needs:
                continue
            if cell.edge is None:
                rows.append(
                    [
                        workings.partial(workings.query.output, cell.node),
                        "",
                        say("account.the-sum"),
                        self._cell(cell.key),
                    ]
                )
            else:
                upstream = workings.gradient_keys[cell.edge.consumer]
                rows.append(
                    [
                        _edge_name(self.exercise, cell.edge),
                        self._cell(upstream),
                        self._local(cell.edge),
                        self._cell(cell.key),
                    ]
                )
        return rows

    def _local(self, edge: Edge) -> Cell:
        key = self.exercise.workings.local_keys.get(edge)
        return self._cell(key) if key else ""

    def _update_rows(self) -> list[list[Cell]]:
        workings = self.exercise.workings
        return [
            [symbol(cell.needs[0], cell.node), self._cell(cell.needs[1]), self._cell(cell.key)]
            for cell in workings.cells.values()
            if cell.kind is Kind.UPDATE
        ]

    def _cell(self, key: str) -> Cell:
        exercise = self.exercise
        value = exercise.shown_value(key)
        if value is not None:
            return Value(value, value.size, SHOWN_DIGITS)
        if key in exercise.hidden:
            return HIDDEN
        return Value(exercise.right[key], exercise.right[key].size, SHOWN_DIGITS) if self.with_key else BLANK


def _edge_name(exercise: Exercise, edge: Edge) -> Phrase:
    named = exercise.workings.query.named
    return Phrase((named(edge.consumer), " → ", named(edge.arg)))
