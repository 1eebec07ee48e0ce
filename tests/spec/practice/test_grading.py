"""What is said of answers: right, carried, trivial, wrong with its slip, or not judged at all."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from benchmarks.practice import measure_gradients_alone, measure_slips
from rows_of_a_table import every

import bpx
from bpx.check.report.options import HintLevel
from bpx.graph.numbers import number
from bpx.spec.practice.cells.cells import Workings
from bpx.spec.practice.cells.verdicts import Judgement
from bpx.spec.practice.exercise import Exercise
from bpx.spec.practice.grade import grade
from bpx.spec.practice.hints import hints
from bpx.spec.practice.practice import exercise_on, typed
from bpx.spec.practice.results import Graded
from bpx.spec.practice.topics import TOPICS

LOGISTIC = Workings(bpx.load("logistic_regression"), 0.1)
CHAIN = ("∂a/∂z", "∂L/∂z", "∂L/∂w")


def judge(answers: dict[str, Any], workings: Workings = LOGISTIC, **options: Any) -> list[Judgement]:
    exercise = Exercise(workings, tuple(key for key in workings.cells if key in answers), **options)
    return [*grade(exercise, typed(answers)).judgements]


@every(
    "answer, verdict, codes",
    [
        ("0.113", "right", []),
        ("0.1132", "right", []),
        ("0.11318025926193101", "right", []),
        ("a*(1 - a)", "right", []),
        ("exp(-z)/(1 + exp(-z))^2", "right", []),
        (r"a \cdot (1 - a)", "right", []),
        ("0.11", "invalid", []),
        ("0.1", "invalid", []),
        ("", "empty", []),
        ("a*(1 -", "invalid", []),
        ("q", "invalid", []),
        ("∂a/∂z", "invalid", []),
        ("∂L/∂z / ∂L/∂a", "invalid", []),
        ("[1, 2]", "invalid", []),
        ("1/0", "invalid", []),
        ("0.14", "wrong", []),
        ("-0.113", "wrong", ["sign"]),
        ("0.870", "wrong", ["own-value"]),
        ("a", "wrong", ["own-value"]),
        ("-1.71", "wrong", ["at-input"]),
        ("z*(1 - z)", "wrong", ["at-input"]),
        ("1 - a^2", "wrong", ["other-op"]),
        ("a*(1 - a) + 0.001*(w[0] - 0.8)", "wrong", []),  # right here, but not in general
    ],
)
def test_one_answer(answer: str, verdict: str, codes: list[str]) -> None:
    (judgement,) = judge({"∂a/∂z": answer})
    assert judgement.verdict == verdict, judgement
    assert [mistake.code for mistake in judgement.mistakes] == codes
    assert bool(judgement.problems) == (verdict == "invalid")


def test_a_formula_that_is_right_at_this_point_alone_is_said_to_be() -> None:
    (judgement,) = judge({"∂a/∂z": "a*(1 - a) + (w[0] - 0.8)"})
    assert judgement.only_here and "not for other values" in str(
        graded(judgement_level=2, answers={"∂a/∂z": "a*(1 - a) + (w[0] - 0.8)"})
    )


def graded(judgement_level: int, answers: dict[str, Any]) -> Graded:
    exercise = Exercise(LOGISTIC, tuple(key for key in LOGISTIC.cells if key in answers))
    return Graded((("sheet", grade(exercise, typed(answers))),), HintLevel(judgement_level))


def test_an_error_is_carried_forward_and_punished_once() -> None:
    local, of_z, of_w = judge({"∂a/∂z": "0.25", "∂L/∂z": -0.2874, "∂L/∂w": [-0.4311, 0.1437]})
    assert [judgement.verdict for judgement in (local, of_z, of_w)] == ["wrong", "carried", "carried"]
    assert of_z.because == of_w.because == "∂a/∂z"
    assert of_z.counts and not local.counts


def test_no_credit_for_a_step_that_the_error_made_trivial() -> None:
    for wrong, then in (("1", "-1.1496"), ("0", "0"), ("-1", "1.1496")):
        local, of_z = judge({"∂a/∂z": wrong, "∂L/∂z": then})
        assert (local.verdict, of_z.verdict) == ("wrong", "trivial")
        assert not of_z.counts


def test_right_values_after_a_wrong_one_are_right() -> None:
    assert [j.verdict for j in judge({"∂a/∂z": "0.3", "∂L/∂z": "-0.1301"})] == ["wrong", "right"]


def test_rounding_of_earlier_answers_is_tolerated() -> None:
    exercise = exercise_on("two-layer-network", seed=1, blanks="all")
    own: dict[str, Any] = {}
    workings = exercise.workings
    for key in exercise.asked:
        needs = {**exercise.right, **own}
        own[key] = float(number(float(workings.work_out(workings.cells[key], needs)), 3))
    assert grade(exercise, typed(own)).is_right


def test_steps_of_gradient_descent() -> None:
    spec = bpx.load(
        'bpx = 1\n[inputs]\nx = 1.5\nw = { value = 0.4, role = "parameter" }\n[graph]\nL = "(w*x - 2)^2"\n'
    )
    workings = Workings(spec, 0.1)
    for answer, verdict, code in (
        ("0.82", "right", None),
        ("w - 0.1 * ∂L/∂w", "right", None),
        ("-0.02", "wrong", "update-plus"),
        ("4.6", "wrong", "rate-missing"),
        ("0.420", "wrong", "step-alone"),
    ):
        (judgement,) = judge({"w_new": answer}, workings)
        assert judgement.verdict == verdict, (answer, judgement)
        assert [mistake.code for mistake in judgement.mistakes] == ([code] if code else [])


def test_mistakes_to_find() -> None:
    exercise = exercise_on("two-layer-network", seed=8, plant=2)
    first, second = exercise.planted
    innocent = next(key for key in exercise.workings.following(first) if key != second)
    right = {key: float(value) for key, value in exercise.key().items()}
    assert grade(exercise, typed(right)).is_right
    grading = grade(exercise, typed({first: right[first], innocent: 1.5}))
    verdicts = {judgement.key: judgement for judgement in grading.judgements}
    assert verdicts[innocent].innocent and verdicts[second].verdict == "missed" and verdicts[first].counts
    said = str(Graded((("sheet", grading),)))
    assert "follows from the numbers above it" in said and "1 mistake has not been found" in said
    assert f" {second} " not in said


def test_a_correction_by_the_numbers_of_the_sheet_is_right_too() -> None:
    exercise = next(
        exercise
        for exercise in (exercise_on("two-layer-network", seed=seed, plant=2) for seed in range(0, 40, 4))
        if exercise.planted[1] in exercise.workings.following(exercise.planted[0])
    )
    key = exercise.planted[1]
    by_the_sheet = exercise.workings.work_out(
        exercise.workings.cells[key], {**exercise.right, **exercise.shown}
    )
    for value in (by_the_sheet, exercise.right[key]):
        judgements = grade(exercise, typed({key: value.tolist()})).judgements
        assert next(judgement for judgement in judgements if judgement.key == key).verdict == "right"


def test_a_sample_of_the_catalogues() -> None:
    outcome = measure_slips(32, seed=1)
    assert outcome["another"] == 0
    assert outcome["named"] >= 0.95 * (32 - outcome["right by accident"])


@every("topic", TOPICS)
def test_no_hint_below_the_formula_has_the_answer(topic: str) -> None:
    for seed in (1,):
        exercise = exercise_on(topic, seed=seed, blanks=3)
        for wrong in (1.234567, "1"):
            answers = {key: _like(exercise.right[key], wrong) for key in exercise.asked}
            grading = grade(exercise, typed(answers))
            for judgement in grading.judgements:
                right = exercise.right[judgement.key].ravel().tolist()
                telling = [text for text in (number(value, 3) for value in right) if len(text) > 3]
                formula = str(exercise.workings.formula(exercise.workings.cells[judgement.key]))
                said = "\n".join(map(str, hints(exercise, judgement, HintLevel.PATTERN)))
                assert not any(text in said for text in telling), said
                assert len(formula) < 4 or f" = {formula}" not in said
            for level in (1, 2, 3):
                plain = str(Graded((("s", grading),), HintLevel(level)).to_dict())
                assert not any(number(value, 4) in plain for value in right if len(number(value, 4)) > 4)


def _like(right: Any, wrong: Any) -> Any:
    return wrong if not right.ndim else [[wrong] * 1] and _filled(right.shape, float(wrong))


def _filled(shape: tuple[int, ...], value: float) -> Any:
    return [_filled(shape[1:], value) for _ in range(shape[0])] if shape else value


def test_hints_grow_by_level() -> None:
    exercise = Exercise(LOGISTIC, ("∂a/∂z",))
    (judgement,) = judge({"∂a/∂z": "0.870"})
    said = [[*map(str, hints(exercise, judgement, HintLevel(level)))] for level in range(1, 6)]
    for less, more in pairwise(said):
        assert more[: len(less)] == less and len(more) > len(less)
    assert said[3][-1].startswith("Formula: ∂a/∂z = ")
    assert said[4][-1] == "Number: ∂a/∂z = 0.1132"


@every(
    "cell, answer, twin",
    [
        ("v1", "-1.8", ("w = ", "With the slip: v1 = -")),
        ("∂L/∂a", "1.15", ("∂L/∂v2 · ∂v2/∂a = ", "∂L/∂a = ")),
        ("b_new", "0.0870", ("∂L/∂b = ", "b_new = ")),
    ],
)
def test_a_twin_of_values_sums_and_steps(cell: str, answer: str, twin: tuple[str, ...]) -> None:
    exercise = Exercise(LOGISTIC, (cell,))
    (judgement,) = judge({cell: answer})
    said = "\n".join(map(str, hints(exercise, judgement, HintLevel.PATTERN)))
    assert judgement.mistakes and "The same slip in other numbers" in said, said
    assert all(part in said for part in twin), said


def test_a_value_with_a_term_of_a_nested_sum_left_out() -> None:
    workings = Workings(bpx.parse("z = p*q + r*s + t", p=1.5, q=0.7, r=1.1, s=0.3, t=2.2))
    (judgement,) = judge({"z": "1.05"}, workings)
    assert judgement.verdict == "wrong" and [one.code for one in judgement.mistakes] == ["slip"]


def test_gradients_alone() -> None:
    exercise = exercise_on("two-layer-network", seed=0, ask="gradients")
    assert {*exercise.asked} <= {f"∂L/∂{leaf.name}" for leaf in exercise.workings.spec.inputs}
    outcome = measure_gradients_alone(4)
    assert not outcome["hidden slip: another"] and outcome["hidden slip: named"] > 0
    values = exercise.workings.values({"∂h/∂z": exercise.right["h"]})
    grading = grade(exercise, typed({key: values[key].tolist() for key in exercise.asked}))
    said = {mistake.text for one in grading.judgements for mistake in one.mistakes}
    assert said == {"the value of `tanh` is used in place of its derivative"}
    assert grade(exercise, typed({key: exercise.right[key].tolist() for key in exercise.asked})).is_right
    with pytest.raises(bpx.BpxError, match="unknown-choice"):
        exercise_on("softmax", ask="nothing")


def test_the_python_door() -> None:
    sheet = bpx.load("logistic_regression").practice(blanks=2, seed=1)
    assert bpx.grade(sheet, {"∂v2/∂a": "1/a", "∂L/∂v2 · ∂v2/∂a": -1.1496}).is_right
    assert not bpx.grade(sheet, {"∂v2/∂a": "a"}, hint=1).is_right
    with pytest.raises(bpx.BpxError, match="bad-hint"):
        bpx.grade(sheet, {}, hint=9)


@every(
    "answer, name, known",
    [
        ("banana * 2", "`banana`", "you can use x, w, b, y"),
        ("∂a/∂b * 2", "`∂a/∂b`", "you can use ∂L/∂L, "),
        ("2 * dz/dq", "`dq`", "you can use x, w"),
    ],
)
def test_a_name_without_a_cell_is_told_which_names_there_are(answer: str, name: str, known: str) -> None:
    (judgement,) = judge({"∂a/∂z": answer})
    (problem,) = judgement.problems
    assert name in problem.message and str(problem.advice).startswith(known)
    assert "∂a/∂z" not in str(problem.advice)  # what is asked for
