"""Hints: how much is said of a wrong answer; below the level of the formula nothing gives it away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpx.check.patterns.twins import twin_of
from bpx.check.report.blame import Blame, Mistake
from bpx.check.report.notes import about_twin
from bpx.check.report.options import HintLevel
from bpx.explain.ops.op_reference import pattern_text
from bpx.graph.graph import OPS
from bpx.render.blocks import Cell
from bpx.spec.practice.cells.cells import Cell as Asked
from bpx.spec.practice.cells.cells import Kind
from bpx.spec.practice.cells.rounding import written
from bpx.spec.practice.cells.verdicts import Judgement, Verdict
from bpx.spec.practice.exercise import Exercise
from bpx.spec.practice.slips.twins import CellTwin, cell_twin
from bpx.words.say import say

_DIGITS = 4  # of the numbers of a twin


def hints(exercise: Exercise, judgement: Judgement, level: HintLevel) -> Iterator[Cell]:
    """The sentences of all hints up to a level."""
    cell = exercise.workings.cells[judgement.key]
    if judgement.innocent:
        yield from _of_innocent(judgement, level)
        return
    key = "missed-place" if judgement.verdict is Verdict.MISSED else "hint-place"
    yield say(f"practice.{key}", cell=cell.key, meaning=exercise.workings.described(cell))
    if level >= HintLevel.KIND:
        yield from _of_kind(judgement, level)
    if level >= HintLevel.PATTERN:
        yield pattern(exercise, cell)
        yield from _twin(exercise, cell, judgement)
    if level >= HintLevel.FORMULA:
        yield say("practice.hint-formula", cell=cell.key, formula=str(exercise.workings.formula(cell)))
    if level >= HintLevel.NUMBERS:
        yield _numbers(exercise, cell)


def explained(exercise: Exercise, cell: Asked) -> Iterator[Cell]:
    """Why a cell is what it is: the rule, the formula and the number."""
    yield pattern(exercise, cell)
    yield say("practice.hint-formula", cell=cell.key, formula=str(exercise.workings.formula(cell)))
    yield _numbers(exercise, cell)


def _numbers(exercise: Exercise, cell: Asked) -> str:
    value = written(exercise.right[cell.key], exercise.digits + 1)
    return say("practice.hint-numbers", cell=cell.key, value=value)


def _of_innocent(judgement: Judgement, level: HintLevel) -> Iterator[Cell]:
    key = "innocent-because" if judgement.because and level >= HintLevel.FORMULA else "innocent"
    yield say(f"practice.{key}", cell=judgement.key, because=judgement.because)


def _of_kind(judgement: Judgement, level: HintLevel) -> Iterator[Cell]:
    if judgement.only_here:
        yield say("practice.only-here")
    said = dict.fromkeys(named(mistake, level).text for mistake in judgement.mistakes)
    if said:
        yield say("practice.hint-kind", mistake=say("word.or").join(said))
    elif not judgement.only_here:
        yield say("practice.hint-no-kind")


def named(mistake: Mistake, level: HintLevel) -> Mistake:
    """A slip as it is named: in full unless that gives the answer away, as a formula put right does."""
    if level >= HintLevel.FORMULA or not any(name == "right" for name, _ in mistake.facts):
        return mistake
    return mistake.hint(HintLevel.KIND)


def pattern(exercise: Exercise, cell: Asked) -> str:
    """The rule of a cell in words."""
    if cell.kind in (Kind.VALUE, Kind.UPDATE):
        return say(f"practice.pattern-{cell.kind.value}")
    if cell.edge is None:
        return say("practice.pattern-sum")
    op = exercise.workings.graph.ops[cell.edge.consumer]
    sentence = (
        pattern_text(OPS[op.name], {cell.edge.position})
        if op.name in OPS
        else say("pattern-of-rule.stated", op=op.name)
    )
    if (
        cell.kind is Kind.LOCAL
        or cell.edge.local is None
        or cell.edge.consumer == exercise.workings.query.output
    ):
        return sentence
    return say("practice.pattern-product")


def _twin(exercise: Exercise, cell: Asked, judgement: Judgement) -> Iterator[Cell]:
    """The same slip in other numbers than those of the exercise."""
    if not judgement.mistakes:
        return
    right = exercise.right[cell.key]
    if cell.kind in (Kind.VALUE, Kind.UPDATE) or cell.edge is None:
        found = cell_twin(exercise.workings, cell, judgement.mistakes[0], right)
        yield from _about_cell(cell, found) if found else ()
        return
    op = exercise.workings.graph.ops[cell.edge.consumer].name
    names = exercise.workings.query.names()
    blame = Blame(names.get(cell.node, ""), op, None, None, judgement.mistakes)
    if twin := twin_of(blame, np.ravel(right).tolist()):
        yield from about_twin(twin)


def _about_cell(cell: Asked, twin: CellTwin) -> Iterator[Cell]:
    above = say("word.comma").join(f"{key} = {written(value, _DIGITS)}" for key, value in twin.above.items())
    yield say("practice.twin", above=above)
    yield say("practice.twin-right", cell=cell.key, value=written(twin.right, _DIGITS))
    yield say("practice.twin-wrong", cell=cell.key, value=written(twin.wrong, _DIGITS))
