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
from bpx.spec.practice.cells.cells import Cell as Worked
from bpx.spec.practice.cells.cells import Kind
from bpx.spec.practice.cells.rounding import written
from bpx.spec.practice.cells.spec_text import text_of_spec
from bpx.spec.practice.exercise import Exercise
from bpx.words.say import say

BLANK = "?"
HIDDEN = "·"
WHOLE = "—"  # for the local derivative of an op that gives its contribution as a whole
_LEGEND = {"hidden": HIDDEN, "whole": WHOLE}
_LINE = "_" * 24


@dataclass(frozen=True, eq=False)
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
        task = say(f"practice.task-{kind}", count=count, digits=exercise.digits)
        marks = sum(cell == BLANK for _, _, rows in self._passes for row in rows for cell in row)
        return f"{task} {say('practice.marked-again')}" if kind == "fill" and marks > count else task

    def tables(self) -> Iterator[Block]:
        """Both passes and the new parameters; what else stands in cells than numbers is explained."""
        for heading, keys, rows in self._passes:
            yield Heading(heading)
            yield table(keys, rows)
        signs = {cell for _, _, rows in self._passes for row in rows for cell in row if isinstance(cell, str)}
        legend = tuple(say(f"practice.legend-{key}") for key, sign in _LEGEND.items() if sign in signs)
        if legend:
            yield Lines(legend)

    @cached_property
    def _passes(self) -> list[tuple[str, list[str], list[list[Cell]]]]:
        """The heading, the columns and the rows of each table."""
        forward = self._forward_rows()
        shapes = any(row[2] for row in forward)
        tables = [
            (
                say("account.forward"),
                ["node", "formula", *(["shape"] if shapes else []), "value"],
                forward if shapes else [[*row[:2], *row[3:]] for row in forward],
            )
        ]
        reverse = [] if self.exercise.ends_alone and not self.with_key else self._reverse_rows()
        if reverse:
            keys = ["quantity", "value"] if self._is_tall else ["upstream", "local", "contribution"]
            tables.append((say("account.reverse", seed=self._seed()), ["edge", *keys], reverse))
        if updates := self._update_rows():
            heading = say("account.step", rate=self.exercise.workings.rate)
            tables.append((heading, ["parameter", "gradient", "new-value"], updates))
        return tables

    def _seed(self) -> str:
        """What the reverse pass begins with."""
        workings = self.exercise.workings
        output = workings.query.output
        return f"{workings.partial(output, output)} = {array(np.asarray(workings.query.seed), SHOWN_DIGITS)}"

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
                name, parts = workings.partial(workings.query.output, cell.node), say("account.the-sum")
                total = self._cell(cell.key)
                rows.append([name, parts, total] if self._is_tall else [name, "", parts, total])
            elif self._is_tall:
                rows += self._tall_rows(cell, cell.edge)
            else:
                upstream = self._cell(workings.gradient_keys[cell.edge.consumer])
                local = self._local(cell, cell.edge) or WHOLE
                rows.append([_edge_name(self.exercise, cell.edge), upstream, local, self._cell(cell.key)])
        return rows

    @cached_property
    def _is_tall(self) -> bool:
        """Has an edge a row for each quantity? Matrices side by side do not fit a terminal."""
        workings = self.exercise.workings
        edges = [cell for cell in workings.cells.values() if cell.edge]
        return any(len(workings.shape_of(cell)) > 1 for cell in edges)

    def _tall_rows(self, cell: Worked, edge: Edge) -> list[list[Cell]]:
        """An edge in several rows; an upstream array that stands above is called by its name."""
        workings = self.exercise.workings
        key = workings.gradient_keys[edge.consumer]
        upstream = workings.cells[key]
        above = workings.shape_of(upstream) and upstream.needs
        local = self._local(cell, edge)
        quantities: list[tuple[str, Cell]] = [
            ("upstream", say("account.above", name=key) if above else self._cell(key)),
            *([("local", local)] if local else []),
            ("contribution", self._cell(cell.key)),
        ]
        names: list[Cell] = [_edge_name(self.exercise, edge), *[""] * len(quantities)]
        return [
            [name, say(f"account.{quantity}"), value]
            for name, (quantity, value) in zip(names, quantities, strict=False)
        ]

    def _local(self, cell: Worked, edge: Edge) -> Cell | None:
        """The local derivative, which is the contribution where upstream is 1; None where there is none."""
        workings = self.exercise.workings
        key = workings.local_keys.get(edge)
        if (
            key is None
            and edge.local is not None
            and workings.graph.shapes[edge.local] == workings.shape_of(cell)
        ):
            key = cell.key if np.all(np.asarray(workings.query.seed) == 1) else None
        return self._cell(key) if key else None

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
