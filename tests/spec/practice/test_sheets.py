"""Sheets: drawn by a seed, written, read back, and graded; none gives its answers away."""

from __future__ import annotations

import ast
import json
import pickle
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.practice import all_show, measure_sheets
from rich.console import Console
from rows_of_a_table import every

import bpx
from bpx.graph.numbers import number
from bpx.render.plain import plain
from bpx.render.table import table_text
from bpx.spec.practice.cells.cells import Kind, Workings
from bpx.spec.practice.exercise import Exercise
from bpx.spec.practice.grade import grade
from bpx.spec.practice.practice import exercise_of, exercise_on, typed
from bpx.spec.practice.read_sheet import read_sheet, sheet_in
from bpx.spec.practice.sheet import WHOLE, Sheet
from bpx.spec.practice.sheet_files import sheet_text
from bpx.spec.practice.topics import TOPICS
from bpx.words.diagnostic import BpxError, Source

READABLE = ("a.toml", "a.md", "a.ipynb")
EXAMPLES = ("logistic_regression", "tiny_network", "sum_times_sum", "softmax_cross_entropy", "conv1d_edge")


def test_a_sample_of_the_benchmark() -> None:
    outcome = measure_sheets(9)
    assert outcome["deterministic"] == outcome["right by its key"] == outcome["sheets"] == 9
    assert outcome["as many as asked for, all visible"] == outcome["with mistakes"] > 4


@every("name", EXAMPLES)
def test_the_cells_are_those_of_an_explanation(name: str) -> None:
    spec = bpx.load(name)
    workings = Workings(spec)
    values = workings.values()
    for node, gradient in spec.explain(check=False).gradients.items():
        key = workings.gradient_keys.get(spec.nodes[node])
        assert np.array_equal(values[key] if key else np.zeros(np.shape(gradient)), gradient)


@every("topic", TOPICS)
def test_every_graph_of_a_topic_can_be_practised(topic: str) -> None:
    for seed in range(len(TOPICS[topic].graphs)):
        exercise = exercise_on(topic, seed=seed, blanks="all")
        assert len(exercise.asked) > 3
        assert all(np.isfinite(value).all() for value in exercise.right.values())


@every("count", range(1, 8))
def test_nothing_shown_gives_an_asked_cell_away(count: int) -> None:
    exercise = exercise_of(bpx.load("tiny_network"), blanks=count, seed=count)
    workings = exercise.workings
    assert len(exercise.asked) == count
    for key in exercise.asked:
        assert exercise.shown_value(key) is None
        for after in workings.following(key):
            assert exercise.shown_value(after) is None, (key, after)


def answers_in(text: str, exercise: Exercise) -> list[str]:
    """The asked values that a text has in it: those that are the values of no cell that is shown."""
    cells = exercise.workings.cells
    shown = {number(abs(float(x)), 6) for key in cells for x in np.ravel(_value(exercise, key))}
    asked = {number(abs(float(x)), 6) for key in exercise.key() for x in np.ravel(exercise.right[key])}
    return [one for one in asked - shown if len(one) > 3 and (one in text or one[:5] in text)]


def _value(exercise: Exercise, key: str) -> object:
    value = exercise.shown_value(key)
    return [] if value is None else value


@every("ending", ("toml", "md", "tex", "html", "ipynb", "txt", "json"))
def test_no_form_of_a_sheet_has_an_answer_unless_asked_for_the_key(ending: str) -> None:
    for options in ({"blanks": 4}, {"plant": 1}):
        exercise = exercise_on("sum-of-paths", seed=1, **options)
        assert answers_in(sheet_text(Sheet(exercise), f"a.{ending}"), exercise) == []
    exercise = exercise_on("logistic-regression", seed=4, blanks=2)
    key = sheet_text(Sheet(exercise, with_key=True), f"a.{ending}")
    assert all(number(abs(float(value)), 4).partition("e")[0] in key for value in exercise.key().values())


