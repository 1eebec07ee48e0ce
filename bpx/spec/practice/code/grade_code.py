"""Judging a mended backward pass: each of its statements by what the right one makes of the same values.

Where the statements are others than those of the sheet, the gradient check judges the file as a whole.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bpx.check.patterns.twins import twin_of
from bpx.check.report.blame import Blame, Mistake
from bpx.check.report.blocks import blame_title, details
from bpx.check.report.notes import about_twin
from bpx.check.report.options import HintLevel
from bpx.check.report.report import Report
from bpx.render.blocks import Cell
from bpx.spec.practice.cells.rounding import equal, written
from bpx.spec.practice.cells.verdicts import Judged, Judgement, Verdict
from bpx.spec.practice.code.code_exercise import CodeExercise, Names
from bpx.spec.practice.code.code_sheet import FilledCodeSheet
from bpx.spec.practice.code.statements import BACKWARD, Statement, statements_of
from bpx.words.diagnostic import BpxError, Diagnostic, Span
from bpx.words.say import say

_POINTS = 3  # that a statement is judged in
_MOVED = 0.2  # relative: how far they lie from the given one
_MOST_SLIPS = 3  # that are named for one statement


@dataclass(frozen=True)
class CodeGrading(Judged):
    """The judgements of a file, by what a statement sets; `report` is the gradient check's, if it ran.

    None of its slips counts as mended where something else is wrong with the whole.
    """

    exercise: CodeExercise
    statements: tuple[Statement, ...] = ()
    places: tuple[int, ...] = ()  # of the judgements' statements
    report: Report | None = None

    @property
    def of(self) -> int:
        """How many slips there are."""
        return self.exercise.plant

    def hints(self, judgement: Judgement, level: HintLevel) -> Iterator[Cell]:
        """The sentences of all hints up to a level."""
        if self.report is not None:
            for culprit in self.report.hint(level).blame[:1]:
                yield blame_title(culprit, of_code=True)
                yield from details(culprit)
            return
        at = self.places[self.judgements.index(judgement)]
        yield from _hints(self, at, judgement, level)


def grade_code(sheet: FilledCodeSheet) -> CodeGrading:
    """Judge a file."""
    exercise = sheet.exercise
    try:
        arguments, own = statements_of(sheet.source.text)
    except SyntaxError:  # it ran: what it calls backward is no function of its own
        arguments, own = [], []
    if [one.sets for one in own] != [one.sets for one in exercise.statements]:
        return _by_gradients(sheet)
    judged = _judged(sheet, arguments, own)
    return CodeGrading(tuple(judged.values()), exercise, tuple(own), tuple(judged))


# --- statement by statement ---------------------------------------------------------------------


class _Point(NamedTuple):
    """The names of both backward functions at some values of the inputs."""

    own: Names
    right: Names


def _judged(
    sheet: FilledCodeSheet, arguments: Sequence[str], own: Sequence[Statement]
) -> dict[int, Judgement]:
    """The judgements by place; a statement that is right and was so on the sheet has none."""
    exercise, judged = sheet.exercise, dict[int, Judgement]()
    planted = {plant.at: plant for plant in exercise.planted}
    keys = _keys(own)
    points = [
        _Point(dict(zip(arguments, passed.values(), strict=False)), passed) for passed in _passed(exercise)
    ]
    for at, (statement, right) in enumerate(zip(own, exercise.statements, strict=True)):
        judgement = Judgement(keys[at], Verdict.RIGHT, statement.text)
        before = deepcopy([point.own for point in points])
        try:
            values = [statement.run(vars(sheet.module), point.own) for point in points]
        except Exception as error:  # whatever somebody's code raises
            problem = _raised(sheet, statement, error)
            judged[at] = judgement._replace(verdict=Verdict.INVALID, problems=(problem,))
            break
        if _holds(exercise, right, before, values):
            judged |= {at: judgement} if at in planted else {}
        elif at in planted and _same_code(statement.text, planted[at].text):
            missed = judgement._replace(verdict=Verdict.MISSED, mistakes=(planted[at].mistake,))
            judged[at] = missed
        else:
            mistakes = _slips_in(exercise, at, before, values)
            innocent = at not in planted
            judged[at] = judgement._replace(verdict=Verdict.WRONG, mistakes=mistakes, innocent=innocent)
    left = [at for at in planted if at not in judged]
    judged |= {at: Judgement(keys[at], Verdict.MISSED, own[at].text, (planted[at].mistake,)) for at in left}
    return dict(sorted(judged.items()))


def _keys(statements: Sequence[Statement]) -> list[str]:
    """What each sets, numbered where that is set again."""
    keys: list[str] = []
    for at, statement in enumerate(statements):
        before = sum(other.sets == statement.sets for other in statements[:at])
        keys.append(f"{statement.sets} ({before + 1})" if before else statement.sets)
    return keys


def _passed(exercise: CodeExercise) -> list[Names]:
    """The arguments of backward at the given values, and at others; targets and ids keep their own."""
    rng = np.random.default_rng(0)
    roles = {leaf.name: leaf.role for leaf in exercise.spec.inputs}
    passed = [exercise.passed(exercise.inputs)]
    for _ in range(_POINTS - 1):
        inputs = {
            name: value
            if roles.get(name) == "target" or np.asarray(value).dtype.kind != "f"
            else value * (1 + _MOVED * rng.uniform(-1, 1, np.shape(value)))
            for name, value in exercise.inputs.items()
        }
        passed.append(exercise.passed(inputs, lambda shape: rng.normal(size=shape)))
    return passed


def _holds(exercise: CodeExercise, right: Statement, before: Sequence[Names], values: Sequence[Any]) -> bool:
    """Does the right statement make the same of the same values?"""
    with np.errstate(all="ignore"):
        try:
            wanted = [right.run(exercise.scope, deepcopy(names)) for names in before]
        except Exception:  # what is above is no array that it can work with
            return False
    return all(map(_alike, values, wanted))


def _alike(value: Any, wanted: Any) -> bool:
    """Are two results the same up to rounding, those in dicts and tuples one by one?"""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(_alike(value[key], wanted[key]) for key in wanted)
        )
    if isinstance(wanted, tuple):
        return isinstance(value, tuple) and len(value) == len(wanted) and all(map(_alike, value, wanted))
    try:
        number = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return number.shape == np.shape(wanted) and equal(number, np.asarray(wanted, dtype=np.float64))


def _same_code(text: str, other: str) -> bool:
    return ast.dump(ast.parse(text)) == ast.dump(ast.parse(other))


def _slips_in(
    exercise: CodeExercise, at: int, before: Sequence[Names], values: Sequence[Any]
) -> tuple[Mistake, ...]:
    """The slips in the right statement that give these values; none where many do."""
    found = []
    for plant in exercise.slips[at]:
        tree = ast.parse(plant.text).body[0]
        statement = exercise.statements[at]._replace(text=plant.text, tree=tree)
        if _holds(exercise, statement, before, values):
            found.append(plant.mistake)
    named = tuple(dict.fromkeys(found))
    return named if len(named) <= _MOST_SLIPS else ()


def _raised(sheet: FilledCodeSheet, statement: Statement, error: Exception) -> Diagnostic:
    start = sheet.source.text.find(statement.text)
    span = Span(sheet.source, max(start, 0), max(start, 0) + len(statement.text))
    facts = {"name": sheet.name, "kind": type(error).__name__, "reason": str(error)}
    return Diagnostic("file-raised", span, facts)


# --- as a whole -----------------------------------------------------------------------------------


def _by_gradients(sheet: FilledCodeSheet) -> CodeGrading:
    """By the gradients alone: all slips are mended, or the check says where something is wrong."""
    from bpx.spec.code.target import check_code, read_code

    exercise = sheet.exercise
    judgement = Judgement(BACKWARD, Verdict.RIGHT)
    try:
        if not _keeps_forward(sheet):
            raise BpxError([Diagnostic("forward-changed", None, {"name": sheet.name})])
        report = check_code(read_code(f"{sheet.name}:forward,{BACKWARD}", {}))
    except BpxError as error:
        invalid = judgement._replace(verdict=Verdict.INVALID, problems=error.diagnostics)
        return CodeGrading((invalid,), exercise)
    if report.verdict == "agree":
        keys = _keys(exercise.statements)
        return CodeGrading(tuple(judgement._replace(key=keys[one.at]) for one in exercise.planted), exercise)
    return CodeGrading((judgement._replace(verdict=Verdict.WRONG),), exercise, report=report)


def _keeps_forward(sheet: FilledCodeSheet) -> bool:
    """Does forward still compute what it did?"""
    forward = getattr(sheet.module, "forward", None)
    inputs = {name: value * 1.1 for name, value in sheet.exercise.inputs.items()}
    wanted = sheet.exercise.scope["forward"](**inputs)[0]
    try:
        return forward is not None and _alike(forward(**inputs)[0], wanted)
    except Exception:  # whatever somebody's code raises
        return False


# --- hints ----------------------------------------------------------------------------------------


def _hints(grading: CodeGrading, at: int, judgement: Judgement, level: HintLevel) -> Iterator[Cell]:
    statement, right = grading.statements[at], grading.exercise.statements[at]
    is_missed = judgement.verdict is Verdict.MISSED
    key = "code-was-right" if judgement.innocent else "code-missed" if is_missed else "code-place"
    yield say(f"practice.{key}", line=statement.line, text=statement.text)
    is_told = level >= HintLevel.FORMULA
    kinds = dict.fromkeys(
        (mistake if is_told else mistake.hint(level)).text for mistake in judgement.mistakes
    )
    if level >= HintLevel.KIND:
        named = say("practice.hint-kind", mistake=say("word.or").join(kinds))
        yield named if kinds else say("practice.hint-no-kind")
    if level >= HintLevel.PATTERN and judgement.mistakes:
        own = np.ravel(grading.exercise.values[at]).tolist() if right.sets_a_name else ()
        twin = twin_of(Blame(statement.sets, "", None, None, judgement.mistakes), own)
        yield from about_twin(twin) if twin else ()
    if level >= HintLevel.FORMULA:
        yield say("practice.code-right", text=right.text)
    if level >= HintLevel.NUMBERS and right.sets_a_name:
        value = written(np.asarray(grading.exercise.values[at]), grading.exercise.digits + 1)
        yield say("practice.code-number", name=right.sets, value=value)
