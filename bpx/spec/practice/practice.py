"""What is practised: a topic, or any graph, and a sheet of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.practice.cells.rounding import ANSWER_DIGITS
from bpx.spec.practice.cells.spec_text import settled
from bpx.spec.practice.code.code_exercise import CodeExercise
from bpx.spec.practice.code.code_sheet import ENDING as CODE
from bpx.spec.practice.code.in_a_process import SECONDS, GradedCodeSheet, graded_code_sheet
from bpx.spec.practice.exercise import EVERY, MOST_DIGITS, Exercise, ask_for_gradients, fill_in, find_mistakes
from bpx.spec.practice.grade import grade
from bpx.spec.practice.read_sheet import FilledSheet, read_sheet
from bpx.spec.practice.results import Graded
from bpx.spec.practice.topics import spec_of
from bpx.spec.text.source_text import SourceText
from bpx.words.arguments import checked
from bpx.words.diagnostic import BpxError, Diagnostic, Source

_GRAPHS_TRIED = 6  # a small one may have no room for the mistakes that are asked for
ASKED = CELLS, GRADIENTS = "cells", "gradients"  # what may be asked for
MOST_BLANKS, MOST_PLANTED = 1000, 20


@checked
def exercise_of(
    spec: NamedGraph,
    *,
    blanks: int | str = 1,
    plant: int = 0,
    seed: int = 0,
    rate: float | None = None,
    digits: int = ANSWER_DIGITS,
    topic: str = "",
    ask: str = CELLS,
) -> Exercise:
    """An exercise on a graph: `blanks` cells to fill in, or `plant` mistakes to find.

    With `ask="gradients"` those of the inputs are asked for, and nothing between. Raises `BpxError`.
    """
    _refuse(blanks, plant, seed, digits)
    if ask not in ASKED:
        facts = {"found": ask, "known": ", ".join(ASKED)}
        raise BpxError([Diagnostic("unknown-choice", None, facts, "choices-are")])
    named: dict[str, Any] = {"digits": digits, "topic": topic}
    graph = _with_inputs(spec)
    if plant:
        return find_mistakes(graph, seed, plant, rate, **named)
    if ask == GRADIENTS:
        return ask_for_gradients(graph, seed, rate, **named)
    return fill_in(graph, seed, blanks, rate, **named)


def _with_inputs(spec: NamedGraph) -> NamedGraph:
    """The graph with everything settled. Raises `BpxError` for one of constants alone."""
    if not spec.inputs:
        raise BpxError([Diagnostic("constants-alone", None, {})])
    return settled(spec)


def exercise_on(topic: str, *, seed: int = 0, **options: Any) -> Exercise:
    """An exercise on a topic: the seed chooses the graph. Raises `BpxError`."""
    own_rate = options.pop("rate", None)
    for attempt in range(_GRAPHS_TRIED - 1):
        with suppress(BpxError):
            return _on_graph(topic, seed, attempt, own_rate, options)
    return _on_graph(topic, seed, _GRAPHS_TRIED - 1, own_rate, options)


def _on_graph(
    topic: str, seed: int, attempt: int, own_rate: float | None, options: dict[str, Any]
) -> Exercise:
    spec, rate = spec_of(topic, seed, attempt)
    return exercise_of(spec, seed=seed, rate=own_rate or rate, topic=topic, **options)


def _refuse(blanks: int | str, plant: int, seed: int, digits: int) -> None:
    """Raise `BpxError` for options that mean nothing."""
    limits = {
        "blanks": (blanks, 1, MOST_BLANKS),
        "plant": (plant, 0, MOST_PLANTED),
        "seed": (seed, 0, 2**63),
        "digits": (digits, 1, MOST_DIGITS),
    }
    problems = [
        Diagnostic("bad-practice-option", None, {"name": name, "found": value, "least": least, "most": most})
        for name, (value, least, most) in limits.items()
        if not (name == "blanks" and value == EVERY)
        and not (isinstance(value, int) and not isinstance(value, bool) and least <= value <= most)
    ]
    if problems:
        raise BpxError(problems)


def code_exercise_of(
    spec: NamedGraph, *, plant: int = 1, seed: int = 0, digits: int = ANSWER_DIGITS, topic: str = ""
) -> CodeExercise:
    """A module of the graph in NumPy, `plant` of whose backward statements are wrong. Raises `BpxError`."""
    _refuse(EVERY, plant, seed, digits)
    exercise = CodeExercise(_with_inputs(spec), max(plant, 1), seed, digits, topic)
    assert exercise.planted
    return exercise


def code_exercise_on(topic: str, *, seed: int = 0, **options: Any) -> CodeExercise:
    """The same on a topic: the seed chooses the graph. Raises `BpxError`."""
    for attempt in range(_GRAPHS_TRIED - 1):
        with suppress(BpxError):
            return code_exercise_of(spec_of(topic, seed, attempt)[0], seed=seed, topic=topic, **options)
    spec, _ = spec_of(topic, seed, _GRAPHS_TRIED - 1)
    return code_exercise_of(spec, seed=seed, topic=topic, **options)


def read_any_sheet(file: str, seconds: int = SECONDS) -> FilledSheet | GradedCodeSheet:
    """A sheet from a file; one in code is run and judged, in `seconds` of CPU time. Raises `BpxError`."""
    return graded_code_sheet(file, seconds) if Path(file).suffix.lower() == CODE else read_sheet(file)


def graded(sheets: Sequence[FilledSheet | GradedCodeSheet], **options: Any) -> Graded:
    """The sheets, judged."""
    gradings = (
        (
            sheet.name,
            sheet.grading if isinstance(sheet, GradedCodeSheet) else grade(sheet.exercise, sheet.texts),
        )
        for sheet in sheets
    )
    return Graded(tuple(gradings), **options)


def typed(answers: Mapping[str, Any], name: str = "<answers>") -> dict[str, SourceText]:
    """Answers from Python: texts, numbers and arrays."""
    return {key: _text(name, value) for key, value in answers.items()}


def _text(name: str, value: Any) -> SourceText:
    plain = value.tolist() if hasattr(value, "tolist") else value
    text = str(plain)
    return SourceText(Source(name, text), text)