@every("name", READABLE)
def test_a_sheet_with_its_key_reads_back_and_is_right(name: str, tmp_path: Path) -> None:
    for options in ({"blanks": 3, "seed": 2}, {"plant": 2, "seed": 5}, {"ask": "gradients", "seed": 1}):
        for topic in ("update-steps",):
            exercise = exercise_on(topic, **options)  # type: ignore[arg-type]
            path = tmp_path / name
            path.write_text(sheet_text(Sheet(exercise, with_key=True), name), encoding="utf-8")
            filled = read_sheet(str(path))
            assert filled.exercise.asked == exercise.asked
            assert grade(filled.exercise, filled.texts).is_right
            path.write_text(sheet_text(Sheet(exercise), name), encoding="utf-8")
            empty = read_sheet(str(path))
            assert not grade(empty.exercise, empty.texts).right
            assert all_show(empty.exercise, len(exercise.planted))


def test_a_filled_in_markdown_table() -> None:
    text = sheet_text(Sheet(exercise_of(bpx.load("logistic_regression"), blanks=2, seed=1)), "a.md")
    cells = [line for line in text.splitlines() if line.startswith("| ∂") and "`" in line]
    for cell, answer in zip(cells, (r"`1 / a`", r"\-1 \* ∂v2/∂a"), strict=True):
        text = text.replace(cell, f"{cell.rstrip('| ')} | {answer} |")
    filled = sheet_in(Source("a.md", text))
    assert grade(filled.exercise, filled.texts).is_right
    line, column = (span := next(iter(filled.texts.values())).span(0, 1)).source.position(span.start)
    assert text.splitlines()[line - 1][column - 1 :].startswith("1 / a")


def test_names_of_cells_may_be_typed_in_ascii() -> None:
    text = sheet_text(Sheet(exercise_on("chain-rule", plant=1, seed=3)), "a.toml")
    exercise = sheet_in(Source("a.toml", text)).exercise
    (key,) = exercise.planted
    typed_line = f'[answers]\n"{key.replace("∂", "d").replace(" · ", "*")}" = {float(exercise.right[key])}'
    filled = sheet_in(Source("a.toml", text.replace("\n[answers]", f"\n{typed_line}")))
    assert grade(filled.exercise, filled.texts).is_right


