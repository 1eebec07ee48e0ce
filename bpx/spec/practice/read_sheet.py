"""Sheets that somebody filled in: TOML, Markdown or a notebook → the exercise, and what was typed where."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.spec.practice.cells.cells import Workings
from bpx.spec.practice.cells.rounding import ANSWER_DIGITS
from bpx.spec.practice.cells.spec_text import SHEET_VERSION
from bpx.spec.practice.exercise import MOST_DIGITS, Exercise
from bpx.spec.practice.sheet_files import FENCE
from bpx.spec.reading.decoder import Decoder
from bpx.spec.reading.documents.document import read_document
from bpx.spec.reading.target import read_file, read_text
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span

_KEYS = ("bpx-sheet", "digits", "topic", "seed", "rate", "asked", "ask", "spec")
_TOP = ("sheet", "shown", "answers")
_ROW = re.compile(r"^\s*\|(?P<cells>.*)\|\s*$", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]<>#|~&$()+.!-])")
_TABLE = re.compile(r"^\s*\[sheet\b", re.MULTILINE)


class FilledSheet(NamedTuple):
    """A sheet: its exercise, and the text of each answer by key of its cell."""

    name: str
    exercise: Exercise
    texts: Mapping[str, SourceText]


def read_sheet(file: str) -> FilledSheet:
    """A sheet from a file. Raises `BpxError`."""
    return sheet_in(read_file(Path(file)))


def sheet_in(source: Source) -> FilledSheet:
    """A sheet from a text in TOML, in Markdown, or of a notebook. Raises `BpxError`."""
    if Path(source.name).suffix.lower() == ".ipynb" or source.text.lstrip().startswith("{"):
        return _in_notebook(source)
    if FENCE in source.text:
        return _in_markdown(source)
    if not _TABLE.search(source.text):
        raise BpxError([Diagnostic("no-sheet", Span(source, 0, 0), {"name": source.name})])
    decoder = _decoder(source)
    exercise = _exercise(decoder)
    texts = {key: _typed(decoder, key) for key in _answers(decoder)}
    return _checked(source, exercise, texts)


def _decoder(source: Source) -> Decoder:
    document, places = read_document(source, "toml", "sheet")
    decoder = Decoder(document, places, [])
    if not isinstance(document.get("sheet"), dict):
        raise BpxError([Diagnostic("no-sheet", Span(source, 0, 0), {"name": source.name})])
    return decoder


def _exercise(decoder: Decoder) -> Exercise:
    """The exercise of a plan. Raises `BpxError`."""
    sheet = decoder.document["sheet"]
    decoder.check_keys(decoder.document, "sheet", (), _TOP)
    decoder.check_keys(sheet, "sheet", ("sheet",), _KEYS)
    kinds = {"bpx-sheet": int, "digits": int, "seed": int, "topic": str, "asked": list, "spec": str}
    kinds |= {"ask": str}
    fitting = {
        key: sheet[key]
        for key, kind in kinds.items()
        if key in sheet and decoder.has_type(kind, sheet[key], "sheet", key)
    }
    version, digits = fitting.get("bpx-sheet"), fitting.get("digits", ANSWER_DIGITS)
    if version != SHEET_VERSION:
        decoder.problem("sheet-version", decoder.places.value("sheet", "bpx-sheet"), found=version)
    if not 1 <= digits <= MOST_DIGITS:
        decoder.problem("bad-digits", decoder.places.value("sheet", "digits"), found=digits, most=MOST_DIGITS)
    if "spec" not in fitting:
        decoder.problem("sheet-without-spec", decoder.places.key("sheet"))
    rate = _rate(decoder, sheet)
    if decoder.problems:
        raise BpxError(decoder.problems)
    workings = Workings(read_text(Source(f"{decoder.places.source.name} (spec)", fitting["spec"])), rate)
    shown = _shown(decoder, workings)
    asked = tuple(fitting.get("asked", ()))
    if shown:
        asked = tuple(cell.key for cell in workings.cells.values() if not workings.is_given(cell))
    for place, key in enumerate(asked):
        if key not in workings.cells:
            decoder.problem("unknown-cell", decoder.places.value("sheet", "asked", place), name=str(key))
    if decoder.problems:
        raise BpxError(decoder.problems)
    in_order = tuple(key for key in workings.cells if key in asked)
    topic, seed = fitting.get("topic", ""), fitting.get("seed", 0)
    return Exercise(workings, in_order, shown, digits, topic, seed, fitting.get("ask") == "gradients")


def _rate(decoder: Decoder, sheet: Mapping[str, Any]) -> float | None:
    number = decoder.numbers("rate", sheet["rate"], "sheet", "rate") if "rate" in sheet else None
    return float(number) if number is not None and not number.ndim else None


def _shown(decoder: Decoder, workings: Workings) -> dict[str, Array]:
    """The numbers of a sheet with mistakes."""
    table = decoder.take("shown", dict) or {}
    shown: dict[str, Array] = {}
    for key, value in table.items():
        if key not in workings.cells:
            decoder.problem("unknown-cell", decoder.places.key("shown", key), name=key)
            continue
        array = decoder.numbers(key, value, "shown", key)
        if array is not None and array.shape != workings.shape_of(workings.cells[key]):
            decoder.problem("unknown-cell", decoder.places.value("shown", key), name=key)
        elif array is not None:
            shown[key] = np.asarray(array)
    return shown


def _answers(decoder: Decoder) -> Mapping[str, Any]:
    return decoder.take("answers", dict) or {}


def _typed(decoder: Decoder, key: str) -> SourceText:
    """An answer in quotes, or a number as it stands."""
    value = decoder.document["answers"][key]
    if isinstance(value, str):
        return decoder.text("answers", key)
    span = decoder.places.value("answers", key)
    assert span
    return SourceText(span.source, span.text, range(span.start, span.end + 1))


def _checked(source: Source, exercise: Exercise, texts: dict[str, SourceText]) -> FilledSheet:
    """Every answer must be one to a cell of the sheet, however that is typed. Raises `BpxError`."""
    keys = {name: exercise.workings.named(name) for name in texts}
    problems = [
        Diagnostic("unknown-cell", text.span(0, len(text.content)), {"name": name}).suggesting(
            name, exercise.asked
        )
        for name, text in texts.items()
        if keys[name] not in exercise.asked
    ]
    if problems:
        raise BpxError(problems)
    return FilledSheet(source.name, exercise, {keys[name] or name: text for name, text in texts.items()})


# --- Markdown and notebooks ---------------------------------------------------------------------


def _in_markdown(source: Source) -> FilledSheet:
    """The plan stands in a fence; blanks in front of it keep its lines where they are."""
    start = source.text.index(FENCE) + len(FENCE)
    end = source.text.find("\n```", start)
    blank = re.sub(r"[^\n]", " ", source.text[:start])
    exercise = _exercise(
        _decoder(Source(source.name, blank + source.text[start : end if end >= 0 else None]))
    )
    texts = {key: text for key, text in _rows(source, start) if text.content}
    return _checked(source, exercise, texts)


def _rows(source: Source, end: int) -> Iterator[tuple[str, SourceText]]:
    """The first and the last cell of each row of a table of answers: those below its last heading."""
    begin = source.text.rfind("\n### ", 0, end)
    rows = [*_ROW.finditer(source.text, max(begin, 0), end)][2:]
    for row in rows:
        bars = [bar.start() for bar in _BAR.finditer(source.text, row.start(), row.end())]
        key = _unescaped(source.text[bars[0] + 1 : bars[1]])
        if key:
            yield key, _cell_text(source, bars[-2] + 1, bars[-1])


def _cell_text(source: Source, start: int, end: int) -> SourceText:
    """The text of a cell, without the backslashes and backquotes of Markdown, and where it stands."""
    raw = source.text[start:end]
    start += len(raw) - len(raw.lstrip())
    characters: list[tuple[str, int]] = []
    at, stripped = 0, raw.strip()
    while at < len(stripped):
        escape = _ESCAPED.match(stripped, at)
        if stripped[at] != "`" or escape:
            characters.append((escape[1] if escape else stripped[at], start + at))
        at += 2 if escape else 1
    content = "".join(character for character, _ in characters)
    return SourceText(source, content, [*(place for _, place in characters), start + len(stripped)])


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text.strip())


def _in_notebook(source: Source) -> FilledSheet:
    """The plan stands in the metadata, the answers in the cell that assigns `answers`."""
    problem = BpxError([Diagnostic("no-sheet", Span(source, 0, 0), {"name": source.name})])
    try:
        notebook = json.loads(source.text)
        plan = str(notebook["metadata"]["bpx"]["sheet"])
        cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
        exercise = _exercise(_decoder(Source(source.name, plan)))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise (error if isinstance(error, BpxError) else problem) from None
    return _checked(
        source, exercise, {key: text for cell in cells for key, text in _assigned(source.name, cell)}
    )


def _assigned(name: str, cell: str) -> Iterator[tuple[str, SourceText]]:
    """Key and text of what a cell of Python puts into `answers`; nothing is run."""
    try:
        statements = ast.parse(cell).body
    except SyntaxError:
        return
    for statement in statements:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "answers":
            pairs = (
                zip(statement.value.keys, statement.value.values, strict=True)
                if isinstance(statement.value, ast.Dict)
                else ()
            )
            for key, value in pairs:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    text = value.value if isinstance(value, ast.Constant) else ast.unparse(value)
                    yield key.value, SourceText(Source(name, str(text)), str(text))
