"""Judging answers: each by what its cell's rule makes of the learner's own values above it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.spec.practice.cells.answers import Answer, read_answer
from bpx.spec.practice.cells.cells import Cell, Kind, Values, Workings
from bpx.spec.practice.cells.rounding import equal, same, shown_number, written_digits
from bpx.spec.practice.cells.verdicts import Judged, Judgement, Verdict
from bpx.spec.practice.exercise import Exercise
from bpx.spec.practice.slips.named_slips import slips
from bpx.spec.practice.slips.on_the_way import named_on_the_way, slips_on_the_way
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span

_POINTS = 3  # further points that a formula must hold in
_ROUNDED = 0.5  # units of the last digit: how far a rounded number is from what it was rounded from
_MOVED = 0.2  # relative: how far these lie from the values of the exercise


@dataclass(frozen=True)
class Grading(Judged):
    """The judgements of an exercise, in the order of its cells."""

    exercise: Exercise

    @property
    def of(self) -> int:
        """How many answers there should be."""
        return len(self.exercise.key())


def grade(exercise: Exercise, texts: Mapping[str, SourceText]) -> Grading:
    """Judge what was typed, by key of the cell; what is not there is empty."""
    answers, judged = _read(exercise, texts)
    judge = _judge_fix if exercise.finds_mistakes else _judge_cell
    own: dict[str, Array] = {}
    wrong: set[str] = set()
    for cell in exercise.workings.cells.values():
        _work_out(exercise, cell, own)
        if cell.key in answers:
            judged[cell.key] = judge(exercise, cell, answers[cell.key], own, wrong)
    if exercise.finds_mistakes:
        missed = [key for key in exercise.planted if key not in judged]
        judged |= {key: missed_mistake(exercise, key) for key in missed}
    if exercise.ends_alone:
        judged = _along_the_way(exercise, answers, judged)
    return Grading(tuple(judged[key] for key in exercise.asked if key in judged), exercise)


def _read(
    exercise: Exercise, texts: Mapping[str, SourceText]
) -> tuple[dict[str, Answer], dict[str, Judgement]]:
    """The answers that can be read, and the judgements of the others."""
    workings = exercise.workings
    answers: dict[str, Answer] = {}
    judged: dict[str, Judgement] = {}
    for key in exercise.asked:
        text = texts.get(key)
        if text is None or not text.content.strip():
            if not exercise.finds_mistakes:
                judged[key] = Judgement(key, Verdict.EMPTY)
            continue
        try:
            answers[key] = read_answer(workings, workings.cells[key], text)
        except BpxError as error:
            judged[key] = Judgement(key, Verdict.INVALID, text.content, problems=error.diagnostics)
    return answers, judged


def _work_out(exercise: Exercise, cell: Cell, own: dict[str, Array]) -> None:
    """The cell's value as it follows from the learner's own."""
    workings = exercise.workings
    own[cell.key] = exercise.right[cell.key] if workings.is_given(cell) else workings.work_out(cell, own)


# --- cells to fill in ---------------------------------------------------------------------------


def _judge_cell(
    exercise: Exercise, cell: Cell, answer: Answer, own: dict[str, Array], wrong: set[str]
) -> Judgement:
    workings, right = exercise.workings, exercise.right[cell.key]
    expected, value = own[cell.key], _shaped(answer.of(own), right)
    judgement = Judgement(cell.key, Verdict.RIGHT, answer.text)
    if not np.isfinite(value).all():
        return judgement._replace(
            verdict=Verdict.INVALID, problems=(_problem("answer-not-finite", cell, answer),)
        )
    is_right = _agrees(answer, value, right, exercise.digits)
    if is_right and answer.is_formula:
        is_right = holds = _holds(workings, cell, answer)
        judgement = judgement._replace(only_here=not holds)
    elif not is_right and _agrees(answer, value, expected, exercise.digits):
        source = next(
            (key for key in workings.cells if key in wrong and cell.key in workings.following(key)), ""
        )
        own[cell.key] = value
        is_trivial = _is_trivial(workings, cell, own, exercise.right)
        return judgement._replace(verdict=Verdict.TRIVIAL if is_trivial else Verdict.CARRIED, because=source)
    own[cell.key] = value
    if is_right:
        return judgement
    if not answer.is_formula and (digits := _too_coarse(answer, value, right, expected, exercise.digits)):
        own[cell.key] = expected
        problem = _problem("answer-coarse", cell, answer, digits=digits)
        return judgement._replace(verdict=Verdict.INVALID, problems=(problem,))
    wrong.add(cell.key)
    named = (
        ()
        if judgement.only_here
        else named_slips(workings, cell, answer, {**own, cell.key: expected}, exercise.digits)
    )
    return judgement._replace(verdict=Verdict.WRONG, mistakes=named)


def named_slips(
    workings: Workings, cell: Cell, answer: Answer, own: Values, digits: int
) -> tuple[Mistake, ...]:
    """The slips that give a wrong answer; a formula is looked at in several points."""
    points = [
        workings.values({key: own[key] for key in own}),
        *(_samples(workings) if answer.is_formula else ()),
    ]
    claimed = [_shaped(answer.of(values), workings.work_out(cell, values)) for values in points]
    right = [workings.work_out(cell, values) for values in points]

    def fits(predicted: Mapping[int, Array]) -> bool:
        return all(
            np.shape(number) == np.shape(claimed[at])
            and _agrees(answer, claimed[at], np.asarray(number), digits, _ROUNDED)
            for at, number in predicted.items()
        ) and any(
            not _agrees(answer, right[at], np.asarray(number), digits) for at, number in predicted.items()
        )

    return slips(workings, cell, points, fits)


def _shaped(value: Array, like: Array) -> Array:
    return np.reshape(value, np.shape(like)) if np.size(value) == np.size(like) else np.asarray(value)


def _agrees(answer: Answer, value: Array, expected: Array, digits: int, units: float = 1.0) -> bool:
    return equal(value, expected) if answer.is_formula else same(value, expected, digits, units)


def _holds(workings: Workings, cell: Cell, answer: Answer) -> bool:
    """Is a formula right at other values of the inputs too?"""
    return all(equal(answer.of(values), values[cell.key]) for values in _samples(workings))


def _samples(workings: Workings) -> list[dict[str, Array]]:
    """All cells at other values of what may have other values: a target keeps its own."""
    rng = np.random.default_rng(0)
    fixed = {leaf.name for leaf in workings.spec.inputs if leaf.role == "target"}
    samples = []
    for _ in range(_POINTS):
        leaves = {
            name: value * (1 + _MOVED * rng.uniform(-1, 1, np.shape(value)))
            for name, value in workings.leaves.items()
            if name not in fixed
        }
        values = workings.values(leaves=leaves)
        if all(np.isfinite(value).all() for value in values.values()):
            samples.append(values)
    return samples


def _is_trivial(workings: Workings, cell: Cell, own: Values, right: Values) -> bool:
    """Has a wrong value above, 0 or ±1, taken the work out of a product?"""
    if cell.edge is None or cell.kind is Kind.LOCAL:
        return False
    factors = [key for key in cell.needs if workings.cells[key].kind is not Kind.VALUE]
    return any(
        np.isin(np.abs(own[key]), (0.0, 1.0)).all() and not np.isin(np.abs(right[key]), (0.0, 1.0)).all()
        for key in factors
    )


def _too_coarse(answer: Answer, value: Array, right: Array, expected: Array, digits: int) -> int:
    """The digits that are asked for, where the answer would be right to fewer."""
    for fewer in range(digits - 1, 0, -1):
        for wanted in (right, expected):
            rounded = shown_number(np.asarray(wanted), fewer)
            if np.shape(rounded) == np.shape(value) and bool(np.all(rounded == value)):
                return digits
    return 0


def _problem(code: str, cell: Cell, answer: Answer, **facts: Any) -> Diagnostic:
    return Diagnostic(code, answer.span, {"name": cell.key, "text": answer.text, **facts})


# --- gradients alone ----------------------------------------------------------------------------


def _along_the_way(
    exercise: Exercise, answers: Mapping[str, Answer], judged: Mapping[str, Judgement]
) -> dict[str, Judgement]:
    """Wrong answers with the slip in a hidden cell that explains them: all of them, or else each by itself.

    Where several slips give an answer in the digits that count, all that were written decide.
    """
    wrong = {key: answers[key] for key, one in judged.items() if one.verdict is Verdict.WRONG}
    explained: dict[str, list[tuple[str, Mistake, bool]]] = {key: [] for key in wrong}
    for cell, mistake, values in slips_on_the_way(exercise.workings, exercise.right) if wrong else ():
        for key, answer in wrong.items():
            value = _shaped(answer.of(exercise.right), values[key])
            digits = exercise.digits
            if not same(values[key], exercise.right[key], digits) and _agrees(
                answer, value, values[key], digits, _ROUNDED
            ):
                is_near = _agrees(answer, value, values[key], max(digits, written_digits(answer.text)))
                explained[key].append((cell.key, mistake, is_near))
    named: dict[str, tuple[Mistake, ...]] = dict.fromkeys(wrong, ())
    for in_all_digits in (False, True):
        fitting = {
            key: {fit[:2] for fit in fits if fit[2] or not in_all_digits} for key, fits in explained.items()
        }
        shared = set.intersection(*fitting.values()) if fitting else set()
        named = {key: named[key] or named_on_the_way(shared or fitting[key]) for key in wrong}
    return {**judged, **{key: judged[key]._replace(mistakes=named[key]) for key in wrong}}


# --- mistakes to find ---------------------------------------------------------------------------


def missed_mistake(exercise: Exercise, key: str) -> Judgement:
    """A mistake that was not found, with the slips that give the number on the sheet."""
    number, nowhere = exercise.shown[key], Span(Source(key, ""), 0, 0)
    answer = Answer("", lambda _: number, False, nowhere)
    values = {**exercise.right, **exercise.shown}
    values[key] = exercise.workings.work_out(exercise.workings.cells[key], values)
    cell = exercise.workings.cells[key]
    named = named_slips(exercise.workings, cell, answer, values, SHOWN_DIGITS - 2)
    return Judgement(key, Verdict.MISSED, mistakes=named)


def _judge_fix(
    exercise: Exercise, cell: Cell, answer: Answer, own: dict[str, Array], wrong: set[str]
) -> Judgement:
    """A correction is right by the numbers above as they should be, and as they stand on the sheet."""
    workings, key = exercise.workings, cell.key
    if key not in exercise.planted:
        source = next((other for other in exercise.planted if key in workings.following(other)), "")
        return Judgement(key, Verdict.WRONG, answer.text, because=source, innocent=True)
    on_sheet = {**exercise.right, **exercise.shown}
    for values in (exercise.right, {**on_sheet, key: workings.work_out(cell, on_sheet)}):
        if _agrees(answer, _shaped(answer.of(values), values[key]), values[key], exercise.digits):
            return Judgement(key, Verdict.RIGHT, answer.text)
    return Judgement(
        key,
        Verdict.WRONG,
        answer.text,
        named_slips(workings, cell, answer, dict(exercise.right), exercise.digits),
    )