def test_a_notebook_is_python_that_grades_itself() -> None:
    notebook = json.loads(sheet_text(Sheet(exercise_on("chain-rule", seed=1)), "a.ipynb"))
    namespace: dict[str, object] = {}
    answers, judged = (cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    exec(answers, namespace)
    *statements, last = ast.parse(judged).body
    exec(ast.unparse(ast.Module(statements, [])), namespace)
    graded = eval(ast.unparse(last), namespace)
    assert not graded.is_right and "empty" in str(graded)


@every(
    "text, code",
    [
        ("a = 1", "no-sheet"),
        (r"\documentclass{article}", "no-sheet"),
        ("<!doctype html>", "no-sheet"),
        ("[sheet]\nbpx-sheet = 2\nspec = ''", "sheet-version"),
        ("[sheet]\nbpx-sheet = 1", "sheet-without-spec"),
        ('[sheet]\nbpx-sheet = 1\nasked = ["q"]\nspec = "y = x^2; x = 2"', "unknown-cell"),
        ('[sheet]\nbpx-sheet = 1\ndigits = 99\nspec = "y = x^2"', "bad-digits"),
        ("[sheet]\nbpx-sheet = 'one'\nspec = 1", "wrong-type"),
        ("{}", "no-sheet"),
        ('{"metadata": {"bpx": {"sheet": 3}}, "cells": []}', "toml-syntax"),
        ("[sheet\n", "toml-syntax"),
    ],
)
def test_what_is_no_sheet(text: str, code: str) -> None:
    with pytest.raises(BpxError) as error:
        sheet_in(Source("a.toml", text))
    assert code in [problem.code for problem in error.value.diagnostics]


@every(
    "options",
    [{"blanks": 0}, {"blanks": "many"}, {"plant": -1}, {"digits": 0}, {"seed": -1}],
)
def test_options_that_mean_nothing(options: dict[str, object]) -> None:
    with pytest.raises(BpxError, match="bad-practice-option"):
        exercise_of(bpx.load("sigmoid"), **options)  # type: ignore[arg-type]


def test_a_title_is_inert_in_every_form() -> None:
    title = '<script>alert(1)</script> \\input{x} ``` """ | # [[x]]'
    spec = bpx.load(
        f'bpx = 1\ntitle = {json.dumps(title)}\n[inputs]\nx = 0.7\n[graph]\nu = "2*x"\ny = "u^3"\n'
    )
    sheet = spec.practice(blanks=1)
    assert "<script>alert" not in sheet_text(sheet, "a.html")
    assert "\\input{x}" not in sheet_text(sheet, "a.tex")
    for name in READABLE:
        assert sheet_in(Source(name, sheet_text(sheet, name))).exercise.title == title


def test_gradients_of_cells_that_meet_more_than_once() -> None:
    exercise = exercise_of(bpx.parse("z = x*x*x + x; y = z*z", x=0.5), blanks="all")
    keys = [cell.key for cell in exercise.workings.cells.values() if cell.kind is Kind.CONTRIBUTION]
    assert len(set(keys)) == len(keys) == 6
    assert grade(exercise, typed({key: value.tolist() for key, value in exercise.right.items()})).is_right


def test_a_local_derivative_is_shown_or_its_absence_is_explained() -> None:
    for topic in TOPICS:
        for seed in range(4):
            sheet = Sheet(exercise_on(topic, seed=seed))
            for _, keys, rows in sheet._passes:
                at = keys.index("local") if "local" in keys else None
                cells = [row[at] for row in rows if at is not None and "→" in str(row[0])]
                assert all(str(cell) for cell in cells), (topic, seed)
                assert ("—: the op" in plain(sheet.blocks())) == (WHOLE in map(str, cells)) or at is None
    shown = plain(Sheet(exercise_on("sum-of-paths", seed=2)).blocks())
    assert [line.split() for line in shown.split("\n") if line.strip().startswith("y → v1")] == [
        ["y", "→", "v1", "1", "1", "1"]
    ]


def test_a_column_of_shapes_stands_only_where_there_are_arrays() -> None:
    assert "shape" not in plain(Sheet(exercise_on("chain-rule")).blocks())
    assert "shape" in plain(Sheet(exercise_on("softmax")).blocks())


def test_values_that_are_marked_again_are_counted_once_and_said_to_be() -> None:
    for blanks in (1, 2, 4):
        sheet = Sheet(exercise_on("logistic-regression", blanks=blanks))
        marks = plain([*sheet.tables()]).count("?")
        assert marks >= blanks
        assert ("marked again" in sheet.task()) == (marks > blanks)
        assert ("the value" if blanks == 1 else f"the {blanks} values") in sheet.task()


def test_no_matrix_of_a_topic_is_broken_within_a_row() -> None:
    for topic, seed in (("convolution", 5), ("convolution", 2), ("two-layer-network", 2), ("softmax", 2)):
        sheet = Sheet(exercise_on(topic, seed=seed))
        for width in (60, 80):
            console = Console(no_color=True, width=width, file=StringIO())
            for line in table_text([*sheet.tables()], console).split("\n"):
                assert "[" not in line or line.rstrip().endswith(("]", "],")), line


def test_that_there_is_no_room_for_mistakes_is_soon_said(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = []
    values = Workings.values
    monkeypatch.setattr(
        Workings, "values", lambda *given, **named: evaluated.append(1) or values(*given, **named)
    )
    with pytest.raises(BpxError):
        exercise_on("two-layer-network", plant=7, seed=1)
    assert len(evaluated) < 2500


@every("options", [{"blanks": "all"}, {"plant": 2}])
def test_a_sheet_pickles(options: dict[str, Any]) -> None:
    sheet = bpx.load("tiny_network").practice(**options)
    text = sheet.to_json()  # with all that it works out
    assert pickle.loads(pickle.dumps(sheet)).to_json() == text
